"""How often a `while` loop runs: by the counter that its test, or the branch of its `break`, compares."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Origin, Resolved
from trainlint.analysis.facts import Condition, Loop, Term
from trainlint.recipe.code.observe import Observations

_GOES_ON = frozenset({"<", "<=", "!="})
_STOPS = frozenset({">", ">=", "=="})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def while_count(seen: Observations, frame: Frame, loop: Loop) -> tuple[str, Resolved, int] | None:
    """The counter's name, how often it is raised before the loop ends, and the bound's term.

    A last round more or less, by `<` or `<=`, is not told apart. None where no counter ends the loop.
    """
    source = frame.term(loop.source)
    if source.op == "const":
        ends = list(_ends(loop)) if source.value else []
        tests = [(each.term, _STOPS if each.holds else _GOES_ON) for each in ends]
    else:
        tests = [(loop.source, _GOES_ON)]
    for test, wanted in tests:
        found = _compared(seen, frame, frame.term(test), wanted)
        if found is not None:
            return found
    return None


def _ends(loop: Loop) -> Iterator[Condition]:
    """The branches that end the loop by themselves; before each stands that it did not end earlier."""
    earlier: set[tuple[int, bool]] = set()
    for exit_ in loop.exits:
        *others, last = exit_ or (None,)
        if last is not None and all((each.term, not each.holds) in earlier for each in others if each):
            yield last
            earlier.add((last.term, last.holds))


def _compared(
    seen: Observations, frame: Frame, test: Term, wanted: frozenset[str]
) -> tuple[str, Resolved, int] | None:
    if test.op != "cmp":
        return None
    left, right = test.args
    for counter, bound, name in (
        (left, right, test.name),
        (right, left, _MIRRORED.get(test.name, test.name)),
    ):
        variable = _counter(frame, counter)
        if name not in wanted or variable is None:
            continue
        by = _raised_by(frame, variable)
        start = seen.evaluator.value(frame, variable.args[0])
        stop = seen.evaluator.value(frame, bound)
        if by is None or _changes(frame, bound):
            return None
        arithmetic, origin = seen.evaluator.operators.arithmetic, Origin(None, "")
        rounds = arithmetic("-", stop.default(), fresh(start), origin)
        return variable.name, rounds if by == 1 else arithmetic("/", rounds, constant(by), origin), bound
    return None


def fresh(start: Resolved) -> Resolved:
    """Where a run that resumes nothing starts: the one number among what a checkpoint may make of it."""
    start = start.default()
    numbers = [leaf for leaf in start.alternatives() if leaf.is_number]
    return numbers[0] if start.kind == "choice" and len(numbers) == 1 else start


def constant(value: float) -> Resolved:
    """A number that nothing in the program wrote."""
    return Resolved("const", value=value, derived=True)


def _counter(frame: Frame, term: int) -> Term | None:
    """The variable of a loop behind `n` or `n + 1`."""
    record = frame.term(term)
    while record.op == "bin" and record.name == "+" and frame.term(record.args[1]).op == "const":
        record = frame.term(record.args[0])
    return record if record.op == "loop" and len(record.args) == 1 else None


def _raised_by(frame: Frame, variable: Term) -> float | None:
    """What a round adds to a variable; None where it may do something else to it."""
    before = variable.args[0]
    ends = {
        term.args[1]
        for term in frame.facts.terms
        if term.op == "loop" and term.name == variable.name and len(term.args) == 2 and term.args[0] == before
    }
    if len(ends) != 1:
        return None
    record, raised = frame.term(ends.pop()), 0.0
    while record.op == "bin" and record.name == "+":
        added = frame.term(record.args[1]).value
        if isinstance(added, bool) or not isinstance(added, (int, float)):
            return None
        raised += added
        record = frame.term(record.args[0])
    return raised if record is variable and raised > 0 else None


def _changes(frame: Frame, term: int) -> bool:
    return frame.term(term).op == "loop"
