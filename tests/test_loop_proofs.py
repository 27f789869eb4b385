"""PyTorch itself says that the bad examples of the pages about loops do what their pages say, and that the
others do not.

The examples are executed as they stand, on a few random images in the place of the data sets they name.
Watched are gradients, modes and weights. Skipped where PyTorch is not installed; `python -m pytest -m proof`
runs these alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from proofs import PAGES, ProvenPage, read_pages

IMAGES = 24


class Witness:
    """What was seen while an example ran."""

    def __init__(self) -> None:
        self.stale = False
        """Whether a backward pass began on gradients that a step had already used."""
        self.trained_in_evaluation_mode = False
        self.evaluated_in_training_mode = False
        self.evaluated_with_graph = False
        self.backwards_before_first_step = 0
        self.stepped: set[int] = set()
        self.before: list[tuple[Any, Any]] = []
        self.models: list[Any] = []
        self.scope: dict[str, Any] = {}
        self.raised = ""

    def moved(self) -> bool:
        """Whether any weight that an optimizer was given has another value than it was given with."""
        return any(not bool((weight == value).all()) for weight, value in self.before)


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """torchvision, as far as the examples use it, with a few random images."""
    import torch
    from torch import nn
    from torch.utils.data import TensorDataset

    def images(*_: Any, **__: Any) -> Any:
        found = TensorDataset(torch.rand(IMAGES, 3, 32, 32), torch.randint(0, 10, (IMAGES,)))
        found.data = (found.tensors[0] * 255).byte().permute(0, 2, 3, 1).numpy()
        found.targets = found.tensors[1].tolist()
        return found

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3 * 32 * 32, 512)
            self.fc = nn.Linear(512, 1000)

        def forward(self, x: Any) -> Any:
            return self.fc(torch.relu(self.inner(x.flatten(1))))

    vision = types.ModuleType("torchvision")
    vision.datasets = types.SimpleNamespace(CIFAR10=images)  # type: ignore[attr-defined]
    vision.transforms = types.SimpleNamespace(ToTensor=lambda: None)  # type: ignore[attr-defined]
    vision.models = types.SimpleNamespace(resnet18=lambda **_: Small())  # type: ignore[attr-defined]
    earlier = sys.modules.get("torchvision")
    sys.modules["torchvision"] = vision
    try:
        yield
    finally:
        if earlier is None:
            del sys.modules["torchvision"]
        else:
            sys.modules["torchvision"] = earlier


def watched(code: str) -> Witness:
    """Run an example, for two epochs in the place of thirty, and tell what was seen."""
    import torch

    seen = Witness()
    made, backward = torch.optim.Optimizer.__init__, torch.Tensor.backward

    def make(optimizer: Any, params: Any, defaults: Any) -> None:
        made(optimizer, params, defaults)
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        seen.before += [(weight, weight.detach().clone()) for weight in weights]
        step = optimizer.step

        def stepped(*args: Any, **kwargs: Any) -> Any:
            seen.stepped |= {id(weight.grad) for weight in weights if weight.grad is not None}
            return step(*args, **kwargs)

        optimizer.step = stepped

    def differentiate(loss: Any, *args: Any, **kwargs: Any) -> None:
        held = [weight.grad for weight, _ in seen.before if weight.grad is not None]
        seen.stale |= any(id(grad) in seen.stepped and bool(grad.abs().sum() > 0) for grad in held)
        seen.trained_in_evaluation_mode |= bool(seen.models) and not seen.models[-1].training
        seen.backwards_before_first_step += not seen.stepped
        backward(loss, *args, **kwargs)

    def run(module: Any, _: Any) -> None:
        if not any(isinstance(each, torch.nn.Dropout) for each in module.children()):
            return
        seen.models.append(module)
        recorded = torch.is_grad_enabled()
        seen.evaluated_in_training_mode |= module.training and not recorded
        seen.evaluated_with_graph |= not module.training and recorded

    module = types.ModuleType("example")
    hook = torch.nn.modules.module.register_module_forward_pre_hook(run)
    torch.optim.Optimizer.__init__, torch.Tensor.backward = make, differentiate
    try:
        with stand_ins():
            text = code.replace("range(30)", "range(2)").replace("range(10)", "range(2)")
            text = text.replace("batch_size=128", "batch_size=4").replace("batch_size=500", "batch_size=8")
            text = text.replace("% 100 == 99", "% 2 == 1")
            exec(compile(text, "example", "exec"), vars(module))
    except RuntimeError as error:
        seen.raised = str(error)
    finally:
        hook.remove()
        torch.optim.Optimizer.__init__, torch.Tensor.backward = made, backward
    seen.scope = vars(module)
    return seen


def keeps_graph(seen: Witness) -> bool:
    """Whether a total or a list that the example leaves holds tensors with a graph."""
    held = [seen.scope.get(name) for name in ("total", "history", "losses")]
    values = [item for each in held for item in (each if isinstance(each, list) else [each])]
    return any(getattr(value, "requires_grad", False) for value in values)


def is_alias(seen: Witness) -> bool:
    """Whether the best weights are those of the model itself."""
    best = seen.scope.get("best_state") or seen.scope.get("best_model")
    state = best if isinstance(best, dict) or best is None else best.state_dict()
    weights = {value.data_ptr() for value in seen.scope["model"].state_dict().values()}
    return state is not None and any(value.data_ptr() in weights for value in state.values())


def head_stays(seen: Witness) -> bool:
    """Whether the optimizer cannot move anything, or does not hold the head that the model has now."""
    held = {id(weight) for weight, _ in seen.before}
    head = seen.scope["model"].fc.weight
    return bool(seen.raised) or not seen.moved() or (head.requires_grad and id(head) not in held)


MISBEHAVES: dict[str, Callable[[Witness], bool]] = {
    "missing-zero-grad": lambda seen: seen.stale,
    "zero-grad-before-step": lambda seen: not seen.moved(),
    "missing-optimizer-step": lambda seen: not seen.moved(),
    "eval-mode-never-left": lambda seen: seen.trained_in_evaluation_mode,
    "missing-eval-mode": lambda seen: seen.evaluated_in_training_mode,
    "gradients-in-evaluation": lambda seen: seen.evaluated_with_graph,
    "loss-keeps-graph": keeps_graph,
    "detached-loss": lambda seen: not seen.moved(),
    "accumulation-off-by-one": lambda seen: seen.backwards_before_first_step == 1,
    "best-model-alias": is_alias,
    "parameters-frozen-in-optimizer": head_stays,
}
APART = {
    ("missing-zero-grad", "Of two optimizers only one is zeroed"),
    ("gradients-in-evaluation", "Gradients of the input are wanted"),
    ("accumulation-off-by-one", "Not an accumulation: one network is trained less often"),
    ("best-model-alias", "Saved at once"),
    ("loss-keeps-graph", "Summed up to train on the sum"),
}
"""Examples whose point is another: gradients that go through both networks, graphs that are wanted, no
accumulation at all, an alias that is used up at once, a sum whose graph is trained on."""
CASES = [
    (page, example.heading, example.kind)
    for page in read_pages(PAGES / "loop")
    if page.name in MISBEHAVES
    for example in page.examples
    if example.kind and (page.name, example.heading) not in APART
]


def label(value: object) -> str | None:
    return value.name if isinstance(value, ProvenPage) else None


@pytest.mark.proof
@pytest.mark.parametrize(("page", "heading", "kind"), CASES, ids=label)
def test_an_example_does_what_its_page_says(
    page: ProvenPage, heading: str, kind: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    monkeypatch.chdir(tmp_path)
    seen = watched(page.code(heading, (kind,)))
    assert MISBEHAVES[page.name](seen) is (kind == "bad"), seen.raised
