"""Which units may hold hazards beyond roots, quotients and logarithms, told from their outline."""

from __future__ import annotations

from trainlint.analysis.facts import Unit

MENTIONED = frozenset({"half", "float16", "HalfTensor", "nan", "NaN", "NAN"})
"""Words of the vocabulary: a precision that loses numbers, and what nothing is equal to."""

_CALLED = frozenset({"where", "masked_fill", "masked_fill_", "masked_select", "square"})
_CALLED_OF_SELECTIONS = frozenset(
    "mean softmax log_softmax logsumexp mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy nll_loss "
    "binary_cross_entropy binary_cross_entropy_with_logits kl_div".split()
)
_UNDEFINED_AT_ZERO = frozenset("norm vector_norm matrix_norm std reduce_std reduce_euclidean_norm".split())
_OTHER_FRAMEWORKS = frozenset({"jax", "jnp", "tf", "tensorflow", "K", "keras", "ops", "paddle"})
"""What the calls of frameworks begin with that do not define the gradient of a norm or deviation at zero."""


def may_hold_hazards(unit: Unit) -> bool:
    """Whether a unit calls or mentions what one of the detectors begins at."""
    if not MENTIONED.isdisjoint(unit.mentions):
        return True
    return any(_begins_one(call, unit.selects) for call in unit.calls)


def _begins_one(call: str, selects: bool) -> bool:
    name = call.rpartition(".")[2]
    if name in _CALLED or (selects and name in _CALLED_OF_SELECTIONS):
        return True
    return name in _UNDEFINED_AT_ZERO and call.partition(".")[0] in _OTHER_FRAMEWORKS
