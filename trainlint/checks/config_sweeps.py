"""Judging the searches that a config describes: numbers that their tool reads as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from trainlint.checks.config_hits import fact, place
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.scalars import is_dynamic, is_number_text, spelled_as_number, typed
from trainlint.recipe.config.sweep_shapes import NNI_ENDS, NNI_KIND, nni_space, wandb_space
from trainlint.recipe.config.tree import entries_of
from trainlint.recipe.model import Hit, Link, Value
from trainlint.text.document import Document, Node

_PYYAML = "pyyaml"
_ENDS = ("min", "max", "mu", "sigma", "q")
_INNER, _CHOICES, _CHOICE = "parameters", "values", "choice"
_READS_IT = {"W&B": ("wandb.config", "run.config"), "NNI": ("nni.get_next_parameter",)}
"""What code asks for a value as the sweep's file gives it; a command line turns it into a number again."""

_DEEP = 4


class _Group(msgspec.Struct, frozen=True):
    """Values of one parameter that are text: ends of its range, or some of its choices."""

    name: str
    key: str
    texts: list[Node]
    all: int
    is_end: bool


def text_exponent(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every end of a range, and for every list of choices, that PyYAML reads as text."""
    if config.recognition.kind != "sweep" or config.loader not in (_PYYAML, "unknown"):
        return
    for document in config.documents:
        if document.format != "yaml":
            continue
        wandb = wandb_space(document.root)
        space = wandb if wandb is not None else nni_space(document.root)
        if space is None:
            continue
        tool = "W&B" if wandb is not None else "NNI"
        for group in _wandb(space, 0) if wandb is not None else _nni(space):
            yield _hit(config, document, group, tool)


def _wandb(space: Node, depth: int) -> Iterator[_Group]:
    for name, entry in entries_of(space).items():
        held = entry.value
        if held.kind != "mapping":
            continue
        inner, choices = held.get(_INNER), held.get(_CHOICES)
        if inner is not None and inner.kind == "mapping" and depth < _DEEP:
            yield from _wandb(inner, depth + 1)
        for key in _ENDS:
            end = held.get(key)
            if end is not None and _is_text(end):
                yield _Group(name, key, [end], 1, is_end=True)
        if choices is not None:
            yield from _choices(name, _CHOICES, choices.children)


def _nni(space: Node) -> Iterator[_Group]:
    for name, entry in entries_of(space).items():
        kind, ends = entry.value.get(NNI_KIND), entry.value.get(NNI_ENDS)
        if kind is None or ends is None:
            continue
        if kind.raw == _CHOICE:
            yield from _choices(name, NNI_ENDS, ends.children)
        else:
            texts = [end for end in ends.children if _is_text(end)]
            if texts:
                yield _Group(name, NNI_ENDS, texts, len(ends.children), is_end=True)


def _choices(name: str, key: str, nodes: Sequence[Node]) -> Iterator[_Group]:
    """Choices that are text: those in quotes may be meant."""
    texts = [node for node in nodes if node.style == "plain" and _is_text(node)]
    if texts:
        yield _Group(name, key, texts, len(nodes), is_end=False)


def _is_text(node: Node) -> bool:
    """Whether a scalar reads as a number to people and as text to PyYAML."""
    if node.kind != "scalar" or not is_number_text(node.raw) or is_dynamic(node):
        return False
    return isinstance(typed(node, _PYYAML).value, str)


def _hit(config: ConfigFile, document: Document, group: _Group, tool: str) -> Hit:
    first = group.texts[0]
    at = place(document, first)
    facts: dict[str, Value] = {
        "tool": fact(tool, at),
        "parameter": fact(group.name, at),
        "written": fact(first.raw, at),
        "number": fact(spelled_as_number(first.raw, _PYYAML), at),
        "end": fact(group.is_end, at),
        "mixed": fact(len(group.texts) < group.all, at),
        "read": fact(_is_read(config, tool), at),
    }
    others = tuple(Link(place(document, node), f"{node.raw} is text too") for node in group.texts[1:])
    return Hit(at, facts, others, evidence=f"{group.name}.{group.key}: {first.raw}")


def _is_read(config: ConfigFile, tool: str) -> bool:
    mentioned = config.mentioned
    return mentioned is not None and any(mentioned("", word) for word in _READS_IT[tool])
