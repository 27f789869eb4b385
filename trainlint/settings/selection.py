"""Which rules run: what the settings select and ignore, and whether they name rules that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from trainlint.rulebook.loading import Rulebook
from trainlint.settings.file import complaint, layers
from trainlint.settings.model import Settings, SettingsError

ALL = "all"


def selected_rules(rulebook: Rulebook, settings: Settings) -> frozenset[str]:
    """Names of the rules to run. A preview runs only where its own name is selected.

    Raises SettingsError, with the file and line for settings from a file, for a name that is no rule or
    family, an option that the rule does not have, and a folder of pages that does not exist.
    """
    _refuse_unknown(rulebook, settings)
    _refuse_options(rulebook, settings)
    _refuse_missing_folders(settings)
    stable = {rule.name for rule in rulebook.rules.values() if rule.status == "stable"}
    chosen = _named(rulebook, settings.select, stable) if settings.select else stable
    return frozenset(chosen - _named(rulebook, settings.ignore, set(rulebook.rules)))


def _named(rulebook: Rulebook, names: Iterable[str], of_families: set[str]) -> set[str]:
    families = rulebook.families()
    found: set[str] = set()
    for name in names:
        rule = rulebook.get(name)
        if rule is not None:
            found.add(rule.name)
        elif name == ALL:
            found |= of_families
        else:
            found |= {rule.name for rule in families[name]} & of_families
    return found


def _refuse_unknown(rulebook: Rulebook, settings: Settings) -> None:
    families = rulebook.families()
    for keys, name in _names(settings):
        only_rules = keys[0] in ("severity", "options")
        if rulebook.get(name) is not None or (not only_rules and (name == ALL or name in families)):
            continue
        what = "no rule" if only_rules else "neither a rule nor a family"
        message = f"{keys[0]}: {name!r} is {what}{rulebook.did_you_mean(name)}{_broken_page(rulebook, name)}"
        raise _complaint(settings, keys, message, lambda own: (keys, name) in _names(own))  # noqa: B023


def _broken_page(rulebook: Rulebook, name: str) -> str:
    """Why there is no such rule, where its page is broken."""
    return next((f" ({error})" for error in rulebook.errors if Path(error.path).stem == name), "")


def _refuse_options(rulebook: Rulebook, settings: Settings) -> None:
    for rule, options in settings.options.items():
        for option, value in options.items():
            problems = rulebook.check_options({rule: {option: value}})
            if not problems:
                continue
            message = f"options: {problems[0]}"
            given = ("options", rule, option)
            raise _complaint(settings, given, message, lambda own: option in own.options.get(rule, {}))  # noqa: B023


def _refuse_missing_folders(settings: Settings) -> None:
    for folder in settings.rulebooks:
        if not Path(folder).is_dir():
            message = f"rulebooks: there is no folder {folder}"
            raise _complaint(settings, ("rulebooks",), message, lambda own: folder in own.rulebooks)  # noqa: B023


def _complaint(
    settings: Settings, keys: tuple[str, ...], message: str, holds: Callable[[Settings], bool]
) -> SettingsError:
    """A SettingsError at the line of the topmost file that holds what is wrong; without one, if none does."""
    for layer in reversed(layers(Path(settings.file)) if settings.file else []):
        if holds(layer.settings):
            return complaint(layer.file, keys, message)
    return SettingsError(message)


def _names(settings: Settings) -> list[tuple[tuple[str, ...], str]]:
    """Every name of a rule or family in the settings, with the keys it stands under."""
    return [
        *((("select",), name) for name in settings.select),
        *((("ignore",), name) for name in settings.ignore),
        *((("severity", name), name) for name in settings.severity),
        *((("options", name), name) for name in settings.options),
        *(
            (("per-file-ignores", pattern), name)
            for pattern, names in settings.per_file_ignores.items()
            for name in names
        ),
    ]
