"""What calls of library functions evaluate to: objects of known callees, conversions, options, builtins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainlint.analysis.evaluation.containers import as_layers, with_entries
from trainlint.analysis.evaluation.conversions import CONVERSIONS, convert
from trainlint.analysis.evaluation.flags import is_made_here
from trainlint.analysis.evaluation.option_fields import field_default
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, is_to_be_filled, site_of, unknown
from trainlint.analysis.facts import Term
from trainlint.knowledge.base import Entry

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_FOLDS: dict[str, Callable[..., Any]] = {
    "builtins.max": max, "builtins.min": min, "builtins.abs": abs, "builtins.round": round,
    "builtins.str": str, "math.sqrt": lambda x: x**0.5,
}  # fmt: skip

_COPIES = frozenset({"builtins.list", "builtins.tuple", "copy.deepcopy", "copy.copy", "builtins.vars"})
_WORDS_DEPTH = 4
"""How far down an unread call's arguments are looked through for what they are called."""


class LibraryCalls:
    """The part of the evaluator that knows calls of functions from outside the project."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._opaque: dict[str, bool] = {}

    def value(self, name: str, frame: Frame, index: int, term: Term) -> Resolved:
        """What a call of a library's function gives, `name` being its absolute name."""
        if self._is_opaque(name):
            words = frozenset(_words(frame, term.args[1:], _WORDS_DEPTH))
            return Resolved(
                "object", name=name, site=site_of(frame, index), frame=frame, term=index, words=words
            )
        values = [self.evaluator.value(frame, arg) for arg in term.args[1:]]
        if name == "builtins.dict":
            return self._dict(frame, index, term, values)
        if name in _COPIES and len(values) == 1:
            return values[0]
        if name == "builtins.getattr" and len(values) >= 2 and isinstance(values[1].value, str):
            return self.evaluator.attribute(values[0], values[1].value)
        if name in CONVERSIONS and len(values) == 1:
            self.evaluator.configs.note_use(values[0], frame.span(index), converted=True)
            return convert(CONVERSIONS[name], values[0])
        if name in _FOLDS and values and all(value.kind == "const" for value in values):
            return self._fold(_FOLDS[name], values, Origin(frame.span(index), ""))
        if name == "builtins.len" and len(values) == 1 and values[0].kind == "sequence":
            if is_to_be_filled(values[0]):
                return unknown("the length of a list that is made to be filled")
            return Resolved("const", value=len(values[0].items), derived=True, option=values[0].option)
        if name == "importlib.import_module" and values:
            return self._imported(frame, index, name, values[0].default())
        entry = self.evaluator.entry(name)
        keywords = entry.extra.get("keywords") if entry is not None else None
        if entry is not None and isinstance(keywords, dict) and values:
            return self._keywords(values[0], keywords, entry.extra.get("optional"))
        if entry is not None and entry.kind == "changed-copy" and values:
            return self._changed(values[0], frame, term)
        if entry is not None and entry.kind == "option-field":
            return field_default(self.evaluator, entry, frame, index)
        held = self._settings(entry, frame, index, values) if entry is not None else None
        if held is not None:
            return held
        loader = self.evaluator.configs.loader_of(name, self._loader_class(term, values))
        if loader is not None and not is_made_here(name, values):
            return self._load_config(frame, index, term, loader)
        if entry is not None and entry.extra.get("passes") and values:
            return values[0]
        if entry is not None and entry.extra.get("environment") and len(values) > 1:
            return self._of_environment(*values[:2])
        words = frozenset().union(*(value.words for value in values)) if values else frozenset()
        given = entry.extra.get("gives") if entry is not None else None
        if isinstance(given, (bool, int, float, str)):
            # Of many processes, the first is the one that is read: its rank is 0.
            own = frozenset({name.rpartition(".")[2]})
            origin = Origin(frame.span(index), "in the first process")
            option = str(entry.extra.get("option", "")) if entry is not None else ""
            return Resolved("const", value=given, option=option, origins=(origin,), words=own, derived=True)
        return Resolved("object", name=name, site=site_of(frame, index), frame=frame, term=index, words=words)

    def _of_environment(self, name: Resolved, default: Resolved) -> Resolved:
        """A variable of the environment, where the program says what it is when nothing sets it."""
        words = default.words | (frozenset({name.value}) if isinstance(name.value, str) else frozenset())
        return dataclasses.replace(default, option=str(name.value or "environment"), words=words)

    def _is_opaque(self, name: str) -> bool:
        """Whether nothing is known of what a library's function makes of its arguments: most functions of
        tensors. They are not evaluated, as each may be made of calls without end."""
        known = self._opaque.get(name)
        if known is None:
            known = self._opaque[name] = not (
                name.startswith("builtins.")
                or name in CONVERSIONS
                or name in _FOLDS
                or name in _COPIES
                or name == "importlib.import_module"
                or self.evaluator.entry(name) is not None
                or self.evaluator.configs.loader_of(name, "") is not None
            )
        return known

    def _settings(
        self, entry: Entry, frame: Frame, index: int, values: Sequence[Resolved]
    ) -> Resolved | None:
        """What a call gives that reads options into an object, or makes a tree of settings."""
        if entry.kind == "command":
            return self.evaluator.structures.command(entry, frame, index)
        return self.evaluator.trees.made(entry, frame, index, values)

    def _keywords(self, options: Resolved, keywords: Mapping[str, object], optional: object) -> Resolved:
        """The keyword arguments that a helper of a library takes out of options, optional ones if there are
        such options."""
        left = {
            key
            for key in (optional if isinstance(optional, list) else ())
            if self.evaluator.options.lacks(options, str(keywords.get(key)))
        }
        entries = {
            key: self.evaluator.attribute(options, str(name))
            for key, name in keywords.items()
            if key not in left
        }
        return Resolved("mapping", entries=entries)

    def _imported(self, frame: Frame, index: int, name: str, module: Resolved) -> Resolved:
        """A module of the project that is imported by its name; of others, the object the call gives."""
        if module.kind == "const" and isinstance(module.value, str):
            path = self.evaluator.scope.imported(frame.facts.path, module.value)
            if path:
                return Resolved("module", name=f"{path}::")
        return Resolved("object", name=name, site=site_of(frame, index), frame=frame, term=index)

    def _fold(self, function: Callable[..., Any], values: Sequence[Resolved], origin: Origin) -> Resolved:
        try:
            result = function(*(value.value for value in values))
        except (TypeError, ValueError, ArithmeticError):
            return unknown("a computation that fails")
        option = next((value.option for value in values if value.option), "")
        origins = (origin, *(step for value in values for step in value.origins))[:5]
        words = frozenset().union(*(value.words for value in values))
        return Resolved("const", value=result, option=option, origins=origins, words=words, derived=True)

    def _dict(self, frame: Frame, index: int, term: Term, values: Sequence[Resolved]) -> Resolved:
        site = site_of(frame, index)
        given = list(zip(term.keys, values, strict=True))
        if any(value.kind != "mapping" and self.evaluator.trees.has(value) for value in values):
            return Resolved("overlay", items=tuple(as_layers(given)))
        return with_entries(Resolved("mapping", complete=True, site=site), given)

    def _loader_class(self, term: Term, values: Sequence[Resolved]) -> str:
        for key, value in zip(term.keys, values, strict=True):
            if key == "Loader" or (
                key == "" and value.kind in ("external", "class") and value.name.endswith("Loader")
            ):
                return value.name
        return ""

    def _load_config(self, frame: Frame, index: int, term: Term, loader: str) -> Resolved:
        for argument in term.args[1:]:
            path = self.evaluator.file_names.of(frame, argument)
            if path is not None:
                return self.evaluator.configs.load(path, frame.facts.path, loader, frame.span(index))
        reasons = (self.evaluator.value(frame, argument) for argument in term.args[1:])
        named = next((value.name for value in reasons if value.kind == "unknown"), "")
        return unknown(f"a config file whose name is not constant{f' ({named})' if named else ''}")

    def _changed(self, base: Resolved, frame: Frame, term: Term) -> Resolved:
        """A copy with other fields: `dataclasses.replace(config, lr=0.1)`."""
        given = zip(term.keys, term.args[1:], strict=True)
        changes = {key: self.evaluator.value(frame, arg) for key, arg in given if key and key[0] != "*"}
        complete = not any(key.startswith("*") for key in term.keys)
        layer = Resolved("mapping", entries=changes, complete=complete)
        return Resolved("overlay", items=(base, layer))


def _words(frame: Frame, terms: Iterable[int], depth: int) -> Iterator[str]:
    """The names of parameters and attributes that terms are made of."""
    for index in terms:
        term = frame.term(index)
        if term.op in ("attr", "param"):
            yield term.name
        if depth:
            yield from _words(frame, term.args, depth - 1)
