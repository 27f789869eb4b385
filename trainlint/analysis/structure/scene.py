"""What the detectors of structural faults may ask: the terms of a unit, its class, and other units."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from trainlint.analysis.facts import Place, Term, Unit, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.knowledge.base import Knowledge
from trainlint.knowledge.structure import structure_facts

FactsOf = Callable[[str, str], UnitFacts | None]
PlaceOf = Callable[[str, str, int], Place | None]


@dataclasses.dataclass(slots=True)
class Found:
    """A structural fault in terms of its unit.

    `operand` names which form of it, `trace` leads through further terms of the unit, `elsewhere` through
    places in other units of the same file. `event` is the call that is meant where equal calls share a term.
    """

    kind: str
    term: int
    operand: str = ""
    trace: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    elsewhere: list[tuple[Place, str]] = dataclasses.field(default_factory=list)
    facts: dict[str, str | int | float] = dataclasses.field(default_factory=dict)
    texts: dict[str, int] = dataclasses.field(default_factory=dict)
    """Facts whose value is the text of a term."""

    event: int = -1


class Scene:
    """One unit that was read, with what is known around it.

    `facts_of` gives the facts of any unit, `place_of` where one of its terms stands, `text` how a term of
    this unit is written.
    """

    def __init__(
        self,
        facts: UnitFacts,
        unit: Unit,
        index: ProjectIndex,
        knowledge: Knowledge,
        facts_of: FactsOf,
        place_of: PlaceOf,
        text: Callable[[int], str],
    ) -> None:
        self.facts = facts
        self.unit = unit
        self.index = index
        self.knowledge = knowledge
        self.facts_of = facts_of
        self.place_of = place_of
        self.text = text
        self.terms = facts.terms
        self.path = facts.path
        self.owner = facts.qualname.rpartition(".")[0] if unit.kind == "function" else ""

    @property
    def method(self) -> str:
        """The unit's own name, without the number of a later definition."""
        return self.facts.qualname.rpartition(".")[2].partition("#")[0]

    def name(self, index: int) -> str:
        """The canonical name of a library's function or class that a term means, or "path::qualname" of the
        project's; "" for all else."""
        term = self.terms[index]
        if term.op == "global":
            return self._stands_for(term.name) if "::" in term.name else self.knowledge.canonical(term.name)
        if term.op != "attr" or self.terms[term.args[0]].op != "global":
            return ""
        owner = self.name(term.args[0])
        return self.knowledge.canonical(f"{owner}.{term.name}") if owner and "::" not in owner else ""

    def _stands_for(self, name: str) -> str:
        """What a name of the project stands for that a module binds to a part of a library once:
        `F = nn.functional`; the name itself where it is none."""
        path, _, qualname = name.partition("::")
        if "." in qualname or self.index.declared(path, qualname) is not None:
            return name
        module = self.facts_of(path, "")
        bound = module.bindings.get(qualname, -1) if module is not None else -1
        if module is None or bound < 0 or qualname in module.replaced:
            return name
        term = module.terms[bound]
        return self.knowledge.canonical(term.name) if term.op == "global" and "::" not in term.name else name

    def callee(self, index: int) -> str:
        """What a call calls, as `name` says; "" for what is no call."""
        term = self.terms[index]
        return self.name(term.args[0]) if term.op == "call" else ""

    def calls(self) -> Iterator[tuple[int, int, str]]:
        """The calls of a library's or the project's functions and classes in order: event, term and name."""
        for number, event in enumerate(self.facts.events):
            name = self.callee(event.term) if event.kind == "call" else ""
            if name:
                yield number, event.term, name

    def event_before(self, term: int, event: int) -> int:
        """The last call of a term before an event, -1 where there is none."""
        for number in range(event - 1, -1, -1):
            if self.facts.events[number].term == term and self.facts.events[number].kind == "call":
                return number
        return -1

    def argument(self, call: int, name: str, position: int = -1) -> int:
        """The term passed for a parameter by name or position, -1 where none is."""
        term = self.terms[call]
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == name:
                return argument
        positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
        return positional[position] if 0 <= position < len(positional) else -1

    def positional(self, call: int) -> list[int]:
        """The arguments of a call that are passed by position."""
        term = self.terms[call]
        return [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]

    def is_starred(self, call: int) -> bool:
        """Whether a starred argument hides what is passed."""
        return not {"*", "**"}.isdisjoint(self.terms[call].keys)

    def number(self, index: int) -> float | None:
        """A term's number: a literal, a constant of a module, or a sum, difference, product or quotient."""
        return _number(self, self.facts, index, 0) if index >= 0 else None

    def attribute(self, index: int) -> str:
        """The name of an attribute of `self` that a term reads; "" for all else."""
        term = self.terms[index]
        owned = term.op == "attr" and self.is_self(term.args[0])
        return term.name if owned else ""

    def is_self(self, index: int) -> bool:
        """Whether a term is the instance that the method belongs to."""
        term = self.terms[index]
        first = self.facts.params[0].name if self.facts.params else ""
        return bool(self.owner) and term.op == "param" and term.name == first

    def framework(self) -> str:
        """The framework whose module the unit's class is derived from; "" where that is not sure."""
        return self.framework_of(self.path, self.owner) if self.owner else ""

    def framework_of(self, path: str, qualname: str) -> str:
        """The same of any class of the project."""
        for framework, names in structure_facts().modules.items():
            if self.index.is_subclass_of(path, qualname, names):
                return framework
        return ""

    def beside(self, facts: UnitFacts) -> Scene:
        """Another unit in the same surroundings, as far as its terms are asked for."""
        return Scene(facts, self.unit, self.index, self.knowledge, self.facts_of, self.place_of, lambda _: "")

    def methods(self) -> Iterator[tuple[str, str]]:
        """Path and qualified name of the methods of the unit's class and of its bases in the project."""
        for target in self.index.lineage(self.path, self.owner):
            outline = self.index.by_path(target.path) if target.kind == "class" else None
            prefix = target.qualname + "."
            for unit in outline.units if outline is not None else ():
                rest = unit.qualname.removeprefix(prefix)
                if unit.kind == "function" and rest != unit.qualname and "." not in rest:
                    yield target.path, unit.qualname

    def reached_methods(self, *starts: str) -> dict[str, tuple[str, str]]:
        """The methods of these names and what they call on `self`, constructors aside, in the order they are
        come to: path and qualified name by name."""
        methods = {place[1].rpartition(".")[2]: place for place in reversed(list(self.methods()))}
        waiting, found = list(starts), dict[str, tuple[str, str]]()
        while waiting:
            name = waiting.pop()
            if name in found or name not in methods or name == "__init__":
                continue
            found[name] = methods[name]
            unit = self.index.unit(*methods[name])
            waiting += [call[5:] for call in (unit.calls if unit else ()) if call.startswith("self.")]
        return found

    def made_in_init(self, attribute: str) -> tuple[UnitFacts, int] | None:
        """Where the class's constructor makes an attribute by one unconditional call: facts and term."""
        target = self.index.method(self.path, self.owner, "__init__")
        facts = self.facts_of(target.path, target.qualname) if target.kind == "function" else None
        stored = [
            event
            for event in (facts.events if facts is not None else ())
            if event.kind == "store-attr" and event.name == attribute
        ]
        if facts is None or len(stored) != 1 or facts.terms[stored[0].value].op != "call":
            return None
        return facts, stored[0].value


