"""Single nodes as text and data: dotted names, parameters, annotations, what a block or a filter says."""

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


def ends_raising(body: cst.BaseSuite) -> bool:
    """Whether a block ends in `raise`: a run that gets on took the other way, whatever the options say."""
    last = body.body[-1] if body.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    return isinstance(last, cst.Raise)


def every_parameter(params: cst.Parameters) -> list[cst.Param]:
    """The parameters of a function, those with stars last."""
    stars = [extra for extra in (params.star_arg, params.star_kwarg) if isinstance(extra, cst.Param)]
    return [*params.posonly_params, *params.params, *params.kwonly_params, *stars]


def left_out_keys(clause: cst.CompFor) -> tuple[str, ...]:
    """The keys that a comprehension over a dict's items leaves out by name: `if key != "name"`; none where
    it tests something else."""
    target = clause.target
    first = target.elements[0].value if isinstance(target, cst.Tuple) and target.elements else None
    found: list[str] = []
    for each in clause.ifs:
        test = each.test
        if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1 or first is None:
            return ()
        operator, given = test.comparisons[0].operator, test.comparisons[0].comparator
        plain = isinstance(operator, cst.NotEqual) and isinstance(given, cst.SimpleString)
        text = given.evaluated_value if isinstance(given, cst.SimpleString) else None
        if not plain or not isinstance(text, str) or not test.left.deep_equals(first):
            return ()
        found.append(text)
    return tuple(found) if clause.inner_for_in is None else ()
