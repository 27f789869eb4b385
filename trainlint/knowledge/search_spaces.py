"""How search libraries are told the range of a hyper-parameter."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class Range(msgspec.Struct, frozen=True):
    """One way to say a range: the names of the arguments, in order, and what they mean.

    `package` must be imported for a method of this name to count. The same range is drawn on a logarithmic
    scale by the callable `log_callee` of the same package or object, with `log_argument`, or by a mapping
    whose distribution is `log_value`. `scales` tells the scale of each kind of range, `stepped` which of them
    draw multiples of a step, `ends` the key of a list of both ends.
    """

    tool: str
    parameters: tuple[str, ...] = ()
    name: str = "name"
    low: str = "low"
    high: str = "high"
    log: str = ""
    step: str = ""
    sampling: str = ""
    scale: str = "linear"
    advice: str = ""
    uniform: tuple[str, ...] = ()
    argument: str = ""
    package: str = ""
    log_callee: str = ""
    log_argument: str = ""
    log_value: str = ""
    ends: str = ""
    scales: dict[str, str] = {}
    stepped: tuple[str, ...] = ()


class SearchSpaces(msgspec.Struct, frozen=True):
    """`methods` by bare name, `functions` by canonical name, `mappings` by the key that tells the
    distribution, `files` by the tool that reads them, `bounds`: callables that take a mapping from parameter
    to (low, high)."""

    methods: dict[str, Range]
    functions: dict[str, Range]
    mappings: dict[str, Range]
    files: dict[str, Range]
    bounds: dict[str, Range]


@cache
def search_spaces() -> SearchSpaces:
    """The known ways."""
    text = resources.files("trainlint.knowledge").joinpath("search_spaces.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), SearchSpaces)
