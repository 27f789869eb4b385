"""Where a program's functions are called: by name, on objects, as options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.reach import Place

if TYPE_CHECKING:
    from trainlint.recipe.code.programs import Program


class CallSites:
    """Finds the calls of the functions of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._by_call: dict[str, list[Place]] | None = None

    def of(self, path: str, qualname: str) -> Sequence[tuple[Frame, int]]:
        """Calls in reached units whose callee is this function, or this class for its `__init__`."""
        key = ("sites", path, qualname)
        memo = self.program.evaluator.memo
        known: list[tuple[Frame, int]] | None = memo.get(key)
        if known is not None:
            return known
        if memo.is_open(key):
            # Which object a method is called on may hang on what these calls pass: plain calls do not.
            memo.cut(key)
            return self._find_sites(path, qualname, named=True)
        outer, found = memo.open(key), None
        try:
            found = self._find_sites(path, qualname, named=False)
        finally:
            memo.close(key, outer, found)
        return found

    def _find_sites(self, path: str, qualname: str, named: bool) -> list[tuple[Frame, int]]:
        """The calls of a function; `named`: only those that name it, which needs no evaluation."""
        owner, _, simple = qualname.rpartition(".")
        wanted = owner.rpartition(".")[2] if simple == "__init__" else simple
        decides = self._names if named else self._calls
        function = f"{path}::{owner if simple == '__init__' else qualname}"
        found: list[tuple[Frame, int]] = []
        for caller in self._callers_by_name().get(wanted, ()):
            frame = self.program.evaluator.root(*caller)
            if frame is None:
                continue
            table = self.program.tables.calls(frame.facts, self.program.events(frame.facts))
            calls = table.of(function, simple, handed=simple != "__init__")
            found += [(frame, term) for term in calls if decides(frame, term, path, qualname)]
        return [site for made in found for site in self._through_options(*made, function)]

    def _through_options(self, frame: Frame, call: int, function: str) -> Iterator[tuple[Frame, int]]:
        """The calls of a function that is set as an option: `args.run(args)` after
        `parser.set_defaults(run=train)`; else the call itself."""
        record = frame.term(call)
        callee = frame.term(record.args[0])
        given = zip(record.keys, record.args[1:], strict=True)
        keys = [key for key, arg in given if key and frame.term(arg).name == function]
        if callee.op != "attr" or callee.name != "set_defaults" or not keys:
            yield frame, call
            return
        for key in keys:
            for user in self._callers_by_name().get(key, ()):
                used = self.program.evaluator.root(*user)
                for event in self.program.events(used.facts) if used is not None else ():
                    if used is None or event.kind != "call":
                        continue
                    target = used.term(used.term(event.term).args[0])
                    if target.op == "attr" and target.name == key:
                        yield used, event.term

    def users(self, qualname: str) -> list[Place]:
        """Reached units that use the name of a function, a method or a method's class: an upper bound."""
        names = qualname.partition("#")[0].split(".") if qualname else []
        if not names:
            return []
        by_name = self._callers_by_name()
        return list(dict.fromkeys(place for name in names for place in by_name.get(name, ())))

    def with_users(self, places: Iterable[Place]) -> frozenset[Place]:
        """These units and those that may call them, directly or not, by name: an upper bound."""
        found = set(places)
        waiting = sorted(found)
        while waiting:
            for caller in self.users(waiting.pop()[1]):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return frozenset(found)

    def _callers_by_name(self) -> dict[str, list[Place]]:
        """Reached units by the names they call or refer to, in order."""
        if self._by_call is None:
            self._by_call = {}
            for place in self.program.reach.places:
                for name in self.program.reach.names_used(place):
                    self._by_call.setdefault(name, []).append(place)
        return self._by_call

    def _names(self, frame: Frame, call: int, path: str, qualname: str) -> bool:
        """Whether a call names this function, as what it calls or as an argument."""
        callee = frame.facts.terms[frame.facts.terms[call].args[0]]
        owner, _, simple = qualname.rpartition(".")
        wanted = f"{path}::{owner if simple == '__init__' else qualname}"
        if callee.op == "global" and callee.name == wanted:
            return True
        return simple != "__init__" and self._hands_on(frame, call, wanted)

    def _calls(self, frame: Frame, call: int, path: str, qualname: str) -> bool:
        if self._names(frame, call, path, qualname):
            return True
        callee = frame.facts.terms[frame.facts.terms[call].args[0]]
        simple = qualname.rpartition(".")[2]
        if callee.op == "attr" and callee.name == simple:
            value = self.program.evaluator.value(frame, frame.facts.terms[call].args[0])
            return any(
                leaf.kind == "function" and leaf.name == f"{path}::{qualname}"
                for leaf in value.alternatives()
            )
        return False

    @staticmethod
    def _hands_on(frame: Frame, call: int, function: str) -> bool:
        arguments = frame.facts.terms[call].args[1:]
        return any(
            frame.facts.terms[each].op == "global" and frame.facts.terms[each].name == function
            for each in arguments
        )
