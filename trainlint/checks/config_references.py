"""Judging what a config is based on: files that are not there, and circles."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from trainlint.checks.project import ProjectView
from trainlint.knowledge.shipped_bases import is_shipped
from trainlint.recipe.config.composition.compose import Problem
from trainlint.recipe.model import Hit, Link, State, Value

_MOST_SHOWN = 20


def unresolved_reference(project: ProjectView) -> Iterator[Hit]:
    """A hit for every base that leads nowhere, or in a circle, at the first place that names it.

    None for those that a package ships: the project's configs are laid over a checkout of it.
    """
    named: dict[tuple[str, str], list[Problem]] = {}
    for config in sorted(project.configs, key=lambda config: config.path):
        if config.composed is None or not config.recognition.recognised:
            continue
        for problem in config.composed.problems:
            if problem.kind == "cycle" or not is_shipped(problem.target):
                named.setdefault(_cause(problem), []).append(problem)
    for problems in named.values():
        yield _hit(problems)


def _cause(problem: Problem) -> tuple[str, str]:
    """One missing base is one cause, whoever names it; a circle is one for each place it is entered at."""
    return (
        problem.kind,
        problem.target if problem.kind == "missing" else f"{problem.span.path} {problem.target}",
    )


def _hit(problems: Sequence[Problem]) -> Hit:
    problem = problems[0]
    at = problem.span
    others = dict.fromkeys(each.span for each in problems if each.span != at)
    facts = {
        "target": Value(problem.target, State.DERIVED, span=at),
        "cycle": Value(problem.kind == "cycle", State.DERIVED, span=at),
        "suggestion": Value(problem.near, State.DERIVED, span=at)
        if problem.near
        else Value(None, State.OFF, span=at),
    }
    facts["others"] = Value(len(others), State.DERIVED, span=at)
    links = (*problem.chain, *(Link(span, "named here too") for span in others))
    return Hit(
        at, facts, links[:_MOST_SHOWN], evidence=f"{problem.kind} {posixpath.basename(problem.target)}"
    )
