"""Options that decorators declare: `@click.option("--lr", default=0.1)` gives the function's parameter `lr`.

https://click.palletsprojects.com/en/stable/options/#naming-your-options
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.conversions import CONVERSIONS, convert
from trainlint.analysis.evaluation.options import Option
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_DECORATOR = "option-decorator"
_TYPES = {
    "click.INT": "builtins.int", "click.FLOAT": "builtins.float", "click.BOOL": "builtins.bool",
    "click.IntRange": "builtins.int", "click.FloatRange": "builtins.float",
}  # fmt: skip
_Place = tuple[Frame, int]


class ClickOptions:
    """The parameters that the decorators of a function fill."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._declared: dict[tuple[str, str], dict[str, _Place]] = {}

    def parameter(self, frame: Frame, name: str) -> Resolved | None:
        """What a parameter is without a flag; None for functions that no option decorates."""
        declared = self.declared(frame)
        if not declared:
            return None
        if name in declared:
            return self._option(name, *declared[name])
        param = next((each for each in frame.facts.params if each.name == name), None)
        if param is not None and param.kind == "double-star":
            named = {each.name for each in frame.facts.params}
            rest = {key: self._option(key, *place) for key, place in declared.items() if key not in named}
            return Resolved("mapping", entries=rest)
        return None

    def declared(self, frame: Frame) -> dict[str, _Place]:
        """The declaring calls of a unit's decorators, by the parameter they fill."""
        key = (frame.facts.path, frame.facts.qualname)
        if key not in self._declared:
            self._declared[key] = {}
            root = self.evaluator.root(*key)
            found = {} if root is None else dict(self._collect(root))
            self._declared[key] = {name: place for name, place in found.items() if name}
        return self._declared[key]

    def _collect(self, frame: Frame) -> Iterator[tuple[str, _Place]]:
        # Where a name comes twice, the upper decorator wins: it is applied last.
        for term in reversed(frame.facts.decorators):
            record = frame.term(term)
            if record.op == "call":
                for argument in record.args[1:]:
                    yield from self._declarations(self.evaluator.value(frame, argument))
            yield from self._declarations(self.evaluator.value(frame, term))

    def _declarations(self, value: Resolved) -> Iterator[tuple[str, _Place]]:
        """The options that a decorator adds: itself, those of a list, those a project's decorator applies."""
        for leaf in value.alternatives():
            if leaf.kind == "sequence":
                for item in leaf.items:
                    yield from self._declarations(item)
            elif leaf.kind == "object" and leaf.frame is not None and self._declares(leaf.name):
                yield _parameter_name(_texts(leaf.frame, leaf.term)), (leaf.frame, leaf.term)
            elif leaf.kind == "function":
                path, _, qualname = leaf.name.partition("::")
                owner = leaf.frame or self.evaluator.root(path, qualname)
                if owner is not None:
                    yield from self._applied(owner)

    def _applied(self, frame: Frame) -> Iterator[tuple[str, _Place]]:
        for event in frame.facts.events:
            if event.kind == "call":
                callee = self.evaluator.value(frame, frame.term(event.term).args[0])
                if callee.kind == "external" and self._declares(callee.name):
                    yield _parameter_name(_texts(frame, event.term)), (frame, event.term)

    def _declares(self, name: str) -> bool:
        entry = self.evaluator.entry(name)
        return entry is not None and entry.kind == _DECORATOR

    def _option(self, name: str, frame: Frame, index: int) -> Resolved:
        texts = _texts(frame, index)
        flags = tuple(part for text in texts for part in text.split("/") if part.startswith("-"))
        flag = next((each for each in flags if each.startswith("--")), flags[0] if flags else name)
        default, kind = self._default(frame, index, flag, texts)
        words = default.words | {name}
        default = dataclasses.replace(default, option=flag, words=words)
        default = default.with_origin(Origin(frame.span(index), f"default of {flag}"))
        place = (frame.facts.path, frame.facts.qualname)
        return self.evaluator.options.launched(Option(*place, default, flags, kind or "literal"))

    def _default(self, frame: Frame, index: int, flag: str, texts: Sequence[str]) -> tuple[Resolved, str]:
        """The default and the conversion a flag's text passes through ("" where none is named)."""
        made = Resolved("object", name="click.option", frame=frame, term=index)
        given = self.evaluator.binder.arguments(made)
        kind = given.get("type")
        converter = "" if kind is None else _TYPES.get(kind.name, kind.name)
        default = given.get("default")
        if default is not None:
            if default.kind in ("function", "class", "external"):
                return unknown(f"the default of {flag} is computed by {default.name}"), converter
            known = converter in CONVERSIONS and default.kind == "const" and default.value is not None
            return (convert(CONVERSIONS[converter], default) if known else default), converter
        needed = any(
            (value := given.get(key)) is not None and value.value not in (False, None)
            for key in ("required", "prompt")
        )
        if needed or not given.complete or not flag.startswith("-"):
            return unknown(f"option {flag} has no default"), converter
        switch = given.get("is_flag")
        if any("/" in text for text in texts) or (switch is not None and switch.value is True):
            return Resolved("const", value=False), converter
        return Resolved("const", value=None), converter


def _texts(frame: Frame, index: int) -> list[str]:
    record = frame.term(index)
    given = zip(record.keys, record.args[1:], strict=True)
    texts = [frame.term(argument).value for key, argument in given if key == ""]
    return [text for text in texts if isinstance(text, str)]


def _parameter_name(texts: Sequence[str]) -> str:
    """The parameter that a declaration fills: the bare name, else the first flag with most dashes."""
    plain = [text for text in texts if text.isidentifier()]
    if plain:
        return plain[-1] if len(texts) > 1 else plain[-1].lower()
    flags = sorted(texts, key=lambda text: -len(text) + len(text.lstrip("-")))
    return re.sub(r"\W", "_", flags[0].partition("/")[0].strip().lstrip("-")).lower() if flags else ""
