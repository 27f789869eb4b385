"""What method calls evaluate to: the same object, what texts and mappings give, parsed options."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved, join, site_of, unknown
from trainlint.analysis.facts import Term

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_SAME_OBJECT = frozenset(
    "to cuda cpu xpu float half double bfloat16 train eval requires_grad_ share_memory compile copy".split()
)
_SET_UP = frozenset({"setup", "setup_module", "setup_optimizers", "setup_dataloaders"})
_TEXT_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower, "upper": str.upper, "strip": str.strip, "casefold": str.casefold,
}  # fmt: skip


class MethodCalls:
    """The part of the evaluator that knows calls of methods."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def value(self, frame: Frame, index: int, term: Term, record: Term) -> Resolved:
        """What a method call gives; `record` is the term of its callee."""
        base = self.evaluator.value(frame, record.args[0])
        name = record.name
        if base.kind in ("object", "instance", "part", "const") and name in _SAME_OBJECT:
            return base
        if name in _TEXT_METHODS and len(term.args) == 1 and base.kind in ("const", "choice"):
            return self._text(base, _TEXT_METHODS[name])
        if name in ("parse_args", "parse_known_args") and base.kind in ("object", "choice", "instance"):
            space = Resolved("namespace", name="options", site=base.site)
            return (
                space
                if name == "parse_args"
                else Resolved("sequence", items=(space, unknown("other arguments")))
            )
        known = self._known_method(base, name, frame, index) or self._split(base, frame, term, name)
        if known is not None:
            return known
        if len(term.args) > 1 and (name == "prepare" or self._sets_up(base, name)):
            values = tuple(self.evaluator.value(frame, arg) for arg in term.args[1:])
            return values[0] if len(values) == 1 else Resolved("sequence", items=values)
        held = base.kind == "mapping" or self.evaluator.trees.has(base)
        if name in ("get", "pop") and len(term.args) > 1 and held:
            return self._get(base, [self.evaluator.value(frame, arg) for arg in term.args[1:]])
        if name in ("copy", "items", "values", "keys") and base.kind in ("mapping", "config"):
            return base if name == "copy" else unknown(f".{name}() of a mapping")
        words = base.words
        if base.kind in ("object", "instance", "part"):
            made = f"{base.name}.{name}" if base.kind == "object" else f".{name}"
            return Resolved(
                "object",
                name=made,
                site=site_of(frame, index),
                frame=frame,
                term=index,
                items=(base,),
                words=words,
            )
        return unknown(base.name or f".{name}() of a {base.kind}", words)

    @staticmethod
    def _sets_up(base: Resolved, name: str) -> bool:
        """Whether a method is Fabric's, which gives back what it gets, made ready for its devices."""
        return name in _SET_UP and base.kind == "object" and base.name.endswith(".Fabric")

    def _text(self, base: Resolved, function: Callable[[str], str]) -> Resolved:
        """What a method of texts makes of each text that a value may be; of nothing, it fails."""
        if base.kind != "choice":
            known = base.kind == "const" and isinstance(base.value, str)
            return dataclasses.replace(base, value=function(str(base.value))) if known else unknown("no text")
        texts = [each for each in base.items if not (each.kind == "const" and each.value is None)]
        return join([self._text(each, function) for each in texts], base.condition, base.option)

    def _split(self, base: Resolved, frame: Frame, term: Term, name: str) -> Resolved | None:
        """The words of a known text: `"30,60".split(",")`."""
        if base.kind != "const" or not isinstance(base.value, str) or name != "split" or len(term.args) > 2:
            return None
        separator = self.evaluator.value(frame, term.args[1]).value if len(term.args) == 2 else None
        if len(term.args) == 2 and not (isinstance(separator, str) and separator):
            return None
        words = base.value.split(separator if isinstance(separator, str) else None)
        items = tuple(dataclasses.replace(base, value=word) for word in words)
        return Resolved("sequence", items=items, option=base.option)

    def _known_method(self, base: Resolved, name: str, frame: Frame, index: int) -> Resolved | None:
        """A method that copies a tree of settings."""
        if base.kind == "overlay" or self.evaluator.trees.entry(base) is not None:
            method = self.evaluator.knowledge.method(name, receiver="config-tree")
            if method is not None and method.effect == "copy-config":
                return Resolved("overlay", items=(base,), site=site_of(frame, index))
        return None

    def _get(self, base: Resolved, values: Sequence[Resolved]) -> Resolved:
        key = values[0]
        fallback = values[1] if len(values) > 1 else Resolved("const", value=None)
        if key.kind != "const" or not isinstance(key.value, str):
            return unknown("a key that is not constant")
        if base.kind == "config":
            found = self.evaluator.attribute(base, key.value)
            return fallback if found.kind == "absent" else found
        if base.kind == "namespace":
            return self.evaluator.options.option(base, key.value)
        if base.kind != "mapping":
            missing = self.evaluator.trees.child(base, key.value).kind == "absent"
            found = self.evaluator.attribute(base, key.value)
            return fallback if missing and found.kind == "unknown" else found
        if key.value in base.entries:
            return base.entries[key.value]
        return fallback if base.complete else unknown(f"key {key.value}")
