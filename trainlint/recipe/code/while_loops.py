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
        tests = [(each, _GOES_ON) for each in _all_of(frame, loop.source)]
    for test, wanted in tests:
        found = _compared(seen, frame, frame.term(test), wanted)
        if found is not None:
            return found
    return None


def counts_inner_rounds(frame: Frame, loop: Loop) -> bool:
    """Whether the counter that a `while` loop tests is raised in a loop within: it counts batches."""
    for test in _all_of(frame, loop.source):
        for side in frame.term(test).args if frame.term(test).op == "cmp" else ():
            variable = _counter(frame, side)
            end = _end_of_round(frame, variable) if variable is not None else None
            if variable is not None and end is not None and _inner(frame, variable, end) is not None:
                return True
    return False


def _all_of(frame: Frame, test: int) -> list[int]:
    """The parts of a test that must all hold: `n < total and not done`."""
    record = frame.term(test)
    if record.op != "bool" or record.name != "and":
        return [test]
    return [part for side in record.args for part in _all_of(frame, side)]


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
    """What a round adds to a variable, or a round of the loop within that raises it; None where it may do
    something else to it."""
    record = _end_of_round(frame, variable)
    if record is None:
        return None
    inner = _inner(frame, variable, record)
    if inner is not None:
        variable, record = inner, frame.term(record.args[1])
    raised = 0.0
    while record.op == "bin" and record.name == "+":
        added = frame.term(record.args[1]).value
        if isinstance(added, bool) or not isinstance(added, (int, float)):
            return None
        raised += added
        record = frame.term(record.args[0])
    return raised if record is variable and raised > 0 else None


def _end_of_round(frame: Frame, variable: Term) -> Term | None:
    """What a loop's variable is at the end of a round; None where loops share its start."""
    ends = {
        term.args[1]
        for term in frame.facts.terms
        if term.op == "loop"
        and term.name == variable.name
        and len(term.args) == 2
        and term.args[0] == variable.args[0]
    }
    return frame.term(ends.pop()) if len(ends) == 1 else None


def _inner(frame: Frame, variable: Term, end: Term) -> Term | None:
    """The variable as a round of the loop within starts that alone changes it; None where there is none."""
    if end.op != "loop" or len(end.args) != 2 or frame.term(end.args[0]) is not variable:
        return None
    starts = [each for each in frame.facts.terms if each.op == "loop" and each.args == (end.args[0],)]
    return starts[0] if len(starts) == 1 and starts[0].name == variable.name else None


def _changes(frame: Frame, term: int) -> bool:
    return frame.term(term).op == "loop"
