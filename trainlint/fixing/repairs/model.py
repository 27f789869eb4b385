"""Arguments of layers and functions of networks: the dimension of a softmax, the momentum of a batch norm."""

from __future__ import annotations

from trainlint.findings import Edit
from trainlint.fixing.making.arguments import set_argument
from trainlint.fixing.making.ground import Ground

_POSITIONS = {"PyTorch": 2, "Paddle": 1, "Keras": 1}
"""Where batch norms take their momentum by position; Flax by name only."""


def other_momentum(ground: Ground) -> list[Edit] | None:
    """The batch norm with one less its momentum; None where that is no number in the call itself."""
    call, syntax = ground.call(), ground.syntax
    instead = ground.facts.get("instead")
    if call is None or syntax is None or instead is None or not isinstance(instead.value, float):
        return None
    position = _POSITIONS.get(ground.text("framework"))
    return set_argument(syntax, call, "momentum", f"{instead.value:g}", position)


def softmax_over_classes(ground: Ground) -> list[Edit] | None:
    """The softmax with `dim=1`; None where what it is passed cannot be told."""
    call, syntax = ground.call(), ground.syntax
    if call is None or syntax is None:
        return None
    return set_argument(syntax, call, "dim", "1", position=0 if ground.text("form") == "layer" else 1)
