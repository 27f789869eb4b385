"""Comparisons with NaN, which is equal to nothing, itself included."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics.hazards.scene import Scene
from trainlint.analysis.numerics.sites import RawCandidate

_NAMES = frozenset(
    {"numpy.nan", "numpy.NaN", "numpy.NAN", "math.nan", "torch.nan", "jax.numpy.nan", "pandas.NA"}
)
_ASKED = {"==": "equal", "!=": "not-equal"}
_OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """`x == float("nan")` and its like; the answer is the same for every x."""
    for index, term in enumerate(scene.terms):
        if term.op != "cmp" or term.name not in _OPERATORS:
            continue
        for subject, nan in (term.args, term.args[::-1]):
            if is_nan(scene, nan) and not is_nan(scene, subject):
                yield RawCandidate(
                    index, "nan-comparison", _ASKED.get(term.name, "order"), subject, "certain", "no",
                    base=nan, facts={"library": _library(scene, subject)},
                )  # fmt: skip
                break


def is_nan(scene: Scene, index: int) -> bool:
    """Whether a term is written as NaN."""
    term = scene.terms[index]
    if term.op == "global":
        return term.name in _NAMES
    if term.op == "call" and len(term.args) == 2:
        callee, given = (scene.terms[argument] for argument in term.args)
        return callee.op == "global" and callee.name == "builtins.float" and _says_nan(given.value)
    if term.op == "un" and term.name in ("-", "+"):
        return is_nan(scene, term.args[0])
    return False


def _says_nan(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower().lstrip("+-") == "nan"


def _library(scene: Scene, subject: int) -> str:
    kind = scene.value(subject).kind.value
    return {"tensor": "torch.isnan", "array": "numpy.isnan"}.get(kind, "math.isnan")
