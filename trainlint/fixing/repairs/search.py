"""Searches over hyper-parameters: logarithmic draws, and a seed for the sampler."""

from __future__ import annotations

import ast
import re

from trainlint.findings import Edit
from trainlint.fixing.making.arguments import set_argument
from trainlint.fixing.making.config_text import insert_entry, replace_scalar, replace_text, wrap_text
from trainlint.fixing.making.ground import Ground, dotted_name
from trainlint.fixing.making.library_names import marked, with_names
from trainlint.fixing.making.syntax import Syntax
from trainlint.knowledge.search_spaces import Range, search_spaces
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.config.scalars import spelled_as_number
from trainlint.recipe.config.sweep_shapes import NNI_KIND
from trainlint.text.document import Node

Edits = list[Edit]

_ARGUMENT = re.compile(r"([A-Za-z_]\w*)=([^=].*)")
_KIND = "distribution"


def draw_logarithmically(ground: Ground) -> Edits | None:
    """The range on a logarithmic scale, in the words of its library; None where these do not fit its ends."""
    if not ground.material.is_python(ground.path):
        return _in_sweep(ground)
    syntax, call = ground.syntax, ground.call()
    if syntax is None:
        return None
    if call is None:
        return _in_mapping(syntax, ground)
    way = _way(ground, call)
    if way is None:
        return None
    edits: Edits = []
    if way.log_callee:
        if not isinstance(call.func, ast.Attribute):
            return None
        end = syntax.end(call.func)
        edits.append(syntax.edit(end - len(call.func.attr), end, way.log_callee))
    if way.log_argument:
        name, _, value = way.log_argument.partition("=")
        position = way.parameters.index(name) if name in way.parameters else None
        set_ = set_argument(syntax, call, name, value, position)
        return None if set_ is None else [*edits, *set_]
    return edits or None


def _way(ground: Ground, call: ast.Call) -> Range | None:
    """How the called function or method is told a range."""
    known, knowledge = search_spaces(), ground.material.knowledge
    dotted = dotted_name(call.func)
    target = ground.material.index.resolve(ground.path, "", dotted) if dotted else None
    if target is not None and target.kind == "external":
        way = known.functions.get(knowledge.canonical(target.absolute))
        if way is not None:
            return way
    return known.methods.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None


def _in_mapping(syntax: Syntax, ground: Ground) -> Edits | None:
    """A range that is a dict: its distribution, or one that is written in front of its ends."""
    node = syntax.expression(ground.finding.span, ast.expr)
    mapping = node if isinstance(node, ast.Dict) else syntax.parents.get(node) if node is not None else None
    way = search_spaces().mappings[_KIND]
    if not isinstance(mapping, ast.Dict):
        return None
    held = {
        key.value: value
        for key, value in zip(mapping.keys, mapping.values, strict=True)
        if isinstance(key, ast.Constant)
    }
    if len(held) != len(mapping.keys) or not {way.low, way.high} <= held.keys():
        return None
    if _KIND not in held:
        start = syntax.start(next(key for key in mapping.keys if key is not None))
        return [syntax.edit(start, start, f'"{_KIND}": "{way.log_value}", ')]
    written = syntax.written(held[_KIND])
    if written.strip("\"'") not in way.uniform:
        return None
    quote = written[0]
    start = syntax.start(held[_KIND])
    return [syntax.edit(start, start + len(written), f"{quote}{way.log_value}{quote}")]


def _in_sweep(ground: Ground) -> Edits | None:
    """A range of a sweep file."""
    source, entry = ground.material.source(ground.path), ground.material.entry_at(ground.finding.span)
    if source is None or entry is None:
        return None
    drawn = entry.value.get(NNI_KIND)
    if drawn is not None and ground.text("space.tool") == "NNI":
        return replace_text(source, drawn, search_spaces().mappings[NNI_KIND].log_value)
    if ground.text("space.tool") == "Hydra":
        return wrap_text(source, entry.value, "tag(log, ", ")") if _is_bare_interval(entry.value) else None
    way = search_spaces().mappings[_KIND]
    if not ground.path.endswith((".yaml", ".yml")):
        return None
    kind = entry.value.get(_KIND)
    if kind is not None:
        return replace_text(source, kind, way.log_value)
    return insert_entry(source, entry.value, _KIND, way.log_value)


def _is_bare_interval(node: Node) -> bool:
    """Whether Hydra's grammar draws a range and nothing is done to it: `int(…)` is."""
    return node.kind == "scalar" and node.raw.lstrip().startswith("interval")


def seed_sampler(ground: Ground) -> Edits | None:
    """The seed that the finding's hint names, as an argument of the call that sets the search up."""
    syntax, call = ground.syntax, ground.call()
    told = _ARGUMENT.fullmatch(ground.text("search.seeding"))
    if syntax is None or call is None or told is None:
        return None
    tools = search_tools()
    target = ground.material.index.resolve(ground.path, "", dotted_name(call.func) or "()")
    search = tools.searches.get(tools.canonical(ground.material.knowledge.canonical(target.absolute)))
    value = marked(ground.material, told[2])
    if search is None or target.kind != "external" or value is None:
        return None
    if any(keyword.arg == search.many for keyword in call.keywords if search.many):
        return None
    named = with_names(ground.material, syntax, value, syntax.start(call))
    position = _position(search.parameters, told[1])
    set_ = set_argument(syntax, call, told[1], named[0], position) if named is not None else None
    return None if named is None or set_ is None else [*named[1], *set_]


def _position(parameters: tuple[str, ...], name: str) -> int | None:
    """Where a parameter stands before the `*`; None for one that only its keyword reaches."""
    positional = parameters[: parameters.index("*")] if "*" in parameters else parameters
    return positional.index(name) if name in positional else None


def respell_numbers(ground: Ground) -> Edits | None:
    """The number that a finding stands at, and those beside it, in a spelling that PyYAML takes for one."""
    source = ground.material.source(ground.path)
    spans = (ground.finding.span, *(each.span for each in ground.finding.related))
    edits: Edits = []
    for span in spans:
        node = ground.material.node(span)
        text = spelled_as_number(node.raw, "pyyaml") if node is not None else ""
        done = replace_scalar(source, node, text) if source is not None and node is not None else None
        if done is None:
            return None
        edits += done
    return edits
