"""The files of a project as composing sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from trainlint.text.document import Document
from trainlint.text.source import Source


class ProjectFiles(msgspec.Struct, frozen=True):
    """`document` gives a file's first document and `text` its text, None where it cannot be read; `known`
    holds the project's paths."""

    document: Callable[[str], Document | None]
    text: Callable[[str], Source | None]
    known: Collection[str]
