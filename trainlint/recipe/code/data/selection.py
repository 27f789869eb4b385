"""What a checkpoint is kept for: the loader behind the comparison that guards its saving."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Event
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.ancestry import Ancestry, Node
from trainlint.recipe.code.data.loader_use import Use
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call
from trainlint.recipe.model import Value

_ORDERS = frozenset({"<", "<=", ">", ">="})
_TEST = frozenset({"test", "testing", "testset", "testloader"})


def selection(loaders: Loaders, elements: list[dict[str, Value]]) -> dict[str, Value]:
    """`selection.*`: where a checkpoint is saved only if a metric of a test loader is the best so far."""
    tests = [use for use in loaders.uses if _is_test(loaders, use)]
    if not tests:
        return {}
    others = [use for use in loaders.uses if _is_validation(loaders, use)]
    trains = any(each["loader.role"].value == "train" for each in elements)
    ancestry = Ancestry(loaders.seen)
    for call in loaders.seen.made("save"):
        for condition in _best_so_far(call):
            behind = _loaders_behind(ancestry, (call.frame, condition), [*tests, *others])
            if behind and trains and all(use in tests for use in behind):
                name = next(iter(loaders.seen.names(behind[0].made.identity)), "the test loader")
                return {
                    "selection.by": derived(name, call.span),
                    "selection.loader": derived(name, behind[0].span),
                    "selection.validation": derived(bool(others), others[0].span if others else call.span),
                }
    return {}


def _best_so_far(call: Call) -> Iterator[int]:
    """The comparisons of order that must hold where a call is made."""
    for condition in call.event.conditions:
        if condition.holds:
            yield from _comparisons(call, condition.term)


def _comparisons(call: Call, term: int, depth: int = 4) -> Iterator[int]:
    record = call.frame.term(term)
    if record.op == "cmp" and record.name in _ORDERS:
        if any("best" in _words(call, side) for side in record.args):
            yield term
    elif record.op == "bool" and record.name == "and" and depth:
        for each in record.args:
            yield from _comparisons(call, each, depth - 1)


def _words(call: Call, term: int) -> set[str]:
    """The words of the names that a value has in the unit of a call."""
    record = call.frame.term(term)
    names = [record.name] if record.op in ("attr", "param", "global", "loop") else []
    names += [event.name for event in call.frame.facts.events if _binds(event, term)]
    return {word for name in names for word in words_of(name.rpartition("::")[2])}


def _binds(event: Event, term: int) -> bool:
    return event.kind == "bind" and event.term == term


def _loaders_behind(ancestry: Ancestry, condition: Node, uses: list[Use]) -> list[Use]:
    """The loaders among some that a comparison's values come from."""
    frame, term = condition
    sides = [(frame, each) for each in frame.term(term).args]
    made = {
        (where.facts.path, where.facts.qualname, index)
        for side in sides
        for where, index in ancestry.of(side)
    }
    return [use for use in uses if (*use.call.place, use.call.term) in made]


def _name_words(loaders: Loaders, use: Use) -> set[str]:
    return {word for name in loaders.seen.names(use.made.identity) for word in words_of(name)}


def _is_test(loaders: Loaders, use: Use) -> bool:
    words = _name_words(loaders, use)
    return bool(words & _TEST) and not words & ((program_words("evaluate") - _TEST) | program_words("train"))


def _is_validation(loaders: Loaders, use: Use) -> bool:
    words = _name_words(loaders, use)
    return bool(words & (program_words("evaluate") - _TEST)) and not words & program_words("train")
