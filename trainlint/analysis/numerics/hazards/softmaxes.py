"""A softmax over scores that a mask may all have set to −inf."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.ingredients import ingredients
from trainlint.analysis.numerics.lattice import Gradient, Kind
from trainlint.analysis.numerics.sites import RawCandidate
from trainlint.knowledge.roles import words_of

_SOFTMAXES = ("softmax", "log_softmax", "logsumexp", "Softmax", "LogSoftmax")
_CLEANERS = frozenset({"nan_to_num", "nan_to_num_", "isnan", "masked_fill", "masked_fill_", "where"})
_CAUSAL = frozenset({"tril", "triu", "tril_", "triu_", "eye", "ones", "ones_like", "arange", "full", "zeros"})
_CAUSAL_WORDS = frozenset({"causal", "tril", "triu", "autoregressive", "subsequent", "lookahead"})
_INFINITE = float("-inf")
_STEPS = 10


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Softmaxes whose scores were filled with −inf under a mask made from data, nothing taking NaN out."""
    reported: set[int] = set()
    for called, _ in scene.sites_of(*_SOFTMAXES):
        filled = _filled(scene, called.bound.get("input", -1))
        if called.index in reported or filled is None:
            continue
        index, mask = filled
        if _is_of_scores(scene, index, mask) or _is_causal(scene, mask) or _is_cleaned(scene, called.index):
            continue
        reported.add(called.index)
        yield RawCandidate(
            called.index, "fully-masked-softmax", called.name, index,
            "likely" if scene.value(mask).origin == origins.LABEL_MASK else "possible",
            scene.value(called.index).grad.value, base=mask, trace=[(mask, "mask"), (index, "filled")],
            open=["role"],
        )  # fmt: skip


def _filled(scene: Scene, index: int) -> tuple[int, int] | None:
    """The fill with −inf that scores went through, and its mask."""
    for _ in range(_STEPS):
        index = scene.below_views(index) if index >= 0 else index
        if index < 0:
            return None
        called, term = scene.calls.get(index), scene.terms[index]
        if called is not None:
            found = _by_call(scene, called)
            if found is not None:
                return index, found
            return None
        if term.op == "setitem":
            key, stored = term.args[1:]
            if _is_infinite(scene, stored) and scene.value(key).kind is Kind.MASK:
                return index, key
            index = term.args[0]
        elif term.op == "bin" and term.name in ("/", "*"):
            index = term.args[0]
        else:
            return None
    return None


def _by_call(scene: Scene, called: Called) -> int | None:
    bound = called.bound
    if called.name in ("masked_fill", "masked_fill_") and _is_infinite(scene, bound.get("value", -1)):
        return bound.get("mask")
    if called.name == "where":
        for side in ("input", "other"):
            if _is_infinite(scene, bound.get(side, -1)):
                return bound.get("condition")
    return None


def _is_infinite(scene: Scene, index: int) -> bool:
    if index < 0:
        return False
    if scene.number(index) == _INFINITE:
        return True
    term = scene.terms[index]
    if term.op == "un" and term.name == "-":
        inner = scene.terms[term.args[0]]
        return inner.name in ("torch.inf", "math.inf", "numpy.inf") or _says_infinite(
            scene, term.args[0], "inf"
        )
    return _says_infinite(scene, index, "-inf")


def _says_infinite(scene: Scene, index: int, text: str) -> bool:
    term = scene.terms[index]
    if term.op != "call" or len(term.args) != 2:
        return False
    callee, given = (scene.terms[argument] for argument in term.args)
    spelt = {text, text + "inity"}
    return callee.name == "builtins.float" and str(given.value).lower() in spelt


def _is_of_scores(scene: Scene, filled: int, mask: int) -> bool:
    """Whether the scores themselves decide what is masked: then the greatest one stays."""
    called = scene.calls.get(filled)
    scores = scene.terms[filled].args[0] if called is None else called.bound.get("input", -1)
    if scene.value(mask).grad is Gradient.YES:
        return True
    return scores in ingredients(scene.terms, mask) or scene.below_views(scores) in ingredients(
        scene.terms, mask
    )


def _is_causal(scene: Scene, mask: int) -> bool:
    """Whether positions alone decide a mask, so that every row keeps its own.

    It is made from indices, or held by the object; data has no part in it.
    """
    seen, stack, from_data = {mask}, [mask], False
    while stack and len(seen) < 60:
        term = scene.terms[stack.pop()]
        if term.op == "call" and scene.terms[term.args[0]].name.rpartition(".")[2] in _CAUSAL:
            return True
        if _CAUSAL_WORDS.intersection(words_of(term.name)):
            return True
        if term.op == "param" and term.name not in ("self", "cls"):
            from_data = True
        for argument in _data_of(term):
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
    return not from_data


def _data_of(term: Term) -> tuple[int, ...]:
    """What the elements of a term come from: of a subscript not what it is cut by."""
    return term.args[:1] if term.op == "item" else term.args


def _is_cleaned(scene: Scene, index: int) -> bool:
    return scene.comes_to(index, _CLEANERS, ("attr", "call", "setitem"), steps=3, most=12)
