"""Whether a project fixes the release of the framework it trains with."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.checks.project import ProjectView
from trainlint.discovery.requirements import Requirement
from trainlint.knowledge.distributions import distributions
from trainlint.recipe.model import Hit, Link, Recipe, State, Value


def unpinned_dependencies(project: ProjectView) -> Iterator[Hit]:
    """At most one hit: a requirement by which a training program gets any later release of its framework.

    Nothing where every run is a demonstration, or where the project is made for others to install.
    """
    for recipe in project.recipes:
        if recipe.kind != "program" or not _trains(recipe):
            continue
        framework = recipe.get("meta.framework").value
        names = distributions(framework) if isinstance(framework, str) else ()
        found = project.dependencies.unpinned(names, recipe.entry)
        if found is None:
            continue
        folder = found.span.path.rpartition("/")[0]
        if not _within(folder, project.dependencies.published):
            yield _hit(found, recipe, packaged=_within(folder, project.dependencies.packaged))
            return


def _trains(recipe: Recipe) -> bool:
    toy, trains = recipe.get("meta.toy"), recipe.get("meta.trains")
    return trains.value is True and not (toy.known and toy.value is True)


def _within(folder: str, folders: frozenset[str]) -> bool:
    return any(not each or folder == each or folder.startswith(each + "/") for each in folders)


def _hit(found: Requirement, recipe: Recipe, *, packaged: bool) -> Hit:
    facts = {
        "requirement": Value(found.written, State.EXPLICIT, span=found.span),
        "distribution": Value(found.name, State.EXPLICIT, span=found.span),
        "packaged": Value(packaged, State.DERIVED, span=found.span),
    }
    related = (Link(recipe.span, "trains with it"),)
    return Hit(found.span, facts, related, program=recipe.entry, evidence=found.name)
