"""What a value is computed from: the data behind an expression, back through assignments and calls."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Term
from trainlint.recipe.code.observe import Observations

Node = tuple[Frame, int]

MAX_NODES = 240
_MAX_SAME = 8
_ALL_ARGUMENTS = frozenset("bin un bool cmp tuple list set dict update star loop comp".split())
_FIRST_ARGUMENT = frozenset("item elem unpack enter".split())
_ABOUT = frozenset("shape size ndim dtype columns index name names T_ device".split())
_COUNTS = frozenset(
    "builtins.len builtins.range builtins.print builtins.int builtins.float builtins.str builtins.round "
    "numpy.arange numpy.zeros numpy.ones numpy.unique numpy.shape torch.arange math.ceil math.floor".split()
)


class Ancestry:
    """Follows data backwards in one program, within a bound on the expressions looked at."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def of(self, start: Node) -> Iterator[Node]:
        """Every expression whose data goes into one, itself first, nearest first."""
        waiting = [start]
        visited: set[tuple[int, int]] = set()
        while waiting and len(visited) < MAX_NODES:
            node = waiting.pop(0)
            key = (id(node[0]), node[1])
            if key in visited:
                continue
            visited.add(key)
            yield node
            waiting += self.parents(node)

    def parents(self, node: Node) -> list[Node]:
        """The expressions whose data goes into one directly."""
        frame, index = node
        term = frame.term(index)
        if term.op in _ALL_ARGUMENTS:
            return [(frame, each) for each in term.args]
        if term.op in _FIRST_ARGUMENT:
            return self._piece(frame, index, term)
        if term.op == "setitem":
            return [(frame, term.args[2]), (frame, term.args[0])]
        if term.op == "if":
            return [(frame, each) for each in term.args[1:]]
        if term.op == "attr":
            return self._attribute(frame, index, term)
        if term.op == "call":
            return self._call(frame, index, term)
        if term.op == "param":
            return self._parameter(frame, index, term.name)
        return self._global(term.name) if term.op == "global" else []

    def _piece(self, frame: Frame, index: int, term: Term) -> list[Node]:
        """What one piece of a whole is made of: the object at that place if it is known, else the whole."""
        value = self.seen.evaluator.value(frame, index)
        if value.kind == "object" and value.frame is not None and value.term != index:
            return [(value.frame, value.term)]
        return [(frame, term.args[0])]

    def _attribute(self, frame: Frame, index: int, term: Term) -> list[Node]:
        base = frame.term(term.args[0])
        if term.name in _ABOUT:
            return []
        if base.op == "param" and base.name in ("self", "cls"):
            return self._stores(frame, term.name) or self._resolved(frame, index)
        if base.op == "global" and "::" not in base.name:
            return []
        return [(frame, term.args[0])]

    def _stores(self, frame: Frame, name: str) -> list[Node]:
        owner = frame.facts.qualname.rpartition(".")[0]
        return [
            (where, value)
            for where, base, value in self.seen.program.attribute_stores(name)
            if where.term(base).op == "param"
            and where.facts.path == frame.facts.path
            and where.facts.qualname.rpartition(".")[0] == owner
        ]

    def _call(self, frame: Frame, index: int, term: Term) -> list[Node]:
        callee = frame.term(term.args[0])
        arguments = [(frame, each) for each in term.args[1:]]
        if callee.op == "attr":
            owner = frame.term(callee.args[0])
            if owner.op == "global" and "::" not in owner.name:
                return arguments
            value = self.seen.evaluator.value(frame, term.args[0])
            if value.kind == "function":
                return self._returned(value, frame, index)
            return [*arguments, (frame, callee.args[0])]
        if callee.op == "global" and "::" not in callee.name:
            name = self.seen.evaluator.knowledge.canonical(callee.name)
            return [] if name in _COUNTS else arguments
        value = self.seen.evaluator.value(frame, term.args[0])
        return self._returned(value, frame, index) if value.kind == "function" else arguments

    def _returned(self, function: Resolved, frame: Frame, index: int) -> list[Node]:
        """What a project function gives back in one call of it."""
        path, _, qualname = function.name.partition("::")
        body = self.seen.evaluator.root(path, qualname) if function.frame is None else None
        if body is None or len(frame.chain) >= _MAX_SAME:
            return self._resolved(frame, index)
        found: list[Node] = []
        for back in body.facts.returns:
            if back.nested < 0 and not back.yields:
                result = Resolved("object", frame=body, term=back.term)
                called = self.seen.evaluator.calls.in_call(result, frame, index)
                if called.frame is not None:
                    found.append((called.frame, called.term))
        return found

    def _resolved(self, frame: Frame, index: int) -> list[Node]:
        """Where the evaluator finds the value of an expression made."""
        return list(_places(self.seen.evaluator.value(frame, index)))

    def _parameter(self, frame: Frame, index: int, name: str) -> list[Node]:
        if frame.bindings is not None:
            return self._passed(frame, name) or self._resolved(frame, index)
        found: list[Node] = []
        for caller, call in self.seen.program.call_sites(frame.facts.path, frame.facts.qualname):
            passed = self.seen.evaluator.binder.passed(caller, call, frame.facts).terms.get(name)
            if passed is not None:
                found.append(passed)
        return found

    def _passed(self, frame: Frame, name: str) -> list[Node]:
        """The argument of the call that a frame stands for."""
        site = frame.chain[0] if frame.chain else None
        caller = self.seen.evaluator.root(site.path, site.qualname) if site is not None else None
        if site is None or caller is None or caller.term(site.term).op != "call":
            return []
        passed = self.seen.evaluator.binder.passed(caller, site.term, frame.facts).terms.get(name)
        return [] if passed is None else [passed]

    def _global(self, name: str) -> list[Node]:
        path, separator, variable = name.partition("::")
        body = self.seen.evaluator.root(path, "") if separator else None
        if body is None or variable not in body.facts.bindings:
            return []
        return [(body, body.facts.bindings[variable])]


def _places(value: Resolved, depth: int = 0) -> Iterator[Node]:
    if depth > _MAX_SAME:
        return
    for item in value.alternatives():
        if item.frame is not None and item.term >= 0:
            yield (item.frame, item.term)
        elif item.kind in ("part", "sequence"):
            for inner in item.items[:_MAX_SAME]:
                yield from _places(inner, depth + 1)


def alike(frame: Frame, first: int, second: int, depth: int = _MAX_SAME) -> bool:
    """Whether two expressions of a unit are the same, or written the same over the same values."""
    if first == second:
        return True
    one, other = frame.term(first), frame.term(second)
    if depth == 0 or (one.op == "call" and not frame.term(one.args[0]).name.startswith("builtins.")):
        return False
    return (
        (one.op, one.name, one.value, one.keys) == (other.op, other.name, other.value, other.keys)
        and one.op != "unknown"
        and len(one.args) == len(other.args)
        and all(alike(frame, a, b, depth - 1) for a, b in zip(one.args, other.args, strict=True))
    )
