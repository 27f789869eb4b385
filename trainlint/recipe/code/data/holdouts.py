"""Parts of the data that are held out by their place: the tail Keras validates on, the blocks of KFold."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event, Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.ancestry import Ancestry, Node
from trainlint.recipe.code.bound_names import BoundNames
from trainlint.recipe.code.data.fit_data import FitData, shuffles_somewhere
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Link, Value

_JOINS = frozenset({"numpy.concatenate", "numpy.vstack", "numpy.append", "numpy.r_", "tensorflow.concat"})
_FILLED = frozenset({"numpy.zeros", "numpy.ones", "numpy.full", "numpy.zeros_like", "numpy.ones_like"})
_LISTS_FILES = frozenset({"listdir", "scandir", "iterdir", "glob", "iglob", "rglob", "walk"})
_READS_FILE = frozenset({"pandas.read_csv", "numpy.loadtxt", "numpy.genfromtxt", "pandas.read_excel"})
_BLOCKS = "sklearn.model_selection.KFold"


def holdouts(seen: Observations, fitted: FitData) -> list[dict[str, Value]]:
    """One mapping of `holdout.*` values for each part that is taken from the data in the order it has."""
    orders = _Orders(seen)
    found = []
    for call, method in fitted.fits:
        params = [Parameter(each.name, each.kind, each.has_default) for each in method.params]
        given = seen.evaluator.binder.bind(call.frame, call.term, params)
        share = given.get("validation_split")
        data = [given.terms[name] for name in ("y", "x") if name in given.terms]
        if share is None or not share.is_number or not isinstance(share.value, (int, float)) or not data:
            continue
        if not 0 < share.value < 1 or given.get("y") is None:
            continue
        part = f"the last {share.value:.0%} of the samples"
        found.append(_element(seen, orders, call, "validation_split", part, data))
    for call in seen.made("split"):
        if call.name == _BLOCKS and call.entry is not None and seen.argument(call, "shuffle") is None:
            for used, data in _divided(seen, call):
                found.append(_element(seen, orders, used, "KFold", "blocks of samples as folds", data))
    return found


def _element(
    seen: Observations, orders: _Orders, call: Call, by: str, part: str, data: list[Node]
) -> dict[str, Value]:
    order = orders.of(data)
    fitting = (
        "permute samples and labels together before: order = np.random.default_rng(0).permutation(len(y))"
        if by == "validation_split"
        else "KFold(…, shuffle=True, random_state=0)"
    )
    return {
        "holdout.by": derived(by, call.span),
        "holdout.part": derived(part, call.span),
        "holdout.permuted": derived(_permutes(seen), call.span),
        "holdout.ordered": order or unknown_value("in which order the data is stored", call.span),
        "holdout.hint": derived(fitting, call.span),
    }


def _permutes(seen: Observations) -> bool:
    """Whether anything in reach permutes data, or divides it at random."""
    drawn = (call.entry is not None and call.entry.random is not False for call in seen.made("shuffle"))
    divides = any(call.name.endswith(("train_test_split", "ShuffleSplit")) for call in seen.made("split"))
    return any(drawn) or divides or shuffles_somewhere(seen)


def _divided(seen: Observations, folds: Call) -> Iterator[tuple[Call, list[Node]]]:
    """The calls that divide data into these folds, with the data: `folds.split(x, y)`, `cv=folds`."""
    for call in seen.methods("split"):
        receiver = seen.evaluator.receiver(call.frame.facts, call.event)
        if any(leaf.site == folds.site for leaf in receiver.alternatives()):
            yield call, [(call.frame, term) for term in call.frame.term(call.term).args[1:]]
    for call in seen.calls:
        record = call.frame.term(call.term)
        if "cv" not in record.keys:
            continue
        given = seen.evaluator.value(call.frame, record.args[1 + record.keys.index("cv")])
        if given.site == folds.site:
            rest = zip(record.keys, record.args[1:], strict=True)
            yield call, [(call.frame, term) for key, term in rest if key in ("", "X", "y")]


class _Orders:
    """In which order data was put together, as far as the program shows."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.ancestry = Ancestry(seen)
        self.names = BoundNames()

    def of(self, data: list[Node]) -> Value | None:
        """What puts the data in an order by class or file; None where nothing is known to."""
        words: set[str] = set()
        found: Value | None = None
        for node in data:
            for frame, term in self.ancestry.of(node):
                words |= {word for name in self.names.of(frame, term) for word in words_of(name)}
                found = found or self._at(frame, term)
        path = self.seen.program.entry.rpartition("/")[2]
        if (words | set(words_of(path))) & program_words("ordered"):
            return None
        return found

    def _at(self, frame: Frame, term: int) -> Value | None:
        record = frame.term(term)
        span = frame.span(term)
        if record.op == "list":
            return self._collected(frame, term)
        if record.op != "call":
            return None
        callee = frame.term(record.args[0])
        name = self.seen.evaluator.knowledge.canonical(callee.name) if callee.op == "global" else ""
        entry = self.seen.evaluator.entry(name) if name else None
        if entry is not None and entry.extra.get("sorted"):
            return derived(f"{name.rpartition('.')[2]} gives one class after the other", span)
        if name in _JOINS and self._joins_classes(frame, term):
            return derived("the classes are put one behind the other", span)
        if name in _READS_FILE:
            return derived("the samples come in the order of their file", span)
        return None

    def _joins_classes(self, frame: Frame, term: int) -> bool:
        """Whether labels that are all equal are joined: `np.concatenate([np.zeros(n), np.ones(m)])`."""
        kinds = {
            frame.term(each.term(index).args[0]).name
            for each, index in self.ancestry.of((frame, term))
            if each is frame and each.term(index).op == "call"
        }
        return len(kinds & _FILLED) > 1

    def _collected(self, frame: Frame, term: int) -> Value | None:
        """Whether a list is filled in a loop over the files of one class after the other."""
        for event in frame.facts.events:
            if event.kind != "call" or event.loop < 0 or frame.facts.loops[event.loop].parent < 0:
                continue
            callee = frame.term(frame.term(event.term).args[0])
            if callee.op != "attr" or callee.name != "append":
                continue
            if self._is_list(frame, callee.args[0], term) and self._lists_files(frame, event):
                outer = frame.loop_span(frame.facts.loops[event.loop].parent)
                chain = (Link(outer, "one class after the other is read here"),) if outer is not None else ()
                text = "the files of one class are read after those of another"
                return derived(text, frame.span(term), chain)
        return None

    @staticmethod
    def _is_list(frame: Frame, owner: int, term: int) -> bool:
        record = frame.term(owner)
        return owner == term or (record.op == "loop" and term in record.args)

    def _lists_files(self, frame: Frame, event: Event) -> bool:
        """Whether the inner loop goes through the files of a folder that the outer loop names."""
        inner = frame.facts.loops[event.loop]
        outer = frame.facts.loops[inner.parent]
        listed = self._texts(frame, inner.source)
        if not listed & _LISTS_FILES:
            return False
        folders = self._texts(frame, outer.source) & _LISTS_FILES
        return bool(folders) or self._reads(frame, inner.source, inner.parent)

    def _texts(self, frame: Frame, term: int) -> set[str]:
        return {text.rpartition(".")[2] for text in self.seen.texts(frame, term)}

    @staticmethod
    def _reads(frame: Frame, term: int, loop: int, depth: int = 6) -> bool:
        """Whether an expression is made of an element of what a loop goes through."""
        record = frame.term(term)
        if record.op == "elem" and record.args[0] == frame.facts.loops[loop].source:
            return True
        return depth > 0 and any(_Orders._reads(frame, each, loop, depth - 1) for each in record.args)
