"""Characters that a medium cannot hold, spelled out as reports for people do it: `\\x1b`, `\\udcff`.

File names may hold any byte, and messages quote files.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trainlint.output.terminal import visible_char

_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def json_text(document: Any) -> str:
    """The document as indented JSON in ASCII, line break at the end, lone surrogates spelled out."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if text.isascii():
        return text
    # Before anything is escaped: two that stand side by side would become one character.
    whole = _SURROGATES.sub(lambda found: "\\" + visible_char(found[0]), text)
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], whole)


def well_formed(text: str) -> str:
    """The text with lone surrogates, which strict JSON readers refuse, spelled out."""
    return text if text.isascii() else _SURROGATES.sub(_spelled_out, text)


def fit_for_xml(text: str) -> str:
    """The text with what XML 1.0 cannot hold, not even as a reference, spelled out."""
    return _NOT_XML.sub(_spelled_out, text)


def _spelled_out(found: re.Match[str]) -> str:
    return visible_char(found[0])
