"""What networks are built of: candidates of the analysis that need no role, only code that is no test."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.checks.roles import is_test
from trainlint.checks.view import UnitView
from trainlint.findings import Span
from trainlint.recipe.model import Hit, Link, State, Value


def unregistered_modules(unit: UnitView) -> Iterator[Hit]:
    """Layers or parameters that a module keeps in a plain list or dict."""
    yield from _hits(unit, "unregistered-modules")


def missing_super_init(unit: UnitView) -> Iterator[Hit]:
    """Layers that a constructor keeps before that of the framework has run."""
    yield from _hits(unit, "missing-super-init")


def always_on_dropout(unit: UnitView) -> Iterator[Hit]:
    """Functional dropout that evaluation does not turn off."""
    yield from _hits(unit, "always-on-dropout")


def implicit_softmax_dim(unit: UnitView) -> Iterator[Hit]:
    """Softmaxes that guess their dimension."""
    yield from _hits(unit, "implicit-softmax-dim")


def softmax_over_batch(unit: UnitView) -> Iterator[Hit]:
    """Softmaxes over the samples of a batch."""
    yield from _hits(unit, "softmax-over-batch")


def batchnorm_momentum_convention(unit: UnitView) -> Iterator[Hit]:
    """Batch norms with their momentum; the page says which are of the other convention."""
    yield from _hits(unit, "batchnorm-momentum-convention")


def bias_before_batchnorm(unit: UnitView) -> Iterator[Hit]:
    """Layers whose bias a batch norm takes out again."""
    yield from _hits(unit, "bias-before-batchnorm")


def repeated_activation(unit: UnitView) -> Iterator[Hit]:
    """Activations that are applied twice."""
    yield from _hits(unit, "repeated-activation")


def softmax_in_hidden_layer(unit: UnitView) -> Iterator[Hit]:
    """Softmaxes with a layer with weights behind them."""
    yield from _hits(unit, "softmax-in-hidden-layer")


def saturating_hidden_layers(unit: UnitView) -> Iterator[Hit]:
    """Chains with sigmoids between their layers."""
    yield from _hits(unit, "saturating-hidden-layers")


def zero_initialized_weights(unit: UnitView) -> Iterator[Hit]:
    """Hidden layers whose weights all begin as one number."""
    yield from _hits(unit, "zero-initialized-weights")


def compound_scaling_mismatch(unit: UnitView) -> Iterator[Hit]:
    """Factors of compound scaling with their product."""
    yield from _hits(unit, "compound-scaling-mismatch")


def _hits(unit: UnitView, kind: str) -> Iterator[Hit]:
    if is_test(unit.facts.path):
        return
    path = unit.facts.path
    for candidate in unit.facts.candidates:
        if candidate.kind == kind:
            at = Span(path, *candidate.at)
            facts = {"form": candidate.operand, "text": candidate.text, **candidate.facts}
            yield Hit(
                at=at,
                facts={name: Value(value, State.DERIVED, span=at) for name, value in facts.items()},
                related=tuple(Link(Span(path, *place), label) for place, label in candidate.trace),
                symbol=unit.facts.qualname,
                evidence=candidate.text,
            )
