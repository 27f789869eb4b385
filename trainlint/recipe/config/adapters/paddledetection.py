"""PaddleDetection's list of schedulers: a decay and a warmup, named by tag or by `name`.

Read in ppdet/optimizer/optimizer.py, release 2.8.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.parts import made, number_of, unread, value_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value
from trainlint.text.document import Node

_WARMUPS = ("LinearWarmup", "BurninWarmup", "ExpWarmup")
_USUAL_STEPS = 500


def paddledetection_facts(reading: Reading, _facts: Mapping[str, Value]) -> Adapted:
    """The schedule and the warmup of a PaddleDetection recipe."""
    return Adapted(_schedule(reading))


def _schedule(reading: Reading) -> dict[str, Value]:
    held = value_node(reading.document.root, ["LearningRate", "schedulers"])
    if held is None:
        at = value_node(reading.document.root, ["LearningRate"])
        if at is None:
            return {}
        reason = "schedulers default to PiecewiseDecay after a LinearWarmup"
        return {
            "schedule.name": made(reading, "multistep", at.value, state=State.DEFAULT, reason=reason),
            "warmup.length": made(
                reading, _USUAL_STEPS, at.value, "steps", state=State.DEFAULT, reason=reason
            ),
        }
    nodes = held.value.children if held.value.kind == "sequence" else [held.value]
    found: dict[str, Value] = {
        "warmup.length": made(
            reading, None, held.value, state=State.OFF, reason="no warmup among the schedulers"
        )
    }
    for node in nodes:
        name = _name(reading, node)
        if name in _WARMUPS:
            found["warmup.length"] = _warmup(reading, node)
        elif "schedule.name" not in found:
            known = load_formats().names.find("schedules", name)
            found["schedule.name"] = (
                made(reading, known[0], node)
                if known is not None
                else unread(reading, node, f"{name} is not known")
            )
    return found


def _name(reading: Reading, node: Node) -> str:
    if node.tag.startswith("!") and not node.tag.startswith("!!"):
        return node.tag[1:]
    return str(value_of(reading, node.get("name")) or "") if node.kind == "mapping" else ""


def _warmup(reading: Reading, node: Node) -> Value:
    for key, unit in (("epochs", "epochs"), ("steps", "steps")):
        written = node.get(key)
        length = number_of(reading, written)
        if written is not None and length:
            return made(reading, length, written, unit)
    return made(reading, _USUAL_STEPS, node, "steps", state=State.DEFAULT, reason="steps defaults to 500")
