"""Where search tools keep their space in a config: Weights & Biases, NNI, Hydra."""

from __future__ import annotations

from trainlint.recipe.config.tree import entries_of, value_node
from trainlint.text.document import Node

NNI_KIND, NNI_ENDS = "_type", "_value"
_NNI_INLINE = ("searchSpace", "search_space")
_NNI_PARTS = frozenset(
    {"tuner", "trialConcurrency", "trial_concurrency", "trialCommand", "trial_command", "advisor"}
)
_WANDB = ("method", "parameters")
_HYDRA = (("hydra", "sweeper", "params"), ("hydra", "sweeper", "search_space"))


def wandb_space(root: Node) -> Node | None:
    """The parameters of a sweep of Weights & Biases; None for every other file."""
    keys = entries_of(root) if root.kind == "mapping" else {}
    space = keys[_WANDB[1]].value if all(key in keys for key in _WANDB) else None
    return space if space is not None and space.kind == "mapping" else None


def nni_space(root: Node) -> Node | None:
    """The search space of an NNI experiment, or the file that is one; None for every other file."""
    if root.kind != "mapping":
        return None
    for key in _NNI_INLINE:
        space = root.get(key)
        if space is not None and _is_nni_space(space):
            return space
    return root if _is_nni_space(root) else None


def is_nni_experiment(root: Node) -> bool:
    """Whether a config describes an experiment of NNI, wherever its search space is."""
    return root.kind == "mapping" and len(_NNI_PARTS.intersection(root.keys())) > 1


def hydra_space(root: Node) -> Node | None:
    """What Hydra's sweeper draws from; None where the config sets it no space."""
    for path in _HYDRA:
        found = value_node(root, path)
        if found is not None and found.value.kind == "mapping" and found.value.items:
            return found.value
    return None


def _is_nni_space(node: Node) -> bool:
    held = [entry.value for entry in node.items] if node.kind == "mapping" else []
    return bool(held) and all({NNI_KIND, NNI_ENDS} <= set(value.keys()) for value in held)
