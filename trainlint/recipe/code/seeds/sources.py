"""Seeds that are drawn anew for each run, and whether the number is kept anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.ancestry import Ancestry, Node
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_WRAPS = frozenset({"builtins.int", "builtins.abs", "builtins.hash", "builtins.round", "int.from_bytes"})
_READS_BACK = ("torch.initial_seed", "torch.get_rng_state", "random.getstate", "numpy.random.get_state")
_NEITHER = _WRAPS | {"add_argument", "parse_args", "parse_known_args", "set_defaults"}
"""Calls that keep nothing of what they are given: conversions, and the declaration of options."""
_MAX_NODES = 400
_MAX_DISPLAYS = 3
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class SeedSources:
    """Where the seeds of one program's framework come from."""

    def __init__(self, seen: Observations, training: Training, seeding: Seeding) -> None:
        self.seen = seen
        self.training = training
        self.seeding = seeding
        self.ancestry = Ancestry(seen)

    def unrecorded(self) -> Value | None:
        """`repro.unrecorded`: what the seed is taken from, where the number is nowhere kept; else None."""
        own = [call for call, generators in self.seeding.seeds if self.seeding.backend in generators]
        for call in own:
            if self.seen.happens(call.frame, call.event.conditions) is False:
                continue
            nodes = list(self._nodes(call))
            source = next((name for node in nodes if (name := self._entropy(node))), "")
            if source and len(nodes) < _MAX_NODES and not self._kept(call, nodes):
                place = next(frame.span(index) for frame, index in nodes if self._entropy((frame, index)))
                link = () if place is None or place == call.span else (Link(place, "drawn anew in each run"),)
                return Value(source, State.DERIVED, span=call.span, chain=link)
        return None

    def _nodes(self, call: Call) -> Iterator[Node]:
        """Every expression that goes into a seed, through conversions and options that the program sets."""
        record = call.frame.term(call.term)
        waiting: list[Node] = [(call.frame, each) for each in record.args[1:]]
        visited: set[tuple[int, int]] = set()
        while waiting and len(visited) < _MAX_NODES:
            for node in self.ancestry.of(waiting.pop()):
                key = (id(node[0]), node[1])
                if key in visited:
                    continue
                visited.add(key)
                yield node
                waiting += self._further(node)

    def _further(self, node: Node) -> list[Node]:
        frame, index = node
        term = frame.term(index)
        if term.op == "call":
            callee = frame.term(term.args[0])
            name = self.seen.evaluator.knowledge.canonical(callee.name) if callee.op == "global" else ""
            return [(frame, each) for each in term.args[1:]] if name in _WRAPS else []
        if term.op == "attr" and self._is_namespace((frame, term.args[0])):
            return [
                (where, value)
                for where, base, value in self.seen.program.attribute_stores(term.name)
                if self._is_namespace((where, base))
            ]
        return []

    def _is_namespace(self, node: Node) -> bool:
        value = self.seen.evaluator.value(*node)
        return any(leaf.kind in ("namespace", "config") for leaf in value.alternatives())

    def _is_command_line(self, node: Node) -> bool:
        """Whether an expression is the options as a whole, or what parses them."""
        value = self.seen.evaluator.value(*node)
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        return self._is_namespace(node) or (entry is not None and entry.kind == "parser")

    def _entropy(self, node: Node) -> str:
        """What of the machine or of an unseeded generator an expression reads, as written; "" for neither."""
        frame, index = node
        term = frame.term(index)
        if term.op != "call":
            return ""
        callee = frame.term(term.args[0])
        if callee.op != "global":
            return ""
        entry = self.seen.evaluator.entry(self.seen.evaluator.knowledge.canonical(callee.name))
        if entry is None:
            return ""
        if entry.extra.get("from_entropy") is True:
            return entry.name
        generator = entry.extra.get("draws_from")
        if not generator or any(
            generator in generators and not self._goes_into(node, call)
            for call, generators in self.seeding.seeds
        ):
            return ""
        return entry.name

    def _goes_into(self, node: Node, seed: Call) -> bool:
        """Whether a seed is made of a draw: it cannot have come before it."""
        return any(frame is node[0] and index == node[1] for frame, index in self._nodes(seed))

    def _kept(self, seed: Call, nodes: list[Node]) -> bool:
        """Whether the number, or all options with it, goes into any call that is not about seeding."""
        names = set(self._names(nodes))
        in_options = any(
            frame.term(index).op == "attr" and self._is_namespace((frame, frame.term(index).args[0]))
            for frame, index in nodes
        )
        seeds = {id(call.event) for call, _ in self.seeding.seeds}
        inside = {(id(frame), index) for frame, index in nodes}
        for call in self.seen.calls:
            if call.name in _READS_BACK:
                return True
            if id(call.event) in seeds or (id(call.frame), call.term) in inside or call.name in _NEITHER:
                continue
            targets = list(self.training.targets(call))
            if targets and all(self._only_seeds(place, seed) or self._is_read(place) for place in targets):
                continue
            if self._mentions(call, names) or (in_options and self._takes_options(call)):
                return True
        return False

    def _only_seeds(self, place: tuple[str, str], seed: Call) -> bool:
        return place == seed.place

    def _is_read(self, place: tuple[str, str]) -> bool:
        """Whether what a function does with its arguments is seen in this sweep."""
        return any((frame.facts.path, frame.facts.qualname) == place for frame in self.seen.frames)

    def _names(self, nodes: list[Node]) -> Iterator[str]:
        """The names under which the number goes."""
        for frame, index in nodes:
            term = frame.term(index)
            if self._is_command_line((frame, index)):
                continue
            if term.op in ("attr", "param"):
                yield term.name.rpartition(" ")[2]
            elif term.op == "global" and "::" in term.name:
                yield term.name.rpartition("::")[2]
            for name, bound in frame.facts.bindings.items():
                if bound == index:
                    yield name
            for event in self.seen.program.events(frame.facts):
                if event.kind == "bind" and event.term == index:
                    yield event.name
                elif event.kind in ("store-attr", "store-global") and event.value == index:
                    yield event.name.rpartition("::")[2]

    def _mentions(self, call: Call, names: set[str]) -> bool:
        """Whether a call's arguments name the number, also inside of an f-string."""
        record = call.frame.term(call.term)
        for argument in record.args[1:]:
            if not names.isdisjoint(self.seen.texts(call.frame, argument)):
                return True
        callee = call.frame.term(record.args[0])
        if callee.op == "attr" and not names.isdisjoint(self.seen.texts(call.frame, callee.args[0])):
            return True
        at = record.at
        if at is None:
            return True
        text = self.seen.program.reader.text(call.frame.facts.path, at)
        return not names.isdisjoint(_IDENTIFIER.findall(text))

    def _takes_options(self, call: Call) -> bool:
        """Whether a call is handed all options: it may keep them."""
        record = call.frame.term(call.term)
        callee = call.frame.term(record.args[0])
        on = [callee.args[0]] if callee.op == "attr" else []
        return any(self._holds_options(call.frame, each) for each in (*record.args[1:], *on))

    def _holds_options(self, frame: Frame, index: int, depth: int = 0) -> bool:
        if self._is_namespace((frame, index)):
            return True
        term = frame.term(index)
        inner = term.op in ("tuple", "list", "dict", "star") and depth < _MAX_DISPLAYS
        return inner and any(self._holds_options(frame, each, depth + 1) for each in term.args)
