"""Whether the network that a program trains normalises by the batch it is given."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.networks import Networks
from trainlint.recipe.model import Value

_SYNCHRONISED = "SyncBatchNorm"
_CONVERTING = "convert_sync_batchnorm"


def batch_norm(seen: Observations, networks: Networks, optimizers: Sequence[Call]) -> dict[str, Value]:
    """`network.batch_norm`: a batch norm that the first optimizer's network is made with for certain, by its
    name; nothing where there is none, or where statistics are gathered over several devices."""
    if any(call.name.endswith(_CONVERTING) for call in seen.calls):
        return {}
    for optimizer in optimizers[:1]:
        for name, span in networks.norms(optimizer).items():
            if not name.endswith(_SYNCHRONISED):
                return {"network.batch_norm": derived(name.rpartition(".")[2], span)}
    return {}
