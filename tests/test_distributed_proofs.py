"""PyTorch itself says that a model which is converted after it was wrapped for distributed training has
gradients of its own in each process. Skipped where PyTorch is not installed.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch"),
]
PROCESSES = 2


def train(rank: int, folder: str, moved: bool) -> None:
    """One process: two updates on samples of its own; the gradients of the last go to a file."""
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES)
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    if not moved:
        model.double()
    wrapped = DistributedDataParallel(model)
    if moved:
        wrapped.double()
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    torch.manual_seed(rank)
    samples = torch.randn(8, 4, dtype=torch.float64)
    for _ in range(2):
        optimizer.zero_grad()
        wrapped(samples).pow(2).mean().backward()
        optimizer.step()
    gradient = model.weight.grad
    assert gradient is not None
    (Path(folder) / f"{rank}.json").write_text(json.dumps(gradient.flatten().tolist()), encoding="utf-8")
    dist.destroy_process_group()


@pytest.mark.parametrize("moved", [True, False], ids=["wrapped then converted", "converted then wrapped"])
def test_what_is_converted_after_wrapping_is_not_averaged(moved: bool, tmp_path: Path) -> None:
    from torch.multiprocessing import spawn

    spawn(train, (str(tmp_path), moved), nprocs=PROCESSES)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(PROCESSES))
    assert (first != second) is moved
