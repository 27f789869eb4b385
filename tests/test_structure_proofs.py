"""PyTorch itself says that the bad examples of the pages about structure do what their pages say, and that
the others do not.

Each page has one question that is put to a network, or to the code of an example. Skipped where PyTorch is
not installed; `python -m pytest -m proof` runs these alone.
"""

from __future__ import annotations

import importlib.util
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from proofs import PAGES, ProvenPage, read_pages

Question = Callable[[dict[str, Any]], bool]


def executed(code: str) -> dict[str, Any]:
    """The names that an example leaves bound."""
    module = types.ModuleType("example")
    exec(compile(code, "example", "exec"), vars(module))
    return vars(module)


def network(scope: dict[str, Any]) -> Any:
    """The last network that an example defines, made with small numbers."""
    import inspect

    from torch import nn

    made = [each for each in scope.values() if isinstance(each, nn.Module)]
    if made:
        return made[-1]
    classes = [each for each in scope.values() if isinstance(each, type) and issubclass(each, nn.Module)]
    own = [each for each in classes if each.__module__ == "example"]
    sizes = {"rate": 0.5, "depth": 2}
    names = list(inspect.signature(own[-1].__init__).parameters)[1:]
    given = [name for name in names if name not in ("args", "kwargs")]
    return own[-1](*(sizes.get(name, 8) for name in given))


def holds_untrained_weights(scope: dict[str, Any]) -> bool:
    """Whether a training step leaves a weight that took part in it as it was."""
    import torch

    net = network(scope)
    inputs = [torch.randn(4, 8), *([torch.randn(4, 8)] if "y" in net.forward.__code__.co_varnames else [])]
    optimizer_of = scope.get("optimizer_of")
    optimizer = optimizer_of(net) if optimizer_of else torch.optim.SGD(net.parameters(), lr=0.1)
    held = [each for value in vars(net).values() for each in weights_in(value)]
    before = [each.detach().clone() for each in held]
    found = net(*inputs)
    values = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    sum(value.sum() for value in values).backward()
    optimizer.step()
    moved = [not torch.equal(weight, old) for weight, old in zip(held, before, strict=True)]
    return any(each.grad is not None for each in held) and not all(moved)


def weights_in(value: Any) -> list[Any]:
    """The weights of what a plain attribute holds."""
    from torch import nn

    if isinstance(value, nn.Parameter):
        return [value]
    if isinstance(value, nn.Module):
        return list(value.parameters())
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [each for part in parts for each in weights_in(part)] if not hasattr(value, "_fields") else []


def cannot_be_made(scope: dict[str, Any]) -> bool:
    try:
        network(scope)
    except AttributeError as error:
        return "before Module.__init__() call" in str(error)
    return False


def is_random_in_evaluation(scope: dict[str, Any]) -> bool:
    import torch

    net = network(scope).eval()
    size = {"Attention": (2, 4, 8), "Net": (2, 784)}.get(type(net).__name__, (2, 784))
    inputs = [torch.randn(2, 3, 8, 8)] if hasattr(net, "conv") else [torch.randn(*size)]
    inputs *= 3 if type(net).__name__ == "Attention" else 1
    torch.manual_seed(0)
    first = net(*inputs)
    return not torch.equal(first, net(*inputs))


def adds_up_across_samples(scope: dict[str, Any]) -> bool:
    import torch

    net = network(scope)
    wide = torch.randn(6, 1, 28, 28)
    found = net(wide)
    found = found.exp() if bool((found <= 0).all()) else found
    return bool(torch.allclose(found.sum(0), torch.ones(found.shape[1]), atol=1e-4))


def is_warned_of(scope: dict[str, Any]) -> bool:
    import torch

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if "probabilities" in scope:
            scope["probabilities"](torch.randn(2, 10))
        else:
            net = network(scope)
            net(torch.randn(2, 512 if isinstance(net, torch.nn.Sequential) else 8))
    return any("Implicit dimension choice" in str(each.message) for each in told)


def keeps_little(scope: dict[str, Any]) -> bool:
    """Whether one strange batch decides what evaluation normalises by, or half of the deviation is lost."""
    import torch

    if "block" in scope:
        net = scope["block"](4)
    elif "norm" in scope:
        net = scope["norm"](4)
    else:
        net = network(scope)
    norm = next(each for each in net.modules() if isinstance(each, torch.nn.BatchNorm2d))
    norm.train()
    batch = torch.randn(8, norm.num_features, 16, 16)
    shrunk = float(norm(batch * 0.3).std()) < 0.5
    norm.reset_running_stats()
    norm(batch + 100)
    return shrunk or (norm.momentum != 1.0 and float(norm.running_mean.mean()) > 50)


def bias_stays(scope: dict[str, Any]) -> bool:
    """Whether a layer with a bias gets no gradient for it."""
    import torch

    net = scope.get("block") or network(scope)
    layer = next(each for each in net.modules() if hasattr(each, "bias") and hasattr(each, "stride"))
    net(torch.randn(4, 3, 8, 8) + 1).pow(3).sum().backward()
    return layer.bias is not None and float(layer.bias.grad.abs().max()) < 1e-2


QUESTIONS: dict[str, Question] = {
    "unregistered-modules": holds_untrained_weights,
    "missing-super-init": cannot_be_made,
    "always-on-dropout": is_random_in_evaluation,
    "softmax-over-batch": adds_up_across_samples,
    "implicit-softmax-dim": is_warned_of,
    "batchnorm-momentum-convention": keeps_little,
    "bias-before-batchnorm": bias_stays,
}
APART = {
    ("unregistered-modules", "A network that is kept out on purpose"),
    ("missing-super-init", "No constructor of its own"),
    ("always-on-dropout", "Monte Carlo dropout"),
    ("always-on-dropout", "Said to be meant"),
    ("softmax-over-batch", "One state at a time"),
    ("softmax-over-batch", "Attention over instances"),
    ("implicit-softmax-dim", "Other frameworks take the last"),
    ("bias-before-batchnorm", "A norm without a shift"),
}
"""Examples whose point is another: noise that is wanted, no batch, layers kept out on purpose, other
frameworks."""
CASES = [
    (page, example.heading, example.kind)
    for family in ("model", "regularization")
    for page in read_pages(PAGES / family)
    if page.name in QUESTIONS
    for example in page.examples
    if example.kind and (page.name, example.heading) not in APART and "keras" not in example.text
]


def label(value: object) -> str | None:
    return value.name if isinstance(value, ProvenPage) else None


@pytest.mark.proof
@pytest.mark.parametrize(("page", "heading", "kind"), CASES, ids=label)
def test_an_example_does_what_its_page_says(page: ProvenPage, heading: str, kind: str) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    import torch

    torch.manual_seed(0)
    assert QUESTIONS[page.name](executed(page.code(heading, (kind,)))) is (kind == "bad")
