"""Single nodes as text and data: dotted names, parameters, annotations."""

from __future__ import annotations

import libcst as cst

from trainlint.analysis.facts import Parameter, Scalar


def formal_parameters(params: cst.Parameters) -> list[Parameter]:
    """The formal parameters of a function or lambda, in order."""
    found = [Parameter(p.name.value, "positional-only", p.default is not None) for p in params.posonly_params]
    found += [Parameter(p.name.value, "normal", p.default is not None) for p in params.params]
    if isinstance(params.star_arg, cst.Param):
        found.append(Parameter(params.star_arg.name.value, "star"))
    found += [Parameter(p.name.value, "keyword-only", p.default is not None) for p in params.kwonly_params]
    if params.star_kwarg is not None:
        found.append(Parameter(params.star_kwarg.name.value, "double-star"))
    return found


def dotted_name(node: cst.CSTNode) -> str | None:
    """The text "a.b.c" of a chain of plain names, None for anything else."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    parts.append(node.value)
    return ".".join(reversed(parts))


def item_path(path: str, key: Scalar) -> str:
    """The environment's name for `path[key]` with a constant key."""
    return f"{path}[{key!r}]"


def annotation_text(annotation: cst.Annotation | None) -> str:
    """The source of a simple annotation ("torch.Tensor", "float"), "" for none."""
    if annotation is None:
        return ""
    node = annotation.annotation
    if isinstance(node, cst.SimpleString):
        return node.raw_value
    return dotted_name(node) or type(node).__name__
