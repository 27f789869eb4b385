"""Classes whose fields a command line fills: tyro, simple_parsing, jsonargparse.

Such an object is an instance whose `option` begins the flags of its fields ("--", "--optim."); what a file
lays over the fields stands in its `items`. With `keys` its nested fields have short flags too, as
simple_parsing gives them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.options import Option
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, site_of, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator
    from trainlint.knowledge.base import Entry


class Structures:
    """Makes parsed objects and looks up their fields."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def parsed(
        self, target: Resolved, frame: Frame, index: int, prefix: str = "--", layer: Resolved | None = None
    ) -> Resolved:
        """The object that a command line makes of a class, or of an instance that holds its defaults."""
        site = site_of(frame, index)
        layers = (layer,) if layer is not None else ()
        if target.kind == "class":
            return Resolved("instance", name=target.name, site=site, option=prefix, items=layers)
        if target.kind == "instance":
            return dataclasses.replace(target, option=prefix, items=layers)
        return unknown(f"what is parsed into {target.name or target.kind}")

    def command(self, entry: Entry, frame: Frame, index: int) -> Resolved | None:
        """What a call of kind command returns: an object of the class it is given, a function's result."""
        made = Resolved("object", name=entry.name, frame=frame, term=index)
        arguments = self.evaluator.binder.arguments(made)
        target = arguments.get(entry.fields.get("target", ""))
        default = arguments.get(entry.fields.get("default", ""))
        words = arguments.get(entry.fields.get("args", ""))
        if words is not None and not (words.kind == "const" and words.value is None):
            return unknown(f"{entry.name} reads arguments that the code makes")
        if default is not None and default.kind == "instance":
            target = default
        if target is None:
            return None
        file = arguments.get(entry.fields.get("file", ""))
        if target.kind in ("class", "instance"):
            place = arguments.terms.get(entry.fields.get("file", ""))
            layer = None if file is None else self.evaluator.trees.file_layer(file, "pyyaml", place)
            found = self.parsed(target, frame, index, layer=layer)
            return dataclasses.replace(found, keys=("flat",)) if "file" in entry.fields else found
        return None

    def plain(self, target: Resolved, frame: Frame, index: int) -> Resolved:
        """The object that stands for a class, or for an instance that is given as it is."""
        if target.kind == "instance":
            return target
        site = site_of(frame, index)
        return Resolved("instance", name=target.name, site=site)

    def field(self, base: Resolved, name: str, default: Resolved) -> Resolved:
        """A field of a parsed object, whose default is known: as a file or every launch line gives it."""
        for layer in base.items:
            held = self.evaluator.trees.child(layer, name)
            if held.kind != "absent":
                default = held
        flag = f"{base.option}{name}"
        if default.kind == "instance" and default.option == "":
            return dataclasses.replace(default, option=f"{flag}.", keys=base.keys)
        words = frozenset({name})
        if default.kind in ("function", "class", "module"):
            return default
        spans = [origin.span for origin in default.origins if origin.span is not None]
        default = default.with_origin(Origin(spans[0] if spans else None, f"default of {flag}"))
        spelled = [flag, f"--{name}"] if base.keys else [flag]
        default = dataclasses.replace(default, option=flag, words=default.words | words)
        flags = tuple(dict.fromkeys(each for text in spelled for each in (text, _dashed(text))))
        path, _, qualname = base.name.partition("::")
        kind = "" if isinstance(default.value, str) else "literal"
        return self.evaluator.options.launched(Option(path, qualname, default, flags, kind))


def _dashed(flag: str) -> str:
    """A flag as tyro and click spell it: `--batch-size`."""
    return f"--{flag[2:].replace('_', '-')}"
