"""Objects that hold the settings of a trainer, and data classes that a parser fills from the command line."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.evaluation.options import Option
from trainlint.analysis.evaluation.values import Origin, Resolved, join, same, unknown
from trainlint.knowledge.base import Entry

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

SETTINGS = "trainer-arguments"
_FIELD = "dataclasses.field"
_CONFIG_FLAG = "--config"
_MAX_BASES = 4
_TRUE, _FALSE = frozenset({"true", "yes", "1", "t", "y"}), frozenset({"false", "no", "0", "f", "n"})


class SettingsObjects:
    """What is known of objects like `TrainingArguments(…)`, and of those a parser of data classes gives."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def holds(self, base: Resolved) -> bool:
        """Whether a value is such an object: one that is made, or one that a parser filled."""
        return self.filled(base) is not None or (base.kind == "object" and self.entry(base) is not None)

    def entry(self, base: Resolved) -> Entry | None:
        """The settings class of a known library behind an object, None where there is none."""
        filled = self.filled(base)
        if filled is not None:
            return self._entry_of(filled)
        if base.kind in ("object", "instance"):
            return self._entry_of(base)
        return None

    def _entry_of(self, owner: Resolved) -> Entry | None:
        """The settings class that a class, its instance or the callee of an object is, or is derived from."""
        if owner.kind in ("object", "external"):
            entry = self.evaluator.entry(owner.name)
            return entry if entry is not None and entry.kind == SETTINGS else None
        if owner.kind in ("class", "instance"):
            path, _, qualname = owner.name.partition("::")
            for base in list(self.evaluator.scope.foreign_bases(path, qualname))[:_MAX_BASES]:
                entry = self.evaluator.entry(base)
                if entry is not None and entry.kind == SETTINGS:
                    return entry
        return None

    def filled(self, base: Resolved) -> Resolved | None:
        """The class that a parser of data classes fills to make this object; None for other objects."""
        if base.kind != "part" or not base.items or not isinstance(base.value, int):
            return None
        parsed = base.items[0]
        if parsed.kind != "object" or not parsed.items or parsed.items[0].kind != "object":
            return None
        entry = self.evaluator.entry(parsed.items[0].name)
        methods = entry.extra.get("parses") if entry is not None else None
        if entry is None or not isinstance(methods, list):
            return None
        if parsed.name.rpartition(".")[2] not in methods:
            return None
        classes = self.evaluator.binder.arguments(parsed.items[0]).get(entry.fields.get("classes", ""))
        if classes is None:
            return None
        several = classes.items if classes.kind == "sequence" else (classes,)
        return several[base.value] if base.value < len(several) else None

    def attribute(self, base: Resolved, name: str) -> Resolved | None:
        """`base.name` of a settings object: what is given, else a constant default. None where unknown.

        A switch that is off by default stays unknown: such switches are what command lines are for.
        """
        if not self.holds(base):
            return None
        given = self.given(base, name)
        if given is not None:
            return given
        entry = self.entry(base)
        param = entry.param(name) if entry is not None else None
        if param is None or param.default is msgspec.UNSET or isinstance(param.default, (bool, list)):
            return None
        return Resolved("const", value=param.default, words=frozenset({name}), option=self._flag(base, name))

    def given(self, base: Resolved, name: str) -> Resolved | None:
        """What the program, its class or a launch line gives for a setting; None where the library's default
        holds."""
        found = self._written(base, name)
        stored = self._stored(base, name)
        if stored:
            entry = self.entry(base)
            if found is None and entry is not None and entry.param(name) is not None:
                return unknown(f"{name} is set after its object was made", frozenset({name}))
            return join([*([found] if found is not None else []), *stored])
        return found

    def _written(self, base: Resolved, name: str) -> Resolved | None:
        filled = self.filled(base)
        if filled is not None:
            return self._from_command_line(filled, name)
        if base.kind == "instance":
            path, _, qualname = base.name.partition("::")
            passed = self.evaluator.calls.constructor_field(base, path, qualname, name)
            return passed if passed is not None else self._declared(base, name)
        arguments = self.evaluator.binder.arguments(base)
        passed = arguments.get(name)
        if passed is None and not arguments.complete:
            return unknown(f"{name} may come from a starred argument", frozenset({name}))
        return passed

    def _from_command_line(self, owner: Resolved, name: str) -> Resolved | None:
        """A field of a data class whose flags nobody gives but the project's launch lines."""
        if self.evaluator.scope.launched((_CONFIG_FLAG,)):
            return unknown(f"{name} may come from the file behind {_CONFIG_FLAG}", frozenset({name}))
        declared = self._declared(owner, name)
        default = declared
        if default is None:
            entry = self._entry_of(owner)
            param = entry.param(name) if entry is not None else None
            if (
                param is not None
                and param.default is not msgspec.UNSET
                and not isinstance(param.default, list)
            ):
                default = Resolved("const", value=param.default)
        flag = f"--{name}"
        shape = default if default is not None else unknown(f"{flag} has no default")
        shape = dataclasses.replace(shape, option=flag, words=shape.words | {name})
        kind = "" if isinstance(shape.value, (str, bool)) else "literal"
        option = Option("", "", shape, (flag, flag.replace("_", "-")), kind)
        launched = self.evaluator.options.launched(option)
        if launched is not shape:
            return _as_truth(launched) if isinstance(shape.value, bool) else launched
        return None if declared is None else shape

    def _declared(self, owner: Resolved, name: str) -> Resolved | None:
        """The default a project class gives a field in its body, None where it does not name it."""
        if owner.kind not in ("class", "instance"):
            return None
        path, _, qualname = owner.name.partition("::")
        kind, where, member = self.evaluator.scope.resolve(path, qualname, name)
        if kind != "variable":
            return None
        frame = self.evaluator.root(where, member.rpartition(".")[0])
        if frame is None or name not in frame.facts.bindings:
            return None
        index = frame.facts.bindings[name]
        value = self.field_default(self.evaluator.value(frame, index))
        return value.with_origin(Origin(frame.span(index), f"default of --{name}"))

    def field_default(self, value: Resolved) -> Resolved:
        """What a field is without an argument: `field(default=3)` stands for 3."""
        if value.kind != "object" or value.name != _FIELD:
            return value
        arguments = self.evaluator.binder.arguments(value)
        default = arguments.get("default")
        return default if default is not None else unknown("a field whose default is made by a function")

    def _stored(self, base: Resolved, name: str) -> list[Resolved]:
        """What the program writes to the object later: `training_args.remove_unused_columns = False`."""
        return [
            self.evaluator.value(frame, value)
            for frame, owner, value in self.evaluator.scope.attribute_stores(name)
            if any(same(base, leaf) for leaf in self.evaluator.value(frame, owner).alternatives())
        ]

    def _flag(self, base: Resolved, name: str) -> str:
        return f"--{name}" if self.filled(base) is not None else ""


def _as_truth(value: Resolved) -> Resolved:
    """The truth value that text behind a flag means."""
    text = str(value.value).lower()
    if value.kind != "const" or text not in _TRUE | _FALSE:
        return value if value.kind != "const" else unknown("a flag that is neither true nor false")
    return dataclasses.replace(value, value=text in _TRUE)
