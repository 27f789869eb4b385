"""Data sets whose samples a program draws by itself: an order says nothing of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import UnitFacts
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.training import Training

_DEEPEST = 4
_CHOOSES = frozenset("permutation randperm shuffle sample choice choices".split())
"""Functions that take some of what there is, or put it in another order."""
_DISPLAYS = frozenset({"list", "tuple", "comp", "bin", "un"})


def made_up(program: Program, dataset: Resolved, depth: int = 0) -> str:
    """Why a data set of the project has no order worth shuffling; "" where it may have one."""
    if depth > _DEEPEST:
        return ""
    for item in dataset.alternatives():
        reason = _of_class(program, item.name) if item.kind == "instance" else ""
        reason = reason or next(filter(None, (made_up(program, part, depth + 1) for part in item.items)), "")
        if reason:
            return reason
    return ""


def trains_on_made_up_data(seen: Observations, training: Training, sets: Sequence[Resolved | None]) -> bool:
    """Whether all that a program trains on are numbers it draws itself: those in the data sets of its
    training loaders, `sets`, or, without any loader, tensors that each update sees as a whole."""
    if sets:
        return all(dataset is not None and _is_drawn_set(seen, dataset) for dataset in sets)
    if not training.is_full_batch():
        return False
    before = [
        call
        for call in seen.calls
        if not call.method and call.event.loop < 0 and call.place in training.units
    ]
    return any(_draws(call.name) for call in before) and not any(_reads(call.name) for call in before)


def _is_drawn_set(seen: Observations, dataset: Resolved, depth: int = 0) -> bool:
    return depth <= _DEEPEST and all(_is_drawn_item(seen, item, depth) for item in dataset.alternatives())


def _is_drawn_item(seen: Observations, item: Resolved, depth: int) -> bool:
    if item.kind == "instance":
        path, _, qualname = item.name.partition("::")
        getter = _method(seen.program, path, qualname, "__getitem__")
        return getter is not None and bool(_drawn_attribute(seen.program, item.name, getter))
    if item.kind == "part" and item.items:
        return _is_drawn_set(seen, item.items[0], depth + 1)
    if item.kind != "object" or item.frame is None:
        return False
    if item.name == "torchvision.datasets.FakeData":
        return True
    entry = seen.evaluator.entry(item.name)
    if entry is not None and entry.kind in ("dataset-wrapper", "split"):
        inner = seen.evaluator.binder.arguments(item).get(entry.fields.get("dataset", ""))
        return inner is not None and _is_drawn_set(seen, inner, depth + 1)
    return any(_draws(each.name) for each in _arguments(seen, item) if each.kind == "object")


def _arguments(seen: Observations, item: Resolved) -> Iterator[Resolved]:
    if item.frame is not None:
        for argument in item.frame.term(item.term).args[1:]:
            yield from seen.evaluator.value(item.frame, argument).alternatives()


def _draws(name: str) -> bool:
    """Whether a function of a library makes up numbers: `torch.randn`, `numpy.random.normal`."""
    parts = name.split(".")
    if "::" in name or parts[-1] in _CHOOSES:
        return False
    return bool(program_words("synthetic").intersection(parts))


def _reads(name: str) -> bool:
    """Whether a function takes what it gives from somewhere else: `numpy.load`, `pandas.read_csv`."""
    return not program_words("reading").isdisjoint(words_of(name.rpartition(".")[2]))


def _of_class(program: Program, name: str) -> str:
    path, _, qualname = name.partition("::")
    getter = _method(program, path, qualname, "__getitem__")
    if getter is None or len(getter.params) < 2:
        return ""
    index = getter.params[1]
    if index.kind != "star" and not _uses(getter, index.name):
        return "its samples do not depend on their index"
    drawn = _drawn_attribute(program, name, getter)
    return f"{drawn} is drawn at random: made-up data has no order" if drawn else ""


def _drawn_attribute(program: Program, name: str, getter: UnitFacts) -> str:
    """The attribute that `__getitem__` takes samples from, where the constructor draws it; else ""."""
    path, _, qualname = name.partition("::")
    constructor = _method(program, path, qualname, "__init__")
    if constructor is None:
        return ""
    read = {
        getter.terms[term.args[0]].name
        for term in getter.terms
        if term.op == "item" and getter.terms[term.args[0]].op == "attr"
    }
    for unit in (constructor, *_own_methods_called(program, path, qualname, constructor)):
        for event in unit.events:
            if event.kind == "store-attr" and event.name in read and _is_drawn(unit, event.value):
                return event.name
    return ""


def _own_methods_called(program: Program, path: str, qualname: str, unit: UnitFacts) -> Iterator[UnitFacts]:
    """The methods that a method of a class calls on its own object: `self.generate()`."""
    for event in unit.events:
        callee = unit.terms[unit.terms[event.term].args[0]] if event.kind == "call" else None
        if callee is not None and callee.op == "attr" and unit.terms[callee.args[0]].name == "self":
            method = _method(program, path, qualname, callee.name)
            if method is not None:
                yield method


def _method(program: Program, path: str, qualname: str, name: str) -> UnitFacts | None:
    kind, where, found = program.resolve(path, qualname, name)
    return program.facts(where, found) if kind == "function" else None


def _uses(facts: UnitFacts, name: str) -> bool:
    """Whether anything is made of a parameter, or hangs on it."""
    own = {place for place, term in enumerate(facts.terms) if term.op == "param" and term.name == name}
    used = {argument for term in facts.terms for argument in term.args}
    used |= {place for event in facts.events for place in (event.term, event.key, event.value)}
    used |= {condition.term for event in facts.events for condition in event.conditions}
    used |= {condition.term for back in facts.returns for condition in back.conditions}
    used |= {back.term for back in facts.returns} | {loop.source for loop in facts.loops}
    return bool(own & used)


def _is_drawn(facts: UnitFacts, index: int, depth: int = 0) -> bool:
    """Whether a value is a call that draws numbers, or a display, comprehension or sum of such."""
    term = facts.terms[index]
    if term.op == "call":
        callee = facts.terms[term.args[0]]
        if callee.op == "global":
            return _draws(callee.name)
        # `torch.randn(…).float()`
        return callee.op == "attr" and depth < _DEEPEST and _is_drawn(facts, callee.args[0], depth + 1)
    if term.op in _DISPLAYS and depth < _DEEPEST:
        return any(_is_drawn(facts, argument, depth + 1) for argument in term.args)
    return False
