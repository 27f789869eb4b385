"""Means over what a mask selected: of nothing, they are NaN."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.lattice import Kind, Value
from trainlint.analysis.numerics.paths import Node
from trainlint.analysis.numerics.sites import RawCandidate

_LOSSES = frozenset(
    "mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy nll_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div cosine_embedding_loss".split()
)
_ELEMENTWISE = frozenset(
    "same absolute square power sqrt exponential logarithm negate add subtract multiply divide bounded "
    "probability relu softplus clamp clamp_min clamp_max detach where masked_fill cosine rsqrt".split()
)
_DEPTH = 8
_CONE = 60
_MADE = frozenset({"cmp", "call", "un", "bin"})
"""What a mask made here is; one that is handed in, or held by the data, was made to select something."""

_OCCURRING = frozenset({"unique", "unique_consecutive", "argmax", "argmin", "max", "amax", "min", "amin"})
"""What gives values that occur: a mask of the elements equal to, or at least, such a value selects one."""

_CLEANERS = frozenset({"nan_to_num", "nan_to_num_", "isnan", "isfinite", "nanmean", "where"})


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """`x[mask].mean()` and losses of selections that take the mean, where the mask may select nothing."""
    reported: dict[int, RawCandidate] = {}
    for called, node in scene.sites_of("mean", *_LOSSES):
        if not _takes_mean(scene, called):
            continue
        selection = _selection(scene, called.bound.get("input", -1), _DEPTH)
        if selection < 0 or not _may_be_empty(scene, selection, node):
            continue
        if _is_cleaned(scene, called.index) or _is_only_compared(scene, called.index, _DEPTH):
            continue
        candidate = _candidate(scene, called, selection)
        # Whatever one mask may leave empty is told once.
        first = reported.setdefault(scene.values.canonical(_key(scene, selection)), candidate)
        if candidate.term not in (first.term, *first.related):
            first.related.append(candidate.term)
    yield from reported.values()


def _key(scene: Scene, selection: int) -> int:
    """The mask of a selection."""
    term = scene.terms[selection]
    if term.op == "item":
        return term.args[1]
    bound = scene.calls[selection].bound
    return bound.get("mask", bound.get("args", -1))


def _takes_mean(scene: Scene, called: Called) -> bool:
    """Whether a call averages over all elements: of an empty one along another dimension nothing is asked."""
    if called.name == "mean":
        dim = called.bound.get("dim", -1)
        return dim < 0 or scene.number(dim) == 0
    reduction = called.bound.get("reduction", -1)
    if reduction >= 0:
        return scene.text(reduction) == "mean"
    return not {"reduce", "size_average"} & called.bound.keys()


def _selection(scene: Scene, index: int, depth: int) -> int:
    """The selection by a mask that a term has an element for each of, -1 for none."""
    if index < 0 or depth == 0:
        return -1
    term = scene.terms[index]
    if term.op == "item":
        return index if _selects(scene, index) else -1
    if term.op in ("bin", "un"):
        operands: tuple[int, ...] = term.args
    else:
        called = scene.calls.get(index)
        if called is not None and called.name == "masked_select":
            return index if {"mask", "args"} & called.bound.keys() else -1
        if called is None or called.entry.transfer not in _ELEMENTWISE | {"loss", "squared_error"}:
            return -1
        if called.name in _LOSSES and scene.text(called.bound.get("reduction", -1)) != "none":
            return -1
        operands = tuple(called.bound[name] for name in ("input", "other") if name in called.bound)
    return next((found for each in operands if (found := _selection(scene, each, depth - 1)) >= 0), -1)


def _selects(scene: Scene, index: int) -> bool:
    base, key = scene.terms[index].args
    if scene.value(base).kind in (Kind.SEQUENCE, Kind.OTHER, Kind.ARRAY):
        return False
    return _mask_of(scene, key) is not None


def _mask_of(scene: Scene, key: int) -> Value | None:
    """The mask that a subscript selects by; None where it is an index, a slice or not known."""
    value = scene.value(key)
    if value.kind is Kind.MASK:
        return value
    if value.origin in origins.MASKS and scene.terms[key].op not in ("param", "attr"):
        return value
    if value.origin == origins.SELECTION:
        return value
    return None


def _may_be_empty(scene: Scene, selection: int, node: Node) -> bool:
    mask = scene.value(_key(scene, selection))
    if mask.origin in (origins.LENGTH_MASK, ""):
        return False
    if not any(scene.terms[root].op in _MADE for root in mask.roots):
        return False
    if any(_compares_with_its_own(scene, root) for root in mask.roots):
        return False
    return not mask.roots & scene.on_path(node).nonempty


def _compares_with_its_own(scene: Scene, root: int) -> bool:
    """Whether a mask asks for a value that occurs: `labels == c` for each c of `labels.unique()`."""
    seen, stack = {root}, [root]
    while stack and len(seen) < _CONE:
        index = stack.pop()
        called = scene.terms[index]
        if called.op == "call" and scene.terms[called.args[0]].name.rpartition(".")[2] in _OCCURRING:
            return True
        for argument in called.args:
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
    return False


def _is_cleaned(scene: Scene, index: int) -> bool:
    """Whether the mean is looked at for NaN, or NaN is taken out of it."""
    return scene.comes_to(index, _CLEANERS, ("attr", "bin", "list", "tuple", "call"), steps=4, most=16)


def _is_only_compared(scene: Scene, index: int, depth: int) -> bool:
    """Whether a mean is a threshold and nothing else: a comparison with NaN is false, no NaN goes on."""
    users = scene.users.get(index, ())
    return bool(users) and depth > 0 and all(_compares(scene, user, index, depth) for user in users)


def _compares(scene: Scene, user: int, index: int, depth: int) -> bool:
    term = scene.terms[user]
    if term.op == "cmp":
        return True
    chosen = term.op == "if" and index in term.args[1:]
    return chosen and _is_only_compared(scene, user, depth - 1)


def _candidate(scene: Scene, called: Called, selection: int) -> RawCandidate:
    mask = scene.value(_key(scene, selection))
    labelled = mask.origin == origins.LABEL_MASK and all(
        scene.terms[root].op in ("cmp", "call", "un", "bin") for root in mask.roots
    )
    how = "mean" if called.name == "mean" else "loss"
    trace = [(root, "mask") for root in sorted(mask.roots)[:2] if scene.terms[root].op != "param"]
    return RawCandidate(
        called.index, "mean-of-empty-selection", how, selection, "certain" if labelled else "likely",
        scene.value(called.index).grad.value, trace=[*trace, (selection, "selection")], open=["role"],
        facts={"call": called.name, "mask": mask.origin},
    )  # fmt: skip
