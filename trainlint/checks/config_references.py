"""Judging what a config is based on: files that are not there, and circles."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from trainlint.recipe.config.composition.compose import Problem
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.model import Hit, State, Value


def unresolved_reference(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every base that leads nowhere, or in a circle, at the place that names it."""
    if config.composed is None or not config.recognition.recognised:
        return
    seen: set[tuple[str, str]] = set()
    for problem in config.composed.problems:
        if (problem.kind, problem.target) not in seen:
            seen.add((problem.kind, problem.target))
            yield _hit(problem)


def _hit(problem: Problem) -> Hit:
    at = problem.span
    facts = {
        "target": Value(problem.target, State.DERIVED, span=at),
        "cycle": Value(problem.kind == "cycle", State.DERIVED, span=at),
        "suggestion": Value(problem.near, State.DERIVED, span=at)
        if problem.near
        else Value(None, State.OFF, span=at),
    }
    return Hit(at, facts, problem.chain, evidence=f"{problem.kind} {posixpath.basename(problem.target)}")
