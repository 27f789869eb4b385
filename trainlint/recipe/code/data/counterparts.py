"""Where training and test data are not prepared alike: other constants, or a step that only one part has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.findings import Span
from trainlint.recipe.code.ancestry import Ancestry, Node
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.data.standardised import two_sources
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.model import State, Value

_TRAINS = ("fit", "fit_generator")
_EVALUATES = ("evaluate", "predict")
_KEEPS = frozenset(
    "astype reshape array asarray expand_dims tensor from_numpy float long to TensorDataset to_numpy values "
    "FloatTensor Tensor unsqueeze as_tensor cuda convert_to_tensor cast ravel flatten squeeze copy view "
    "float32 double cpu contiguous".split()
)
_KEEPING_OPS = frozenset({"const", "item", "attr", "tuple", "list", "loop", "if", "param", "global"})
_DIVISORS = (127.5, 255, 256)
_MAX_NODES = 60
_PAIR = 2
_Used = tuple[Node, Span | None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Way:
    """How an array got to where it is used: the pair and part it comes from, and what scales it."""

    pair: object
    part: int
    scaled: Span | None
    plain: bool


def preparations(loaders: Loaders, elements: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """One mapping of `preparation.*` values for each difference between training and test data."""
    found = [_normalized(element) for element in elements]
    return [each for each in (*found, _scaled(loaders, elements), *two_sources(loaders.seen)) if each]


def _normalized(element: dict[str, Value]) -> dict[str, Value]:
    """How an evaluation loader normalises otherwise than the training loaders over the same data."""
    train = element.get("loader.train_normalize")
    own = element["loader.normalize"]
    if train is None or element["loader.purpose"].value != "evaluate":
        return {}
    if train.state is State.OFF:
        difference = "train-not-normalized"
    else:
        difference = "test-not-normalized" if own.state is State.OFF else "constants"
    return {
        "preparation.difference": derived(difference, own.span),
        "preparation.train": derived(str(train.value or "nothing"), train.span),
        "preparation.test": derived(str(own.value or "nothing"), own.span),
    }


def _scaled(loaders: Loaders, elements: list[dict[str, Value]]) -> dict[str, Value]:
    """That the training arrays are scaled and the test arrays are not."""
    arrays = _Arrays(loaders)
    trained = list(arrays.ways([node for node, _ in arrays.training(elements)]))
    for node, span in arrays.evaluating(elements):
        for way in arrays.ways([node]):
            if way.part != 1 or way.scaled is not None or not way.plain:
                continue
            twins = [each for each in trained if each.pair == way.pair and each.part == 0]
            if twins and all(each.scaled is not None for each in twins):
                return {
                    "preparation.difference": derived("test-not-scaled", span),
                    "preparation.train": derived("scaled", twins[0].scaled),
                    "preparation.test": derived("as it came", span),
                }
    return {}


class _Arrays:
    def __init__(self, loaders: Loaders) -> None:
        self.loaders = loaders
        self.seen = loaders.seen
        self.ancestry = Ancestry(loaders.seen)

    def training(self, elements: list[dict[str, Value]]) -> list[_Used]:
        """The arrays that training reads, and where."""
        return [*self._first_arguments(_TRAINS), *self._datasets(elements, "train")]

    def evaluating(self, elements: list[dict[str, Value]]) -> list[_Used]:
        """The arrays that evaluation reads, and where."""
        given = [*self._first_arguments(_EVALUATES), *self._datasets(elements, "eval")]
        for call in self.seen.methods(*_TRAINS):
            term = call.frame.term(call.term)
            for key, argument in zip(term.keys, term.args[1:], strict=True):
                pair = call.frame.term(argument)
                if key == "validation_data" and pair.op == "tuple" and pair.args:
                    given.append(((call.frame, pair.args[0]), call.frame.span(argument)))
        return given

    def _first_arguments(self, methods: tuple[str, ...]) -> Iterator[_Used]:
        for call in self.seen.methods(*methods):
            term = call.frame.term(call.term)
            if len(term.args) > 1 and term.keys[0] in ("", "x"):
                yield (call.frame, term.args[1]), call.span

    def _datasets(self, elements: list[dict[str, Value]], role: str) -> Iterator[_Used]:
        for use, element in zip(self.loaders.uses, elements, strict=True):
            if element["loader.role"].value != role:
                continue
            dataset = use.argument("dataset")
            if dataset is None or dataset.kind != "object" or dataset.frame is None:
                continue
            term = dataset.frame.term(dataset.term)
            if dataset.name.endswith("TensorDataset") and len(term.args) > 1:
                yield (dataset.frame, term.args[1]), dataset.frame.span(dataset.term)

    def ways(self, nodes: list[Node]) -> Iterator[_Way]:
        """How each of some arrays came from one part of a pair; nothing for those that cannot be followed."""
        for start in nodes:
            waiting, scaled, plain = [start], None, True
            for _ in range(_MAX_NODES):
                if not waiting:
                    break
                frame, term = waiting.pop(0)
                part = self._part(frame, term)
                if part is not None:
                    yield _Way(part[0], part[1], scaled, plain)
                    break
                scaled = scaled or self._scales(frame, term)
                plain = plain and self._keeps(frame, term)
                waiting += self._data(frame, term)

    def _data(self, frame: Frame, term: int) -> list[Node]:
        """The arrays behind an expression: of a scaling operation, the one that is scaled."""
        record = frame.term(term)
        if record.op == "bin":
            return [(frame, record.args[0])]
        return self.ancestry.parents((frame, term))

    def _part(self, frame: Frame, term: int) -> tuple[object, int] | None:
        """The pair an expression is one part of, and which (0: training, 1: test)."""
        record = frame.term(term)
        if record.op != "unpack" or not isinstance(record.value, int):
            return None
        whole = frame.term(record.args[0])
        outer, position = record.args[0], record.value
        if whole.op == "unpack" and isinstance(whole.value, int) and position == 0:
            outer, position = whole.args[0], whole.value
        elif not self._is_split(frame, outer):
            return None
        if position >= _PAIR or not self._gives_pairs(frame, outer):
            return None
        return (frame.facts.path, frame.facts.qualname, outer), position

    def _is_split(self, frame: Frame, term: int) -> bool:
        return self.seen.evaluator.value(frame, term).name.endswith("train_test_split")

    def _gives_pairs(self, frame: Frame, term: int) -> bool:
        name = self.seen.evaluator.value(frame, term).name
        return name.endswith(("train_test_split", ".load_data"))

    def _scales(self, frame: Frame, term: int) -> Span | None:
        """Where an array is divided by the range of bytes, or a fitted scaler is applied."""
        record = frame.term(term)
        if record.op == "bin" and record.name == "/":
            divisor = frame.term(record.args[1])
            return frame.span(term) if divisor.value in _DIVISORS else None
        if record.op != "call" or frame.term(record.args[0]).op != "attr":
            return None
        callee = frame.term(record.args[0])
        if callee.name not in ("fit_transform", "transform"):
            return None
        owner = self.seen.evaluator.value(frame, callee.args[0])
        entry = self.seen.evaluator.entry(owner.name) if owner.kind == "object" else None
        learns = entry.extra.get("learns") if entry is not None and entry.kind == "preprocessor" else None
        return frame.span(term) if learns == "statistics" else None

    def _keeps(self, frame: Frame, term: int) -> bool:
        """Whether an operation leaves the numbers as they are."""
        record = frame.term(term)
        if record.op != "call":
            return record.op in _KEEPING_OPS
        callee = frame.term(record.args[0])
        return callee.name.rpartition("::")[2].rpartition(".")[2] in _KEEPS
