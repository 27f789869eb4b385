"""Source newer than the running Python's grammar, spelled so that its `ast` can read it, line for line."""

from __future__ import annotations

from typing import Any, TypeVar

import libcst as cst

MAX_NESTED_STRINGS = 20
"""f-strings in fields of f-strings: each level is parsed again."""

_EMPTY = cst.Module([])
Definition = TypeVar("Definition", cst.FunctionDef, cst.ClassDef)


class _TooNestedError(Exception):
    """f-strings are nested past the limit."""


class _OlderSpelling(cst.CSTTransformer):
    """Replaces new syntax by old syntax that names, calls and binds the same."""

    def __init__(self, level: int = 0) -> None:
        super().__init__()
        if level > MAX_NESTED_STRINGS:
            raise _TooNestedError
        self.level = level

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802, ARG002
        """Fields are spelled anew on leaving."""
        return False

    def leave_FormattedString(  # noqa: N802
        self,
        original_node: cst.FormattedString,
        updated_node: cst.FormattedString,  # noqa: ARG002
    ) -> cst.BaseExpression:
        """`f"{a} {b}"` becomes `(a,b,)`."""
        return self._as_tuple(original_node)

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:  # noqa: N802, ARG002
        """Fields are spelled anew on leaving."""
        return False

    def leave_ConcatenatedString(  # noqa: N802
        self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
    ) -> cst.BaseExpression:
        """Adjacent f-strings become one tuple; plain strings stay."""
        return self._as_tuple(original_node) if _fields(original_node) else updated_node

    def leave_TypeAlias(  # noqa: N802
        self,
        original_node: cst.TypeAlias,  # noqa: ARG002
        updated_node: cst.TypeAlias,
    ) -> cst.Assign:
        """`type X = Y` becomes `X = Y`."""
        return cst.Assign([cst.AssignTarget(updated_node.name)], updated_node.value)

    def leave_FunctionDef(  # noqa: N802
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        """`def f[T]()` becomes `def f()`."""
        return _without_type_parameters(original_node, updated_node)

    def leave_ClassDef(  # noqa: N802
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        """`class C[T]:` becomes `class C:`."""
        return _without_type_parameters(original_node, updated_node)

    def leave_ExceptHandler(  # noqa: N802
        self,
        original_node: cst.ExceptHandler,  # noqa: ARG002
        updated_node: cst.ExceptHandler,
    ) -> cst.ExceptHandler:
        """`except A, B:` becomes `except (A, B):`."""
        kinds = updated_node.type
        if not isinstance(kinds, cst.Tuple) or kinds.lpar:
            return updated_node
        grouped = kinds.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return updated_node.with_changes(type=grouped)

    def leave_TryStar(  # noqa: N802
        self,
        original_node: cst.TryStar,  # noqa: ARG002
        updated_node: cst.TryStar,
    ) -> cst.Try:
        """`except* A:` becomes `except A:`."""
        handlers = [
            cst.ExceptHandler(handler.body, handler.type, handler.name, handler.leading_lines)
            for handler in updated_node.handlers
        ]
        blocks = (updated_node.orelse, updated_node.finalbody)
        return cst.Try(updated_node.body, handlers, *blocks, updated_node.leading_lines)

    def _as_tuple(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """A tuple of a string's replacement fields, on as many lines as the string."""
        inner = "".join(f"{self._code(field)}," for field in _fields(node))
        missing = _EMPTY.code_for_node(node).count("\n") - inner.count("\n")
        return cst.parse_expression(f"({inner}{chr(10) * missing})")

    def _code(self, field: cst.BaseExpression) -> str:
        older = field.visit(_OlderSpelling(self.level + 1))
        return _EMPTY.code_for_node(older) if isinstance(older, cst.CSTNode) else ""


def older_spelling(text: str) -> str | None:
    """The text without syntax that only newer Pythons know, line for line; None where libcst cannot read it
    either.

    f-strings become tuples of the expressions in them, `type X = Y` becomes `X = Y`, type parameters vanish.
    """
    try:
        return cst.parse_module(text).visit(_OlderSpelling()).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, _TooNestedError):
        return None


def _fields(node: object) -> list[cst.BaseExpression]:
    """The expressions in the replacement fields of f-strings, those of format specifications included."""
    if isinstance(node, cst.ConcatenatedString):
        return [*_fields(node.left), *_fields(node.right)]
    found: list[cst.BaseExpression] = []
    for part in node.parts if isinstance(node, cst.FormattedString) else ():
        if isinstance(part, cst.FormattedStringExpression):
            found.append(part.expression)
            nested = (
                each for each in part.format_spec or () if isinstance(each, cst.FormattedStringExpression)
            )
            found.extend(each.expression for each in nested)
    return found


def _without_type_parameters(original: Definition, updated: Definition) -> Definition:
    parameters: Any = original.type_parameters
    if parameters is None:
        return updated
    breaks = _EMPTY.code_for_node(parameters).count("\n")
    gap = cst.SimpleWhitespace("\\\n" * breaks)
    return updated.with_changes(type_parameters=None, whitespace_after_name=gap)
