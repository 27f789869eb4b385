"""Source newer than the running Python's grammar, spelled so that its `ast` can read it. Lines stay where they are."""

from __future__ import annotations

from typing import Any

import libcst as cst

_EMPTY = cst.Module([])


class _OlderSpelling(cst.CSTTransformer):
    """Replaces new syntax by old syntax that names, calls and binds the same."""

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802, ARG002
        return False

    def leave_FormattedString(  # noqa: N802
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString  # noqa: ARG002
    ) -> cst.BaseExpression:
        return _as_tuple(original_node)

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:  # noqa: N802, ARG002
        return False

    def leave_ConcatenatedString(  # noqa: N802
        self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
    ) -> cst.BaseExpression:
        return _as_tuple(original_node) if _fields(original_node) else updated_node

    def leave_TypeAlias(self, original_node: Any, updated_node: Any) -> cst.Assign:  # noqa: N802, ARG002
        return cst.Assign([cst.AssignTarget(updated_node.name)], updated_node.value)

    def leave_FunctionDef(  # noqa: N802
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        return _without_type_parameters(original_node, updated_node)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:  # noqa: N802
        return _without_type_parameters(original_node, updated_node)

    def leave_ExceptHandler(  # noqa: N802
        self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler  # noqa: ARG002
    ) -> cst.ExceptHandler:
        kinds = updated_node.type
        if not isinstance(kinds, cst.Tuple) or kinds.lpar:
            return updated_node
        return updated_node.with_changes(type=kinds.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))

    def leave_TryStar(self, original_node: cst.TryStar, updated_node: cst.TryStar) -> cst.Try:  # noqa: N802, ARG002
        handlers = [
            cst.ExceptHandler(handler.body, handler.type, handler.name, handler.leading_lines)
            for handler in updated_node.handlers
        ]
        return cst.Try(
            updated_node.body, handlers, updated_node.orelse, updated_node.finalbody, updated_node.leading_lines
        )


def older_spelling(text: str) -> str | None:
    """The text without syntax that only newer Pythons know, line for line; None where libcst cannot read it either.

    f-strings become tuples of the expressions in them, `type X = Y` becomes `X = Y`, type parameters vanish.
    """
    try:
        return cst.parse_module(text).visit(_OlderSpelling()).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return None


def _fields(node: Any) -> list[cst.BaseExpression]:
    """The expressions in the replacement fields of f-strings, format specifications included."""
    if isinstance(node, cst.ConcatenatedString):
        return [*_fields(node.left), *_fields(node.right)]
    found: list[cst.BaseExpression] = []
    for part in getattr(node, "parts", ()):
        if isinstance(part, cst.FormattedStringExpression):
            found.append(part.expression)
            for nested in part.format_spec or ():
                if isinstance(nested, cst.FormattedStringExpression):
                    found.append(nested.expression)
    return found


def _as_tuple(node: cst.BaseExpression) -> cst.BaseExpression:
    """A tuple of a string's replacement fields, on as many lines as the string."""
    codes = [_EMPTY.code_for_node(field.visit(_OlderSpelling())) for field in _fields(node)]  # type: ignore[arg-type]
    inner = "".join(f"{code}," for code in codes)
    missing = _EMPTY.code_for_node(node).count("\n") - inner.count("\n")
    return cst.parse_expression(f"({inner}{chr(10) * missing})")


def _without_type_parameters(original: Any, updated: Any) -> Any:
    parameters = original.type_parameters
    if parameters is None:
        return updated
    breaks = _EMPTY.code_for_node(parameters).count("\n")
    return updated.with_changes(type_parameters=None, whitespace_after_name=cst.SimpleWhitespace("\\\n" * breaks))
