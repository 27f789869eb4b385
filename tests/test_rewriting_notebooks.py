"""Changed lines of a notebook's code go back into its JSON, and nothing else moves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.rewriting.files import RewriteError
from trainlint.rewriting.notebooks import in_notebook
from trainlint.text.notebook import NotebookSource, read_notebook
from trainlint.text.source import source_of

lines = st.sampled_from(["x = 1\n", "y = 'é'\n", "z = '🦊\\t\"'\n", "# note\n", "\n", "w = 2\r\n"])


@st.composite
def notebooks(draw: st.DrawFn) -> str:
    """A notebook's JSON, written in the ways that are about."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        cell = draw(st.lists(lines, max_size=4))
        if cell and draw(st.booleans()):
            cell[-1] = cell[-1].rstrip("\r\n") or "v = 3"
        written: object = cell if draw(st.booleans()) else "".join(cell)
        made.append({"cell_type": "code", "source": written, "outputs": [{"text": ["é", "x = 1\n"]}]})
        if draw(st.booleans()):
            made.append({"cell_type": "markdown", "source": ["x = 1\n", "text"]})
    style = {"indent": draw(st.sampled_from([None, 1, 4])), "ensure_ascii": draw(st.booleans())}
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4}, **style)


def read(text: str) -> NotebookSource:
    found = read_notebook(source_of("n.ipynb", text))
    assert isinstance(found, NotebookSource)
    return found


@given(notebooks(), st.data())
def test_only_the_changed_lines_change(text: str, data: st.DataObject) -> None:
    before = read(text)
    judged = before.source.text.splitlines(keepends=True)
    number = data.draw(st.integers(1, len(judged)))
    new = data.draw(st.sampled_from(["", "a = '数'\n", "a = 1\nb = 2\n", judged[number - 1]]))
    source = source_of("n.ipynb", text)
    cell, inside = before.locate(number)
    after = in_notebook(source, before.source.text, {number: new})
    old, found = json.loads(text), json.loads(after)
    was = "".join(old["cells"][cell - 1]["source"])
    now = "".join(found["cells"][cell - 1]["source"])
    parts = was.splitlines(keepends=True) or [""]
    ended = parts[-1].endswith("\n")
    parts[inside - 1] = new.replace("\n", "\r\n") if parts[inside - 1].endswith("\r\n") else new
    expected = "".join(parts)
    assert now == (expected if ended else expected.removesuffix("\n").removesuffix("\r"))
    assert isinstance(found["cells"][cell - 1]["source"], type(old["cells"][cell - 1]["source"]))
    found["cells"][cell - 1]["source"] = old["cells"][cell - 1]["source"]
    assert found == old


def test_the_last_line_after_an_empty_one_can_go() -> None:
    """A property test found it refused: the empty line is then the end of the cell, no line of its own."""
    text = json.dumps({"cells": [{"cell_type": "code", "source": "x = 1\n\ny = 2"}]})
    after = in_notebook(source_of("n.ipynb", text), read(text).source.text, {3: ""})
    assert json.loads(after)["cells"][0]["source"] == "x = 1\n"


def test_blanks_and_escapes_around_stay() -> None:
    text = '{"cells": [{"cell_type":"code","source" : [ "a\\u0020= 1\\n" ,\n\t"b = 2\\n",  "c = 3"\n ] }]}'
    after = in_notebook(source_of("n.ipynb", text), read(text).source.text, {2: "b = 4\nd = 5\n"})
    assert after == text.replace('"b = 2\\n"', '"b = 4\\n",\n\t"d = 5\\n"')
    gone = in_notebook(source_of("n.ipynb", text), read(text).source.text, {1: ""})
    assert gone == text.replace(' "a\\u0020= 1\\n" ,', "")


def test_code_that_no_longer_parses_is_refused() -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1\n", "y = 2"]}]})
    with pytest.raises(RewriteError, match="no longer parse"):
        in_notebook(source_of("n.ipynb", text), "x = 1\ny = 2\n", {1: "x = (\n"})
    with pytest.raises(RewriteError, match="changed since"):
        in_notebook(source_of("n.ipynb", text), "x = 1\ny = 3\n", {1: "x = 2\n"})
