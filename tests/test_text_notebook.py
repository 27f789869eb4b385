from __future__ import annotations

import ast
import json
from typing import Any

from trainlint.text.document import Broken
from trainlint.text.notebook import NotebookSource, read_notebook
from trainlint.text.source import source_of


def notebook(*cells: str | tuple[str, Any], **metadata: object) -> NotebookSource:
    written = [cell if isinstance(cell, tuple) else ("code", cell) for cell in cells]
    data = {"cells": [{"cell_type": kind, "source": text} for kind, text in written], "metadata": metadata}
    result = read_notebook(source_of("a.ipynb", json.dumps(data)))
    assert isinstance(result, NotebookSource)
    return result


def code(text: str) -> str:
    return notebook(text).source.text


def test_lines_lead_back_to_their_cells() -> None:
    read = notebook(
        ("markdown", "# Title"),
        "import torch\nx = 1",
        ("raw", "y"),
        ("code", ["a = 1\n", "b = 2\n"]),
        "",
        "z = 3",
    )
    assert read.source.lines == ["import torch", "x = 1", "a = 1", "b = 2", "", "z = 3"]
    assert [read.locate(line) for line in range(1, 7)] == [(2, 1), (2, 2), (4, 1), (4, 2), (5, 1), (6, 1)]
    assert read.broken == []


def test_magics_become_pass_and_keep_their_lines() -> None:
    text = (
        "%matplotlib inline\n!echo don't (\nx = (1\n  % 2)\nif x:\n    !pip install \\\n      torch\n"
        "    y = !ls\n"
        "s = '''\n%kept\n'''\nmodel?\n?model\nprint('a?') # b?\nx %= 2"
    )
    plain = code(text)
    assert plain == (
        "pass\npass\nx = (1\n  % 2)\nif x:\n    pass\n\n    y = get_ipython()\n"
        "s = '''\n%kept\n'''\npass\npass\nprint('a?') # b?\nx %= 2\n"
    )
    ast.parse(plain)


def test_cell_magics() -> None:
    assert code("%%bash\nfor x in 'a\ndo") == "\n\n\n"
    assert code("%%time\nmodel.fit()") == "pass\nmodel.fit()\n"
    assert code("\n%%writefile a.py\nimport x") == "\n\n\n"


def test_a_broken_cell_costs_only_itself() -> None:
    read = notebook("x = 1", "\nprint 'x'", "(" * 500 + ")" * 500, "await f()")
    assert read.source.lines == ["x = 1", "await f()"]
    assert read.cells == [1, 4]
    assert [(broken.kind, broken.line) for broken in read.broken] == [("syntax", 2), ("too-deep", 1)]
    assert read.broken[0].message.startswith("cell 2: ")


def test_other_kernels_have_no_python() -> None:
    assert notebook("x <- 1", kernelspec={"language": "R"}).source.text == ""
    assert notebook("x = 1;", language_info={"name": "julia"}).cells == []
    assert notebook("x = 1", kernelspec={"name": "python3"}, language_info={"name": "python"}).cells == [1]
    assert notebook(kernelspec=None).locate(1) == (1, 1)


def test_format_3_and_odd_shapes() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}], "metadata": {}}
    read = read_notebook(source_of("a.ipynb", json.dumps(old)))
    assert isinstance(read, NotebookSource)
    assert read.source.text == "x = 1\n"
    for odd in (
        {"cells": 1},
        {"cells": [1, {"cell_type": "code", "source": 5}]},
        {"worksheets": [None, {"cells": 5}]},
    ):
        assert isinstance(read_notebook(source_of("a.ipynb", json.dumps(odd))), NotebookSource)


def test_what_is_no_notebook_gives_a_reason() -> None:
    for text, kind, line in [
        ('{"cells":\n [,]}', "syntax", 2),
        ("[]", "syntax", 1),
        ('{"a": 1}', "syntax", 1),
        ("", "syntax", 1),
        ("[" * 200_000, "too-deep", 1),
    ]:
        broken = read_notebook(source_of("a.ipynb", text))
        assert isinstance(broken, Broken)
        assert (broken.kind, broken.line) == (kind, line)
