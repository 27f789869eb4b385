"""Options of a command line that are true or false."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.library_names import with_names
from trainlint.knowledge.versions import is_before

_KEPT = frozenset({"type", "default", "help", "dest", "required"})
"""Arguments that every action takes, and `type`, which goes."""

_SINCE = "3.9"
"""The first Python with BooleanOptionalAction."""


def switch(ground: Ground) -> list[Edit] | None:
    """`action="store_true"` in place of `type=bool`, or the one with `--no-flag` where the default is True.

    None where the option takes other arguments that such an action does not, and for a positional one.
    """
    syntax, call = ground.syntax, ground.call()
    if syntax is None or call is None or any(keyword.arg not in _KEPT for keyword in call.keywords):
        return None
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    default = given.get("default")
    if "type" not in given or not _are_flags(call.args):
        return None
    if default is not None and not isinstance(default, ast.Constant):
        return None
    chosen = default.value if default is not None else None
    if chosen is not None and not isinstance(chosen, bool):
        return None
    action = '"store_true"'
    if chosen is True:
        version = ground.material.sources.project.settings.versions.get("python", "")
        if version and is_before(version, _SINCE):
            return None
        action = "@argparse.BooleanOptionalAction"
    named = with_names(ground.material, syntax, action, syntax.start(call))
    if named is None:
        return None
    keyword = next(each for each in call.keywords if each.arg == "type")
    return [*named[1], syntax.edit(syntax.start(keyword), syntax.end(keyword), f"action={named[0]}")]


def _are_flags(names: list[ast.expr]) -> bool:
    """Whether an option is named by long flags (`--amp`, beside `-a`), none of which says no already."""
    texts = [each.value for each in names if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    long = [text for text in texts if text.startswith("--") and not text.startswith("--no-")]
    return bool(long) and len(texts) == len(names) and all(text.startswith("-") for text in texts)
