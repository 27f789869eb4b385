"""Functions that seed the worker processes of a loader, and whether each worker gets a seed of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event, Parameter, Term
from trainlint.findings import Span
from trainlint.recipe.code.functions import function_of
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Link, State, Value

_FIELD = "worker_init_fn"
_PARTIAL = "functools.partial"
_PLAIN = frozenset({"builtins.int", "builtins.abs", "builtins.hash", "builtins.round"})
"""Functions that give the same number in every process."""
_MAX_DEPTH = 24


def worker_elements(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `worker.*` values for each function that initialises a loader's workers, once each."""
    found: dict[tuple[str, str, int], dict[str, Value]] = {}
    for call in seen.made("loader"):
        given = seen.argument(call, _FIELD)
        for leaf in given.alternatives() if given is not None else ():
            body = _body(seen, leaf)
            if body is None or not _several(seen, call):
                continue
            frame, nested, name = body
            key = (frame.facts.path, frame.facts.qualname, nested)
            if key not in found:
                found[key] = _element(seen, frame, nested, name, call, _bound(leaf))
    return list(found.values())


def _several(seen: Observations, call: Call) -> bool:
    """Whether the loader may have more than one worker: it does not by default."""
    count = seen.argument(call, "num_workers")
    if count is None:
        return not seen.complete(call)
    return not (count.kind == "const" and not count.option and count.value in (0, 1))


def _body(seen: Observations, value: Resolved) -> tuple[Frame, int, str] | None:
    """Unit of a function's statements, the number of the nested function there (-1: all of it), name."""
    if value.name == _PARTIAL and value.frame is not None:
        given = value.frame.term(value.term).args[1:2]
        return _body(seen, seen.evaluator.value(value.frame, given[0])) if given else None
    found = function_of(seen, value) if value.kind == "function" else None
    if found is None:
        return None
    if found.nested >= 0:
        return found.frame, found.nested, found.frame.facts.nested[found.nested].name
    return found.frame, -1, found.frame.facts.qualname.rpartition(".")[2].partition("#")[0]


def _bound(value: Resolved) -> tuple[int, frozenset[str]]:
    """How many positional arguments, and which keywords, a `partial` fixes for all workers alike."""
    if value.name != _PARTIAL or value.frame is None:
        return 0, frozenset()
    keys = value.frame.term(value.term).keys[1:]
    return keys.count(""), frozenset(key for key in keys if key)


def _element(
    seen: Observations,
    frame: Frame,
    nested: int,
    name: str,
    call: Call,
    bound: tuple[int, frozenset[str]],
) -> dict[str, Value]:
    seeds = [
        other
        for event in seen.program.events(frame.facts)
        if event.kind == "call" and event.nested == nested
        for other in (seen.call_of(frame, event),)
        if _seeds(seen, other)
    ]
    constant = bool(seeds) and all(_is_constant(seen, each, bound) for each in seeds)
    loader = (Link(call.span, "the loader whose workers it starts"),) if call.span is not None else ()
    seed = next((Link(each.span, "the same seed in every worker") for each in seeds if each.span), None)
    chain = (seed, *loader) if seed is not None else loader
    span = _definition(seen, frame, nested)
    shown = "the lambda" if name in ("", "<lambda>") else name
    return {
        "worker.function": Value(shown, State.EXPLICIT, span=span, chain=chain),
        "worker.constant": derived(constant, span),
    }


def _seeds(seen: Observations, call: Call) -> bool:
    """Whether a call sets a seed, or is one of a function of the project that does."""
    if call.entry is not None and not call.method:
        return call.entry.kind == "seed"
    return any(True for _ in _inner_seeds(seen, call))


def _inner_seeds(seen: Observations, call: Call) -> Iterator[Call]:
    """The seeds that a function of the project sets, where a call is one of it."""
    callee = seen.evaluator.value(call.frame, call.frame.term(call.term).args[0])
    body = _body(seen, callee)
    if body is None or body[1] >= 0:
        return
    for event in seen.program.events(body[0].facts):
        if event.kind == "call" and event.nested < 0:
            inner = seen.call_of(body[0], event)
            if inner.entry is not None and inner.entry.kind == "seed" and not inner.method:
                yield inner


def _is_constant(seen: Observations, call: Call, bound: tuple[int, frozenset[str]]) -> bool:
    """Whether a seed is made of numbers, options and attributes only: of nothing that a worker has of its
    own."""
    arguments = call.frame.term(call.term).args[1:]
    names = [param.name for param in _params(call.frame, call.event)]
    own = frozenset(names[bound[0] :]) - bound[1]
    plain = bool(arguments) and all(_same(seen, call.frame, each, own, 0) for each in arguments)
    if call.entry is not None or not plain:
        return plain
    return all(
        _same(seen, inner.frame, each, frozenset(), 0)
        for inner in _inner_seeds(seen, call)
        for each in inner.frame.term(inner.term).args[1:]
    )


def _params(frame: Frame, event: Event) -> Sequence[Parameter]:
    return frame.facts.params if event.nested < 0 else frame.facts.nested[event.nested].params


def _same(seen: Observations, frame: Frame, index: int, own: frozenset[str], depth: int) -> bool:
    """Whether an expression has one value in all workers. `own` are the worker function's parameters."""
    term = frame.term(index)
    if depth > _MAX_DEPTH:
        return False
    if term.op == "const":
        return isinstance(term.value, int) and not isinstance(term.value, bool)
    if term.op == "global":
        return _is_number_of_project(seen, frame, index, term)
    if term.op == "param":
        return term.name.rpartition(" ")[2] not in own
    if term.op == "attr":
        return _same(seen, frame, term.args[0], own, depth + 1) or _is_options(seen, frame, term.args[0])
    if term.op in ("bin", "un"):
        return all(_same(seen, frame, each, own, depth + 1) for each in term.args)
    if term.op == "call":
        return _plain_call(seen, frame, term, own, depth)
    return False


def _plain_call(seen: Observations, frame: Frame, term: Term, own: frozenset[str], depth: int) -> bool:
    callee = frame.term(term.args[0])
    name = seen.evaluator.knowledge.canonical(callee.name) if callee.op == "global" else ""
    return name in _PLAIN and all(_same(seen, frame, each, own, depth + 1) for each in term.args[1:])


def _is_number_of_project(seen: Observations, frame: Frame, index: int, term: Term) -> bool:
    if "::" not in term.name:
        return False
    return seen.evaluator.value(frame, index).default().is_number


def _is_options(seen: Observations, frame: Frame, index: int) -> bool:
    return all(
        leaf.kind in ("namespace", "config", "mapping")
        for leaf in seen.evaluator.value(frame, index).alternatives()
    )


def _definition(seen: Observations, frame: Frame, nested: int) -> Span | None:
    """Where the function is written: its first line, or the lambda."""
    if nested >= 0:
        return next(
            (
                frame.span(index)
                for index, term in enumerate(frame.facts.terms)
                if term.op == "func" and term.value == nested
            ),
            None,
        )
    unit = seen.program.index.unit(frame.facts.path, frame.facts.qualname)
    if unit is None or not unit.lines:
        return None
    line = unit.lines[0][0]
    width = len("def ") + len(frame.facts.qualname) if unit.kind == "function" else 1
    return Span(frame.facts.path, line, 1, line, 1 + width)
