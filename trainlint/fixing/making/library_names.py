"""Names of libraries in the text of a fix, written as the file's own imports have them."""

from __future__ import annotations

import ast
import re

from trainlint.findings import Edit
from trainlint.fixing.making.expressions import parsed_expression, put
from trainlint.fixing.making.ground import Material, dotted_name
from trainlint.fixing.making.imports import add_import, binds, imported_packages, name_in
from trainlint.fixing.making.syntax import Syntax

_MARK = re.compile(r"(?<![\w.)\]])@([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")


def with_names(
    material: Material, syntax: Syntax, text: str, before: int | None = None
) -> tuple[str, list[Edit]] | None:
    """The text with every `@dotted.name` as the file writes it, and the edits that import what is missing.

    The text is for the offset `before`: imports above it count; without one, those at the head of the file.
    None where a name cannot be imported: something of the file has the name already.
    """
    added: dict[str, Edit] = {}
    for absolute in dict.fromkeys(_MARK.findall(text)):
        known = (name_in(syntax, name, before) for name in material.knowledge.spellings(absolute))
        written = next((name for name in known if name is not None), None)
        if written is None:
            package, _, rest = _likeliest(material, syntax, absolute).partition(".")
            local = _customary(material, package)
            line = f"import {package}" if local == package else f"import {package} as {local}"
            edits = add_import(syntax, line) if not binds(syntax, local) else None
            if edits is None:
                return None
            added[line] = edits[0]
            written = f"{local}.{rest}"
        text = re.sub(rf"@{re.escape(absolute)}(?![\w.])", written, text)
    return text, list(added.values())


def put_named(material: Material, syntax: Syntax, node: ast.expr, text: str) -> list[Edit] | None:
    """Edits that put an expression with marked names in a node's place.

    None where a name cannot be imported, and for no text or one of several lines.
    """
    named = with_names(material, syntax, text, syntax.start(node)) if text and "\n" not in text else None
    if named is None:
        return None
    edits = put(syntax, node, named[0])
    return None if edits is None else [*named[1], *edits]


def _likeliest(material: Material, syntax: Syntax, absolute: str) -> str:
    """The name of a package that the file imports from already, if there is one: `tensorflow.keras`."""
    names = material.knowledge.spellings(absolute)
    used = imported_packages(syntax)
    return next((name for name in names if name.partition(".")[0] in used), absolute)


def _customary(material: Material, package: str) -> str:
    """The short name that people give to a package: np for numpy."""
    conventions = material.knowledge.conventions
    return next((short for short, name in conventions.items() if name == package), package)


def marked(material: Material, text: str) -> str | None:
    """A hint's code with its names of libraries marked: `np.random.seed(0)` is `@numpy.random.seed(0)`.

    None where it is no expression.
    """
    tree = parsed_expression(text)
    if tree is None:
        return None
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {
        dotted_name(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node not in inner and dotted_name(node)
    }
    for name in sorted(names, key=len, reverse=True):
        head, dot, rest = name.partition(".")
        absolute = material.knowledge.conventions.get(head, head) + dot + rest
        text = re.sub(rf"(?<![\w.@]){re.escape(name)}(?![\w.])", f"@{absolute}", text)
    return text
