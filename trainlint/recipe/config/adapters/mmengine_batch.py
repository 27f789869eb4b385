"""The batch of an MMEngine recipe: what file names say of devices, and samples that are several images.

File names: https://mmdetection.readthedocs.io/en/latest/user_guides/config.html, read for 3.3. Triplets:
mmdet/datasets/reid_dataset.py, 3.3.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from trainlint.recipe.config.adapters.parts import made, number_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value

_DEVICES = re.compile(r"(?:^|[_-])(\d+)xb(\d+)(?=[_-]|$)")
_TRIPLETS = ["train_dataloader", "dataset", "triplet_sampler"]
_IDENTITIES, _EACH = 8, 4


def batch_facts(reading: Reading, facts: Mapping[str, Value]) -> dict[str, Value]:
    """`batch.devices`, and `batch.per_device` where a sample of the loader is several images."""
    size = facts.get("batch.per_device")
    several = _several(reading, size)
    found = {"batch.per_device": several} if several is not None else {}
    devices = _devices(reading, several or size, facts.get("batch.grad_accum"))
    return {**found, "batch.devices": devices} if devices is not None else found


def _several(reading: Reading, size: Value | None) -> Value | None:
    """The images of one device's batch, where each sample is drawn as triplets; else None."""
    held = value_node(reading.document.root, _TRIPLETS)
    if held is None or held.value.kind != "mapping" or size is None or not isinstance(size.value, int):
        return None
    identities = number_of(reading, held.value.get("num_ids")) or _IDENTITIES
    each = number_of(reading, held.value.get("ins_per_id")) or _EACH
    reason = "each sample is num_ids × ins_per_id images"
    return made(
        reading,
        int(size.value * identities * each),
        held.value,
        "samples",
        state=State.DERIVED,
        reason=reason,
    )


def _devices(reading: Reading, size: Value | None, accumulated: Value | None) -> Value | None:
    """The number of devices: `_8xb32_` in the file's name, else the batch that the rate was tuned for."""
    if size is None or not size.known or not isinstance(size.value, int | float) or size.value <= 0:
        return None
    name = posixpath.basename(reading.document.path).removesuffix(".py")
    for devices, batch in _DEVICES.findall(name):
        if int(batch) == size.value:
            reason = f"the file's name says {devices}xb{batch}"
            return Value(int(devices), State.DERIVED, "devices", size.span, size.chain, reason)
    tuned = value_node(reading.document.root, ["auto_scale_lr", "base_batch_size"])
    total = number_of(reading, tuned.value) if tuned is not None else None
    factor = (
        accumulated.value if accumulated is not None and isinstance(accumulated.value, int | float) else 1
    )
    world = total / (size.value * factor) if total else 0.5
    if tuned is not None and world >= 1 and world == int(world):
        reason = "auto_scale_lr.base_batch_size"
        return made(reading, int(world), tuned.value, "devices", state=State.DERIVED, reason=reason)
    return None
