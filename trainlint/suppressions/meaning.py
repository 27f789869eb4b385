"""What a text says apart from its comments, to tell that adding one changed nothing."""

from __future__ import annotations

import io
import re
import sys
import tokenize
import warnings

Meaning = tuple[object, ...]

_JSON_TOKEN = re.compile(
    r'(?P<comment>//[^\r\n]*|#[^\r\n]*|/\*(?s:.*?)\*/)|"(?:[^"\\\r\n]|\\.)*"|[^\s"/#]+|\S'
)
_SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)


def meaning(text: str, language: str) -> Meaning | None:
    """Something equal for texts that differ in comments alone; None where the text cannot be read."""
    if language in ("python", "notebook"):
        return _python(text)
    if language == "yaml":
        return _yaml(text)
    if language == "toml":
        return _toml(text)
    return tuple(match[0] for match in _JSON_TOKEN.finditer(text) if match["comment"] is None)


def _python(text: str) -> Meaning | None:
    plain = re.sub(r"\r\n|\r", "\n", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokens = list(tokenize.generate_tokens(io.StringIO(plain).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    # An inserted line may end where another did not, and NEWLINE tells by its text.
    return tuple(
        (token.type, "" if token.type == tokenize.NEWLINE else token.string)
        for token in tokens
        if token.type not in _SILENT
    )


def _yaml(text: str) -> Meaning | None:
    import yaml  # noqa: PLC0415

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return tuple(
            (
                type(event).__name__,
                *(getattr(event, name, None) for name in ("anchor", "tag", "value", "style")),
            )
            for event in yaml.parse(text, Loader=loader)
        )
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError):
        return None


def _toml(text: str) -> Meaning | None:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    try:
        return (repr(tomllib.loads(text)),)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None
