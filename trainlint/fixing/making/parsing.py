"""Whether a changed text is still what its file is meant to hold: read again by the parsers that read it."""

from __future__ import annotations

from trainlint.text.document import Broken
from trainlint.text.source import Source, source_of

LANGUAGES = ("python", "notebook", "yaml", "toml", "json")
"""What can be fixed: the languages whose result can be checked."""


def flaw(before: Source, text: str, language: str) -> str:
    """What is wrong with a text that was not wrong with the one before it; "" where nothing is.

    A notebook's text is its code; that each cell still parses is for whoever puts it back to see.
    """
    after = source_of(before.path, text)
    if language in ("python", "notebook"):
        found = _python(after)
        return "" if found is None or _python(before) is not None else _told(found)
    broken = _broken(after, language)
    return _told(broken[-1]) if len(broken) > len(_broken(before, language)) else ""


def _told(broken: Broken) -> str:
    return f"line {broken.line}: {broken.message}"


def _python(source: Source) -> Broken | None:
    from trainlint.analysis.outline.syntax import read_tree  # noqa: PLC0415
    from trainlint.text.guard import refusal  # noqa: PLC0415

    refused = refusal(source)
    if refused is not None:
        return refused
    tree = read_tree(source.path, source.text)
    return tree if isinstance(tree, Broken) else None


def _broken(source: Source, language: str) -> list[Broken]:
    if language == "json":
        from trainlint.text.json import parse_json  # noqa: PLC0415

        return parse_json(source)[1]
    if language == "toml":
        from trainlint.text.toml import parse_toml  # noqa: PLC0415

        return parse_toml(source)[1]
    from trainlint.text.yaml import parse_yaml  # noqa: PLC0415

    return parse_yaml(source)[1]
