"""Results that only people read: printed, logged, summarised. No gradient flows back from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlint.analysis.facts import Term

_READINGS = frozenset({"item", "detach", "tolist", "numpy", "cpu"})
_LOGGERS = frozenset(
    "print append log log_dict log_metric log_metrics update info debug warning format float Print"
    " scalar scalar_summary histogram histogram_summary add_scalar add_scalars add_histogram put_scalar"
    " tensor_summary variable_summaries collect_named_outputs".split()
)
_FOLDS = frozenset(
    "mean sum min max amin amax median std var norm flatten reshape view squeeze unsqueeze abs sqrt"
    " reduce_mean reduce_sum reduce_min reduce_max reduce_std reduce_variance boolean_mask cast"
    " to_float".split()
)
"""What a number to be read is made with; its own gradient is nobody's business then."""
_DISPLAYS = frozenset({"dict", "list", "tuple"})
_DEEPEST = 6

Users = Mapping[int, Sequence[int]]


def only_read(terms: Sequence[Term], users: Users, index: int, depth: int = 0) -> bool:
    """Whether all that is made of a result, and something is, leaves the graph: `.item()`, a log, a
    TensorBoard summary, also of its mean."""
    direct = users.get(index, ())
    if not direct or depth > _DEEPEST:
        return False
    return all(_reads(terms, users, user, depth) for user in direct)


def _reads(terms: Sequence[Term], users: Users, user: int, depth: int) -> bool:
    term = terms[user]
    if term.op == "attr":
        return term.name in _READINGS or (term.name in _FOLDS and only_read(terms, users, user, depth + 1))
    if term.op == "call":
        name = terms[term.args[0]].name.rpartition(".")[2]
        return name in _LOGGERS or (name in _FOLDS and only_read(terms, users, user, depth + 1))
    return term.op in _DISPLAYS and only_read(terms, users, user, depth + 1)
