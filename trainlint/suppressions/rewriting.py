"""The bytes of a file with suppression comments added."""

from __future__ import annotations

from pathlib import Path

from trainlint.rewriting.files import encoded, original
from trainlint.rewriting.notebooks import in_notebook
from trainlint.suppressions.adding import Added
from trainlint.text.source import Source


def rewritten(file: Path, linted: Source, language: str, added: Added) -> bytes:
    """The bytes of a file with the comments added. `linted` is the text that was judged.

    Raises RewriteError where the file is not what was judged any more, or cannot hold the comments.
    """
    source = original(file, linted, language).source
    if language == "notebook":
        return encoded(source, in_notebook(source, linted.text, added.lines))
    return encoded(source, added.text)