def called(facts: UnitFacts, term: int, knowledge: Knowledge) -> str:
    """The canonical name of what a call of any unit calls; "" where a library does not have it."""
    record = facts.terms[term]
    callee = facts.terms[record.args[0]] if record.op == "call" else record
    return knowledge.canonical(callee.name) if callee.op == "global" and "::" not in callee.name else ""


_DEPTH = 6


def _number(scene: Scene, facts: UnitFacts, index: int, depth: int) -> float | None:
    term: Term = facts.terms[index]
    if depth > _DEPTH:
        return None
    if term.op == "const":
        plain = isinstance(term.value, (int, float)) and not isinstance(term.value, bool)
        return float(term.value) if plain else None  # type: ignore[arg-type]
    if term.op == "bin" and term.name in "+-*/":
        left, right = (_number(scene, facts, each, depth + 1) for each in term.args)
        if left is None or right is None or (term.name == "/" and right == 0):
            return None
        return {"+": left + right, "-": left - right, "*": left * right}.get(
            term.name, left / right if right else None
        )
    if term.op == "global" and "::" in term.name:
        path, _, name = term.name.partition("::")
        module = scene.facts_of(path, "")
        bound = module.bindings.get(name) if module is not None else None
        rebound = module is not None and name in module.replaced
        return (
            None if module is None or bound is None or rebound else _number(scene, module, bound, depth + 1)
        )
    return None
