"""Findings in notebooks: places are cells and lines of the cell, and so are excerpts."""

from __future__ import annotations

import json
from pathlib import Path

from trainlint.linter import lint
from trainlint.output.terminal import Style
from trainlint.output.text import full

FIRST = "%matplotlib inline\nimport torch\nfrom torch import nn\n"
SECOND = (
    "class Unit(nn.Module):\n"
    "    def forward(self, x):\n"
    "        scale = torch.sqrt((x ** 2).sum(dim=1, keepdim=True))\n"
    "        return x / scale\n"
)


def test_the_excerpt_is_the_cells_own_line(tmp_path: Path) -> None:
    # The excerpt was once cut from the cells joined, at the line number within the cell: another line.
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in (FIRST, SECOND)]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps(notebook), encoding="utf-8")
    report = lint([file])
    [finding] = report.findings
    assert (finding.rule, finding.span.cell, finding.span.line) == ("unguarded-sqrt", 2, 3)
    assert "3 |         scale = torch.sqrt(" in full(report, style=Style(colour=False))
