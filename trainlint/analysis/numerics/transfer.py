"""What framework functions do to abstract values: every transfer that the knowledge may name."""

from __future__ import annotations

from trainlint.analysis.numerics import activations, elementwise, reductions, selections
from trainlint.analysis.numerics.operation import TRANSFERS, Operation

__all__ = ["TRANSFERS", "Operation", "activations", "elementwise", "reductions", "selections"]
