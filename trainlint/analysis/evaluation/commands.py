"""Functions that a library calls with what the command line says: `typer.run(main)`, `fire.Fire(train)`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.click_options import ClickOptions
from trainlint.analysis.evaluation.option_fields import field_flags
from trainlint.analysis.evaluation.options import Option
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, unknown
from trainlint.analysis.facts import Event

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_FRAMEWORK = "options"


class Commands:
    """The parameters that command lines fill, whichever library reads them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.click = ClickOptions(evaluator)
        self._targets: set[str] | None = None

    def decorated(self, frame: Frame, name: str) -> Resolved | None:
        """The value of a parameter that a decorator of its function declares; None where none does."""
        return self.click.parameter(frame, name) if frame.facts.decorators else None

    def is_command(self, frame: Frame) -> bool:
        """Whether a library calls this function with its parameters as options."""
        facts = frame.facts
        if self._is_target(f"{facts.path}::{facts.qualname}"):
            return True
        root = self.evaluator.root(facts.path, facts.qualname) if facts.decorators else None
        if root is None:
            return False
        return any(self._makes_command(self.evaluator.value(root, term)) for term in facts.decorators)

    def runs(self, caller: Frame, call: int) -> bool:
        """Whether a call hands its function to a library that reads the parameters from the command line."""
        callee = self.evaluator.value(caller, caller.term(call).args[0])
        entry = self.evaluator.entry(callee.name) if callee.kind == "external" else None
        return entry is not None and entry.kind == "command"

    def starts(self, frame: Frame) -> bool:
        """Whether the call that a frame stands for is one by a library that reads the command line."""
        if not frame.chain:
            return False
        site = frame.chain[0]
        caller = self.evaluator.root(site.path, site.qualname)
        return caller is not None and self.runs(caller, site.term)

    def option(self, frame: Frame, name: str) -> Resolved:
        """What a parameter of a command is: as every launch line gives it, else its default."""
        param = next((each for each in frame.facts.params if each.name == name), None)
        if param is not None and param.kind == "double-star":
            return self._others(frame)
        term = frame.facts.defaults.get(name)
        flag = f"--{name}"
        words = frozenset({name})
        if term is None:
            default = unknown(f"option {flag} has no default", words)
            flags: tuple[str, ...] = ()
        else:
            default = self.evaluator.value(frame, term)
            default = default.with_origin(Origin(frame.span(term), f"default of {flag}"))
            flags = field_flags(self.evaluator, frame, term)
        return self.launched(frame, default, flag, flags, words)

    def launched(
        self, frame: Frame, default: Resolved, flag: str, flags: tuple[str, ...], words: frozenset[str]
    ) -> Resolved:
        """A default as an option of that flag, or what every launch line gives for it."""
        default = dataclasses.replace(default, option=flag, words=default.words | words)
        spelled = flags or (flag, f"--{flag[2:].replace('_', '-')}")
        kind = "" if isinstance(default.value, str) else "literal"
        place = (frame.facts.path, frame.facts.qualname)
        return self.evaluator.options.launched(Option(*place, default, spelled, kind))

    def _others(self, frame: Frame) -> Resolved:
        """What `**kwargs` of a command collects: the flags of the launch lines that no parameter takes."""
        named = {param.name for param in frame.facts.params}
        place = (frame.facts.path, frame.facts.qualname)
        entries: dict[str, Resolved] = {}
        for flag in self.evaluator.scope.launched_flags():
            name = flag.lstrip("-").replace("-", "_")
            if name not in named:
                nothing = Resolved("absent", option=flag, words=frozenset({name}))
                option = Option(*place, nothing, (flag,), "literal")
                entries[name] = self.evaluator.options.launched(option)
        known = {name: value for name, value in entries.items() if value.kind != "absent"}
        return Resolved("mapping", entries=known, option="--")

    def _makes_command(self, value: Resolved) -> bool:
        entry = self.evaluator.entry(value.name) if value.kind in ("object", "external") else None
        return entry is not None and entry.kind == "command"

    def _is_target(self, name: str) -> bool:
        """Whether a function is handed to such a library, or is a method of a class that is."""
        if self._targets is None:
            self._targets = set()
            self._targets.update(self._handed())
        path, _, qualname = name.partition("::")
        owner = qualname.rpartition(".")[0]
        return (
            name in self._targets
            or bool(owner and f"{path}::{owner}" in self._targets)
            or bool("." not in qualname and path in self._targets)
        )

    def _handed(self) -> Iterator[str]:
        """Names of the functions and classes handed over; a path alone where a whole module is."""
        names = self.evaluator.knowledge.of_kind(_FRAMEWORK, "command")
        words = {name.rpartition(".")[2] for name in names}
        for place in self.evaluator.scope.units_calling(words):
            frame = self.evaluator.root(*place)
            for event in frame.facts.events if frame is not None else ():
                if event.kind != "call" or frame is None or not _may_run(frame, event, words):
                    continue
                if not self.runs(frame, event.term):
                    continue
                callee = self.evaluator.value(frame, frame.term(event.term).args[0])
                entry = self.evaluator.entry(callee.name)
                assert entry is not None
                made = Resolved("object", name=entry.name, frame=frame, term=event.term)
                target = self.evaluator.binder.arguments(made).get(entry.fields.get("target", ""))
                if target is not None:
                    yield from _functions(target)
                elif entry.extra.get("exposes") == "module":
                    yield place[0]


def _may_run(frame: Frame, event: Event, words: Collection[str]) -> bool:
    """Whether a call may be of one of these names: others need not be evaluated."""
    callee = frame.term(frame.term(event.term).args[0])
    return callee.op not in ("attr", "global") or callee.name.rpartition(".")[2] in words


def _functions(value: Resolved) -> Iterator[str]:
    for leaf in value.alternatives():
        if leaf.kind in ("function", "class", "instance"):
            yield leaf.name
        for item in (*(leaf.items if leaf.kind == "sequence" else ()), *leaf.entries.values()):
            yield from _functions(item)
