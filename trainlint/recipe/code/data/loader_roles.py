"""What a loader is used for, by several signals: its names, the split it reads, the loops over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import unknown_value
from trainlint.recipe.code.observe import Call, Identity, Observations, overlap
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_SPLIT_KEYWORDS = frozenset(
    {"", "split", "mode", "phase", "root", "subset", "image_set", "dataset", "set_name", "partition"}
)
_TRAINS_ON = ".train_dataloader"
"""The method of a module or data module whose loaders Lightning trains on."""
_TRAIN_FLAGS = frozenset({"train", "is_train", "training"})


@dataclasses.dataclass(frozen=True, slots=True)
class Consumer:
    """A loop over a loader, and whether it trains on its batches. `elsewhere`: only in a run that is asked
    for something else than what it does by default."""

    identity: Identity
    span: Span
    trains: bool
    elsewhere: bool = False


@dataclasses.dataclass(slots=True)
class Signals:
    """What speaks for training and for evaluation, each with the place it was seen at."""

    train: list[Link] = dataclasses.field(default_factory=list)
    evaluate: list[Link] = dataclasses.field(default_factory=list)
    consumed: bool = False


class RoleSignals:
    """Collects the signals of a program's loaders."""

    def __init__(self, seen: Observations, training: Training, consumers: Sequence[Consumer]) -> None:
        self.seen = seen
        self.training = training
        self.consumers = consumers

    def role(self, call: Call, made: Resolved, dataset: Resolved | None) -> Value:
        """`loader.role`: train needs a loop that trains on its batches, or two other signals; nothing may
        contradict."""
        signals = self._signals(call, made, dataset)
        if signals.train and signals.evaluate:
            return unknown_value("it looks used for training and for evaluation", call.span)
        if signals.evaluate:
            return Value("eval", State.DERIVED, span=call.span, chain=tuple(signals.evaluate[:2]))
        if signals.consumed or len(signals.train) >= 2:
            return Value("train", State.DERIVED, span=signals.train[0].span, chain=tuple(signals.train[:3]))
        return unknown_value("not enough says what it is used for", call.span)

    def _signals(self, call: Call, made: Resolved, dataset: Resolved | None) -> Signals:
        found = Signals()
        span = call.span
        if span is None:
            return found
        for name in self._names(call, made):
            self._hear(found, name, Link(span, f"its name is {name}"))
        if call.frame.facts.qualname.endswith(_TRAINS_ON):
            found.train.append(Link(span, "the trainer trains on what train_dataloader returns"))
            found.consumed = True
        for item in dataset.alternatives() if dataset is not None else ():
            split = self._split_of(item)
            if split is not None:
                self._hear(found, split, Link(span, f"it reads the {split} split"))
        consumers = [each for each in self.consumers if overlap(each.identity, made.identity)]
        for consumer in [each for each in consumers if not each.elsewhere] or consumers:
            if consumer.trains:
                found.train.insert(0, Link(consumer.span, "its batches reach backward()"))
                found.consumed = True
            else:
                found.evaluate.append(Link(consumer.span, "its batches are used without gradients"))
        return found

    @staticmethod
    def _hear(found: Signals, text: str, link: Link) -> None:
        words = set(words_of(text))
        if words & program_words("eval"):
            found.evaluate.append(link)
        elif words & program_words("train"):
            found.train.append(link)

    def _names(self, call: Call, made: Resolved) -> list[str]:
        names = self.seen.names(made.identity)
        simple = call.frame.facts.qualname.rpartition(".")[2]
        return names or ([simple] if simple else [])

    def _split_of(self, value: Resolved, depth: int = 0) -> str | None:
        if depth > 6:
            return None
        if value.kind == "part" and value.items:
            if isinstance(value.value, str):
                return value.value
            return self._split_of(value.items[0], depth + 1) if value.value is None else None
        if value.kind not in ("object", "instance") or value.frame is None:
            return None
        record = value.frame.term(value.term)
        for key, argument in zip(record.keys, record.args[1:], strict=True):
            split = self._split_in(key, self.seen.evaluator.value(value.frame, argument), depth)
            if split is not None:
                return split
        return " ".join(self.seen.names(value.identity)) or None

    def _split_in(self, key: str, given: Resolved, depth: int) -> str | None:
        if key in _TRAIN_FLAGS and isinstance(given.value, bool):
            return "train" if given.value else "test"
        if key in _SPLIT_KEYWORDS and isinstance(given.value, str):
            words = set(words_of(given.value))
            return given.value if words & (program_words("train") | program_words("eval")) else None
        if key in ("", "dataset") and given.kind in ("object", "part", "instance"):
            return self._split_of(given, depth + 1)
        return None
