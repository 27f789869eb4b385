"""Which files of a project are run, and the config scripts they mean."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.project import ProjectIndex
from trainlint.knowledge.base import Knowledge
from trainlint.knowledge.roles import words_of

_RUN_WORDS = frozenset({"main", "train", "training", "run", "fit"})
"""What the functions are called that a script starts its training with."""


def entry_points(index: ProjectIndex, knowledge: Knowledge) -> list[str]:
    """Files that are run: those with a main guard, and those whose top level itself trains. Sorted by
    path."""
    return sorted(path for path in index.outlines if is_entry(index, path, knowledge))


def is_entry(index: ProjectIndex, path: str, knowledge: Knowledge) -> bool:
    """Whether a file is run: it has a main guard, or its top level itself trains."""
    outline = index.outlines.get(path)
    if outline is None:
        return False
    if outline.main_guard:
        return True
    body = next((unit for unit in outline.units if unit.kind == "module"), None)
    if body is None or _trains_at_top(body.calls, knowledge):
        return body is not None
    plain = {name for name in body.calls if outline.symbols.get(name) == "function"}
    if plain and not plain.isdisjoint(_training_functions(outline, knowledge)):
        return True
    return _runs_commands(index, outline, body.calls, knowledge)


def _runs_commands(index: ProjectIndex, outline: Outline, calls: Sequence[str], knowledge: Knowledge) -> bool:
    """Whether a file's body has a library run functions that train as commands: `fire.Fire(main)`, or `app()`
    after `@app.command()`."""
    makers = frozenset(knowledge.of_kind("options", "command"))
    packages = {name.partition(".")[0] for name in makers}
    if packages.isdisjoint(each.target.partition(".")[0] for each in outline.imports):
        return False
    if any(index.resolve(outline.path, "", call).absolute in makers for call in calls):
        return bool(_training_functions(outline, knowledge))
    registering = knowledge.methods_of("command-group")
    commands = {
        unit.qualname
        for unit in outline.units
        for head, _, last in (decorator.rpartition(".") for decorator in unit.decorators)
        if last in registering and head in calls
    }
    return bool(commands) and not commands.isdisjoint(_training_functions(outline, knowledge))


def _training_functions(outline: Outline, knowledge: Knowledge) -> set[str]:
    """The functions of a file that take gradient steps, themselves or through each other."""
    functions = {
        unit.qualname: unit for unit in outline.units if unit.kind == "function" and "." not in unit.qualname
    }
    found = {
        name for name, unit in functions.items() if any(_takes_step(call, knowledge) for call in unit.calls)
    }
    waiting = list(found)
    while waiting:
        called = waiting.pop()
        callers = {name for name, unit in functions.items() if called in unit.calls} - found
        found |= callers
        waiting += callers
    return found


def _takes_step(call: str, knowledge: Knowledge) -> bool:
    method = knowledge.method(call.rpartition(".")[2])
    return "." in call and method is not None and method.effect in ("backward", "fit", "step", "zero-grad")


def _trains_at_top(calls: Sequence[str], knowledge: Knowledge) -> bool:
    for call in calls:
        if _takes_step(call, knowledge):
            return True
        if _RUN_WORDS & set(words_of(call.rpartition(".")[2])):
            return True
    return False


def config_script(index: ProjectIndex, entry: str, literal: str) -> str:
    """The path of a script with `get_config` that a program's `--config` flag means; "" where that is not
    clear.

    Without a literal it is `configs/default.py` beside the entry, or the only such script there.
    """
    folder = entry.rpartition("/")[0]
    if literal:
        name = posixpath.normpath(literal.partition(":")[0])
        paths = (posixpath.join(folder, name), name)
        return next((path for path in paths if index.unit(path, "get_config") is not None), "")
    configs = posixpath.join(folder, "configs")
    scripts = [
        path
        for path in index.outlines
        if path.rpartition("/")[0] == configs and index.unit(path, "get_config") is not None
    ]
    usual = posixpath.join(configs, "default.py")
    return usual if usual in scripts else (scripts[0] if len(scripts) == 1 else "")
