"""Which adapter reads which format: what the fields of its knowledge file cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.axolotl import axolotl_facts
from trainlint.recipe.config.adapters.detectron2 import detectron2_facts
from trainlint.recipe.config.adapters.mmengine import mmengine_facts
from trainlint.recipe.config.adapters.paddleclas import paddleclas_facts
from trainlint.recipe.config.adapters.paddledetection import paddledetection_facts
from trainlint.recipe.config.adapters.timm import timm_facts
from trainlint.recipe.config.adapters.ultralytics import ultralytics_facts
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.model import Value

Adapter = Callable[[Reading, Mapping[str, Value]], Adapted]
"""From a reading and the facts that its fields gave to what they cannot say."""

ADAPTERS: Mapping[str, Adapter] = {
    "axolotl": axolotl_facts,
    "mmengine": mmengine_facts,
    "paddleclas": paddleclas_facts,
    "detectron2": detectron2_facts,
    "timm": timm_facts,
    "ultralytics": ultralytics_facts,
    "paddledetection": paddledetection_facts,
}


def adapted(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """What the adapter of a reading's format adds to the facts that its fields gave."""
    return ADAPTERS[reading.format.adapter](reading, facts)
