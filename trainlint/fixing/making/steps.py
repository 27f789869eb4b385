"""The steps of a page's fix as edits: one function for each verb."""

from __future__ import annotations

import ast
from collections.abc import Callable

from trainlint.findings import Edit, Span
from trainlint.fixing.making.arguments import passed, set_argument
from trainlint.fixing.making.config_text import replace_scalar
from trainlint.fixing.making.expressions import put
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.library_names import with_names
from trainlint.fixing.making.statements import delete, insert_after, insert_before
from trainlint.fixing.making.syntax import Syntax
from trainlint.knowledge.compiled_form import Entry
from trainlint.rulebook.rule import EditSpec
from trainlint.rulebook.wording import Part, Place, parse_template

Edits = list[Edit]


def edits_of(step: EditSpec, ground: Ground) -> Edits | None:
    """The edits of one step; None where they are not certain."""
    span = ground.place(step.at)
    text = filled(step.text, ground)
    if span is None or text is None:
        return None
    if step.verb == "replace-scalar":
        return _replace_scalar(ground, span, text)
    syntax = ground.material.syntax(span.path)
    if syntax is None:
        return None
    named = with_names(ground.material, syntax, text, syntax.source.offset(span.line, span.column))
    if named is None:
        return None
    made = _VERBS[step.verb](ground, syntax, span, step, named[0])
    return None if made is None else [*named[1], *made]


def filled(template: str, ground: Ground) -> str | None:
    """A text of code with the values of its `{paths}`; None where one is not known."""
    parts: list[str] = []
    for piece in parse_template(template):
        if isinstance(piece, Part):
            return None
        if isinstance(piece, Place):
            value = ground.facts.get(str(piece))
            if value is None or not value.known:
                return None
            parts.append(value.value if isinstance(value.value, str) else repr(value.value))
        else:
            parts.append(piece)
    return "".join(parts)


def _replace_scalar(ground: Ground, span: Span, text: str) -> Edits | None:
    source, node = ground.material.source(span.path), ground.material.node(span)
    return replace_scalar(source, node, text) if source is not None and node is not None else None


def _set_argument(ground: Ground, syntax: Syntax, span: Span, step: EditSpec, value: str) -> Edits | None:
    call = syntax.expression(span, ast.Call)
    entry = ground.entry(span.path, call) if call is not None else None
    if call is None or entry is None:
        return None
    position = position_of(entry, step.name)
    if position is None or any(other_passed(entry, call, name) for name in step.unless):
        return None
    if step.unless and any(keyword.arg is None for keyword in call.keywords):
        return None
    if any(entry.renamed.get(keyword.arg or "") == step.name for keyword in call.keywords):
        return None
    return set_argument(syntax, call, step.name, value, position if position >= 0 else None)


def position_of(entry: Entry, name: str) -> int | None:
    """A parameter's place among the positional ones, -1 where only its keyword reaches it; None: no such."""
    for place, param in enumerate(entry.params):
        if param.name == name and param.kind in ("normal", "keyword-only"):
            return place if param.kind == "normal" else -1
    return None


def other_passed(entry: Entry, call: ast.Call, name: str) -> bool:
    """Whether a call may pass an argument; a None or False that is written out is none."""
    position = position_of(entry, name)
    given = passed(call, name, position if position is not None and position >= 0 else None)
    return given is not None and not (isinstance(given, ast.Constant) and given.value in (None, False))


def _replace(_: Ground, syntax: Syntax, span: Span, step: EditSpec, text: str) -> Edits | None:
    node = syntax.expression(span, ast.expr)
    return put(syntax, node, text) if node is not None and step.text else None


def _statement(syntax: Syntax, span: Span) -> ast.stmt | None:
    """The statement a place is in: that which begins there, or that which holds the expression there."""
    beginning = syntax.statement(span)
    node = beginning or syntax.expression(span, ast.expr)
    return syntax.statement_of(node) if node is not None else None


def _insert_before(_: Ground, syntax: Syntax, span: Span, step: EditSpec, text: str) -> Edits | None:
    statement = _statement(syntax, span)
    return insert_before(syntax, statement, text) if statement is not None and step.text else None


def _insert_after(_: Ground, syntax: Syntax, span: Span, step: EditSpec, text: str) -> Edits | None:
    statement = _statement(syntax, span)
    simple = isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign)
    return insert_after(syntax, statement, text) if statement is not None and simple and step.text else None


def _delete_statement(_: Ground, syntax: Syntax, span: Span, step: EditSpec, __: str) -> Edits | None:
    node = syntax.expression(span, ast.expr)
    statement = syntax.parents.get(node) if node is not None else None
    return delete(syntax, statement) if isinstance(statement, ast.Expr) and not step.text else None


_VERBS: dict[str, Callable[[Ground, Syntax, Span, EditSpec, str], Edits | None]] = {
    "set-argument": _set_argument,
    "replace": _replace,
    "insert-before": _insert_before,
    "insert-after": _insert_after,
    "delete-statement": _delete_statement,
}
