"""Constants that float16 cannot hold: an eps that becomes 0, a fill that becomes infinite."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics.hazards.dtypes import Dtype, Dtypes
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.sites import RawCandidate

SMALLEST = 2.0**-24
"""The least positive float16; half of it and less is rounded to 0."""

_VANISHES = SMALLEST / 2
_OVERFLOWS = 65520.0
_FLOORS = {
    "clamp": "min",
    "clamp_": "min",
    "clamp_min": "min",
    "clamp_min_": "min",
    "clip": "min",
    "maximum": "other",
}
_DEFAULT_EPS = {"normalize": 1e-12, "cosine_similarity": 1e-8}
_FILLS = frozenset({"masked_fill", "masked_fill_"})


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Constants lost in a tensor that is known to be float16."""
    if not _mentions_half(scene):
        return
    dtypes = Dtypes(scene)
    yield from _sums(scene, dtypes)
    for called in scene.calls.values():
        yield from _of_call(scene, dtypes, called)


def _mentions_half(scene: Scene) -> bool:
    return any(
        term.name.endswith(("half", "float16", "HalfTensor")) or term.value in ("float16", "half")
        for term in scene.terms
    )


def _sums(scene: Scene, dtypes: Dtypes) -> Iterator[RawCandidate]:
    """`x + eps` and `mask * -1e9` written as operators."""
    for index, term in enumerate(scene.terms):
        if term.op != "bin" or term.name not in ("+", "*", "-"):
            continue
        for tensor, constant in (term.args, term.args[::-1]):
            number = scene.number(constant)
            if number is not None and dtypes.of(tensor) is Dtype.HALF:
                yield from _constant(scene, index, tensor, constant, number, term.name)
                break


def _constant(
    scene: Scene, index: int, tensor: int, constant: int, number: float, operator: str
) -> Iterator[RawCandidate]:
    if operator == "+" and 0.0 < number <= _VANISHES:
        yield _candidate(scene, "eps-lost-in-half", index, tensor, constant, number, "sum")
    elif abs(number) >= _OVERFLOWS and number not in (float("inf"), float("-inf")):
        how = "product" if operator == "*" else "sum"
        yield _candidate(scene, "mask-overflows-half", index, tensor, constant, number, how)


def _of_call(scene: Scene, dtypes: Dtypes, called: Called) -> Iterator[RawCandidate]:
    tensor = called.bound.get("input", -1)
    if tensor < 0:
        return
    if called.name == "where":
        yield from _chosen(scene, dtypes, called)
        return
    if dtypes.of(tensor) is not Dtype.HALF:
        return
    if called.name in _FILLS:
        yield from _fill(scene, called, tensor)
    elif called.name in _DEFAULT_EPS:
        yield from _guarded_function(scene, called, tensor)
    elif called.name in ("add", "add_"):
        constant = called.bound.get("other", -1)
        number = scene.number(constant)
        if number is not None:
            yield from _constant(scene, called.index, tensor, constant, number, "+")
    elif called.name in _FLOORS:
        constant = called.bound.get(_FLOORS[called.name], -1)
        number = scene.number(constant)
        if number is not None and 0.0 < number <= _VANISHES:
            yield _candidate(scene, "eps-lost-in-half", called.index, tensor, constant, number, "floor")


def _fill(scene: Scene, called: Called, tensor: int) -> Iterator[RawCandidate]:
    constant = called.bound.get("value", -1)
    number = scene.number(constant)
    if number is not None and _overflows(number):
        yield _candidate(scene, "mask-overflows-half", called.index, tensor, constant, number, "fill")


def _chosen(scene: Scene, dtypes: Dtypes, called: Called) -> Iterator[RawCandidate]:
    sides = (called.bound.get("input", -1), called.bound.get("other", -1))
    for tensor, constant in (sides, sides[::-1]):
        number = scene.number(constant)
        if tensor >= 0 and number is not None and _overflows(number) and dtypes.of(tensor) is Dtype.HALF:
            yield _candidate(scene, "mask-overflows-half", called.index, tensor, constant, number, "choice")


def _guarded_function(scene: Scene, called: Called, tensor: int) -> Iterator[RawCandidate]:
    """`normalize` and `cosine_similarity`, whose eps is rounded to 0 together with what it guards."""
    given = called.bound.get("eps", -1)
    number = scene.number(given) if given >= 0 else _DEFAULT_EPS[called.name]
    if number is not None and 0.0 < number <= _VANISHES:
        how = "argument" if given >= 0 else "default"
        yield _candidate(scene, "eps-lost-in-half", called.index, tensor, given, number, how)


def _overflows(number: float) -> bool:
    return _OVERFLOWS <= abs(number) < float("inf")


def _candidate(
    scene: Scene, kind: str, index: int, tensor: int, constant: int, number: float, how: str
) -> RawCandidate:
    trace = [(source, "half") for source in _sources(scene, tensor)]
    if constant >= 0:
        trace.append((constant, "number" if scene.terms[constant].op == "const" else "constant"))
    return RawCandidate(
        index, kind, how, tensor, "certain", scene.value(tensor).grad.value,
        trace=trace, facts={"number": number},
    )  # fmt: skip


def _sources(scene: Scene, tensor: int) -> list[int]:
    """Where a tensor was made half: the casts and dtypes among what it is made from, at most two."""
    found: list[int] = []
    stack, seen = [tensor], {tensor}
    while stack and len(found) < 2 and len(seen) < 120:
        index = stack.pop()
        term = scene.terms[index]
        if term.op == "call" and _casts(scene, index):
            found.append(index)
            continue
        for argument in term.args:
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
    return sorted(found)


def _casts(scene: Scene, index: int) -> bool:
    term = scene.terms[index]
    if scene.terms[term.args[0]].name.rpartition(".")[2] in ("half", "HalfTensor"):
        return True
    last = (scene.terms[argument] for argument in term.args[1:])
    return any(each.name.endswith(("float16", ".half")) or each.value == "float16" for each in last)
