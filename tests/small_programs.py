"""Programs of a few lines, for tests of what is around the findings."""

from __future__ import annotations

SEEDLESS = """\
import torch
from torch import nn

model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for x, y in torch.load("data.pt"):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()
"""
"""A program without a seed: one advice."""
