"""Seeds: set first thing in a program, or beside the seed of another generator."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.arguments import passed
from trainlint.fixing.making.expressions import parsed_expression
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.imports import head
from trainlint.fixing.making.library_names import marked, with_names
from trainlint.fixing.making.statements import insert_after, insert_before, insert_first
from trainlint.fixing.making.syntax import Syntax
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.versions import is_before

Edits = list[Edit]

_STARTERS = frozenset({"spawn", "Process", "start_processes", "notebook_launcher", "debug_launcher", "Pool"})
"""Calls that start further processes: what the first one seeds does not reach them."""

_SETS_ALL = "2.7"
"""The first TensorFlow and Keras with `keras.utils.set_random_seed`."""


def seed_first(ground: Ground) -> Edits | None:
    """The framework's seeding call where the program begins: in its main guard, else below its imports.

    None where it starts other processes, which would not be seeded, and where it only defines things.
    """
    syntax = ground.material.syntax(ground.finding.program)
    seeding = marked(ground.material, ground.text("repro.seeding"))
    if syntax is None or seeding is None or not syntax.tree.body or _starts_processes(syntax):
        return None
    if _is_too_old(ground, syntax):
        return None
    named = with_names(ground.material, syntax, seeding)
    placed = _placed_first(syntax, named[0]) if named is not None else None
    return None if named is None or placed is None else [*named[1], *placed]


def _starts_processes(syntax: Syntax) -> bool:
    callees = (node.func for node in ast.walk(syntax.tree) if isinstance(node, ast.Call))
    names = (getattr(each, "attr", None) or getattr(each, "id", "") for each in callees)
    return any(name in _STARTERS for name in names)


def _is_too_old(ground: Ground, syntax: Syntax) -> bool:
    """Whether the program is of a TensorFlow or Keras before 2.7, without `utils.set_random_seed`."""
    if not ground.text("repro.seeding").startswith("keras.utils."):
        return False
    versions = ground.material.sources.project.settings.versions
    if any(is_before(versions[name], _SETS_ALL) for name in ("tensorflow", "keras") if name in versions):
        return True
    words = program_words("before-set-random-seed")
    parts = {node.attr for node in ast.walk(syntax.tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
            "keras",
            "tensorflow",
        ):
            parts |= {*str(node.module).split("."), *(alias.name for alias in node.names)}
    return any(part.lower() in words for part in parts)


def _placed_first(syntax: Syntax, text: str) -> Edits | None:
    guard = _main_guard(syntax)
    if guard is not None:
        return insert_first(syntax, guard.body, text)
    above, body = head(syntax), syntax.tree.body
    if all(_only_defines(statement) for statement in body[len(above) :]):
        # A module that others run: whatever imports it would be seeded, too.
        return None
    following = body[len(above)]
    if not above:
        return insert_before(syntax, following, text)
    if isinstance(following, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or _below_comment(
        syntax, following
    ):
        return insert_after(syntax, above[-1], f"\n{text}")
    return insert_before(syntax, following, text)


def _below_comment(syntax: Syntax, statement: ast.stmt) -> bool:
    line, _ = syntax.source.position(syntax.start(statement))
    return line > 1 and bool(syntax.source.lines[line - 2].strip())


def _main_guard(syntax: Syntax) -> ast.If | None:
    """`if __name__ == "__main__":`, where all that is done outside of it is to define things."""
    guard: ast.If | None = None
    for statement in syntax.tree.body[len(head(syntax)) :]:
        if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
            guard = guard or statement
        elif not _only_defines(statement):
            return None
    return guard


def _only_defines(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return True
    return not any(isinstance(node, ast.Call) for node in ast.walk(statement))


def seed_beside(ground: Ground) -> Edits | None:
    """The framework's seeding call below that of another generator, with the same number.

    None where it is not certain that the other one is reached before the model is built.
    """
    span, call = ground.place("repro.partial"), ground.call("repro.partial")
    syntax = ground.material.syntax(span.path) if span is not None else None
    seeding = marked(ground.material, ground.text("repro.seeding"))
    if syntax is None or call is None or seeding is None or not seeding.endswith("(0)"):
        return None
    number, statement = passed(call, "seed", 0), syntax.parents.get(call)
    if not isinstance(statement, ast.Expr) or not isinstance(number, ast.Name | ast.Attribute | ast.Constant):
        return None
    if _is_too_old(ground, syntax) or not _is_start_of_program(syntax, statement):
        return None
    if parsed_expression(syntax.written(number)) is None:
        return None
    text = f"{seeding.removesuffix('(0)')}({syntax.written(number)})"
    above = syntax.start(statement)
    named = with_names(ground.material, syntax, text, above)
    placed = insert_after(syntax, statement, named[0]) if named is not None else None
    return None if named is None or placed is None else [*named[1], *placed]


def _is_start_of_program(syntax: Syntax, statement: ast.stmt) -> bool:
    """Whether it stands in a module's body, or in a function that is there to seed or to start."""
    functions = [
        each.name
        for each in syntax.around(statement)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    if any(isinstance(each, ast.For | ast.While | ast.ClassDef) for each in syntax.around(statement)):
        return False
    return not functions or (len(functions) == 1 and ("seed" in functions[0] or functions[0] == "main"))
