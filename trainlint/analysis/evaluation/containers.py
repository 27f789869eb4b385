"""Sequences, mappings and their elements: literals, indexing, changes in place, iteration."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.pairs import pair_part
from trainlint.analysis.evaluation.values import (
    MAX_SEQUENCE,
    Frame,
    Resolved,
    describe,
    is_to_be_filled,
    join,
    same,
    site_of,
    unknown,
)
from trainlint.analysis.facts import Term

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator


class Containers:
    """The part of the evaluator that knows containers."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def subscript(self, frame: Frame, _: int, term: Term) -> Resolved:
        """`base[key]`."""
        base = self.evaluator.value(frame, term.args[0])
        key = self.evaluator.value(frame, term.args[1])
        return self.item(base, key, frame)

    def item(self, base: Resolved, key: Resolved, reader: Frame | None = None) -> Resolved:
        """`base[key]`, as code in the reader's unit sees it."""
        if base.kind == "choice":
            return join([self.item(part, key, reader) for part in base.items], base.condition, base.option)
        if key.kind != "const":
            if base.kind == "object":
                return Resolved("part", value=None, items=(base,))
            if base.kind == "mapping" and base.complete and base.entries:
                return join(list(base.entries.values()))
            return unknown("an index that is not constant")
        if base.kind == "config" and isinstance(key.value, int):
            return self.evaluator.configs.get(base, key.value)
        if isinstance(key.value, str) and self.evaluator.trees.has(base) and base.kind != "mapping":
            return self.evaluator.attribute(base, key.value, reader)
        if base.kind == "mapping" and isinstance(key.value, str):
            found = base.entries.get(key.value) or Resolved("absent")
            found = self.evaluator.changes.after(base, key.value, found, reader)
            return unknown(f"key {key.value}", frozenset({key.value})) if found.kind == "absent" else found
        if (
            base.kind == "sequence"
            and isinstance(key.value, int)
            and -len(base.items) <= key.value < len(base.items)
        ):
            return base.items[key.value]
        if base.kind in ("object", "part"):
            return Resolved("part", value=key.value, items=(base,))
        words = frozenset({key.value}) if isinstance(key.value, str) else frozenset()
        return unknown(f"an item of {describe(base)}", words)

    def sequence(self, frame: Frame, index: int, term: Term) -> Resolved:
        """A tuple, list or set as written."""
        if len(term.args) > MAX_SEQUENCE or any(frame.term(arg).op == "star" for arg in term.args):
            return unknown("a long or starred sequence")
        items = tuple(self.evaluator.value(frame, arg) for arg in term.args)
        return Resolved("sequence", items=items, frame=frame, term=index)

    def mapping(self, frame: Frame, index: int, term: Term) -> Resolved:
        """A dict as written."""
        spread = (
            self.evaluator.value(frame, value)
            for key, value in zip(term.args[::2], term.args[1::2], strict=True)
            if frame.term(key).name == "**"
        )
        if any(value.kind != "mapping" and self.evaluator.trees.has(value) for value in spread):
            return self._overlay(frame, term)
        entries: dict[str, Resolved] = {}
        complete = True
        for key_term, value_term in zip(term.args[::2], term.args[1::2], strict=True):
            value = self.evaluator.value(frame, value_term)
            if frame.term(key_term).name == "**":
                entries.update(value.entries)
                complete = complete and value.kind == "mapping" and value.complete
                continue
            key = self.evaluator.value(frame, key_term)
            if key.kind == "const":
                entries[str(key.value)] = value
            else:
                complete = False
        site = site_of(frame, index)
        return Resolved("mapping", entries=entries, complete=complete, site=site)

    def _overlay(self, frame: Frame, term: Term) -> Resolved:
        """A dict as written that takes in what is no dict of known keys: a layer for each of its entries."""
        layers = []
        for key_term, value_term in zip(term.args[::2], term.args[1::2], strict=True):
            value = self.evaluator.value(frame, value_term)
            key = self.evaluator.value(frame, key_term)
            if frame.term(key_term).name == "**":
                layers.append(value)
            elif key.kind == "const":
                layers.append(Resolved("mapping", entries={str(key.value): value}))
            else:
                layers.append(unknown("a dict with a computed key"))
        return Resolved("overlay", items=tuple(layers))

    def setitem(self, frame: Frame, _: int, term: Term) -> Resolved:
        """A container after `base[key] = value`."""
        base, key = self.evaluator.value(frame, term.args[0]), self.evaluator.value(frame, term.args[1])
        if base.kind == "mapping":
            if key.kind != "const":
                return dataclasses.replace(base, complete=False)
            entries = {**base.entries, str(key.value): self.evaluator.value(frame, term.args[2])}
            return dataclasses.replace(base, entries=entries)
        if base.kind == "overlay" and base.site is None:
            value = self.evaluator.value(frame, term.args[2])
            written = Resolved("mapping", entries={str(key.value): value})
            layer = written if key.kind == "const" else unknown("a computed key is set")
            return dataclasses.replace(base, items=(*base.items, layer))
        return base

    def update(self, frame: Frame, _: int, term: Term) -> Resolved:
        """A container after a method that changes it."""
        base = self.evaluator.value(frame, term.args[0])
        if term.name == "update" and base.kind == "mapping":
            return with_entries(base, self._given(frame, term))
        if term.name == "update" and base.kind == "overlay" and base.site is None:
            return dataclasses.replace(base, items=(*base.items, *as_layers(self._given(frame, term))))
        if term.name == "append" and base.kind == "sequence" and len(base.items) < MAX_SEQUENCE:
            return Resolved("sequence", items=(*base.items, self.evaluator.value(frame, term.args[1])))
        if base.kind in ("mapping", "sequence"):
            return unknown(f"changed by .{term.name}()")
        return base

    def _given(self, frame: Frame, term: Term) -> list[tuple[str, Resolved]]:
        pairs = zip(term.keys, term.args[1:], strict=False)
        return [(key, self.evaluator.value(frame, argument)) for key, argument in pairs]

    def element(self, frame: Frame, _: int, term: Term) -> Resolved:
        """What a loop over a value gives."""
        if term.args[0] in frame.elements:
            return frame.elements[term.args[0]]
        source = self.evaluator.value(frame, term.args[0])
        if source.kind == "sequence" and source.items:
            return join(list(source.items))
        if source.kind in ("object", "instance", "part"):
            return Resolved("part", name="element", items=(source,))
        return unknown(f"an element of {describe(source)}")

    def unpack(self, frame: Frame, _: int, term: Term) -> Resolved:
        """One target of an unpacking assignment."""
        assert isinstance(term.value, int)
        return self._unpacked(self.evaluator.value(frame, term.args[0]), term.value)

    def _unpacked(self, whole: Resolved, position: int) -> Resolved:
        if whole.kind == "sequence" and position < len(whole.items):
            return whole.items[position]
        if whole.kind == "choice":
            return join(
                [self._unpacked(item, position) for item in whole.items], whole.condition, whole.option
            )
        if whole.kind in ("object", "part", "instance"):
            known = pair_part(self.evaluator, whole, position)
            return known if known is not None else Resolved("part", value=position, items=(whole,))
        return unknown(f"part {position} of {describe(whole)}")

    def enter(self, frame: Frame, _: int, term: Term) -> Resolved:
        """What `with x as y` binds."""
        return self.evaluator.value(frame, term.args[0])

    def loop(self, frame: Frame, _: int, term: Term) -> Resolved:
        """A name that a loop rebinds."""
        if len(term.args) == 1:
            before = self.evaluator.value(frame, term.args[0])
            if before.kind in ("object", "instance", "namespace", "config", "part", "function"):
                return before
            return unknown(f"{term.name} changes in a loop", frozenset({term.name}))
        if len(term.args) == 3:
            gathered = self._gathered(frame, term)
            if gathered is not None:
                return gathered
        values = [self.evaluator.value(frame, arg) for arg in term.args[:2]]
        if all(same(values[0], value) for value in values[1:]):
            return values[0]
        objects = [value for value in values if value.kind in ("object", "instance", "part")]
        return join(objects) if objects else unknown(f"{term.name} changes in a loop", frozenset({term.name}))

    def _gathered(self, frame: Frame, term: Term) -> Resolved | None:
        """A list to which a loop appends a value for each element of what it goes over, if that is known."""
        before, appended, source = term.args
        start = self.evaluator.value(frame, before)
        if start.kind != "sequence":
            return None
        items = self._for_each(frame, source, frame.term(appended).args[1])
        return None if items is None else Resolved("sequence", items=(*start.items, *items))

    def _for_each(self, frame: Frame, source: int, result: int) -> list[Resolved] | None:
        """What a term is for each element of a sequence of constants; None for other things."""
        over = self.evaluator.value(frame, source)
        if over.kind != "sequence" or len(over.items) > MAX_SEQUENCE or is_to_be_filled(over):
            return None
        if any(item.kind != "const" for item in over.items):
            return None
        return [self.evaluator.value(frame.at_element(source, item), result) for item in over.items]

    def _items_of(self, frame: Frame, term: Term) -> Resolved | None:
        """The mapping that `{key: value for key, value in held.items()}` gives, without the keys that are
        left out by name; None for other comprehensions."""
        source = frame.term(term.args[-1])
        callee = frame.term(source.args[0]) if source.op == "call" else source
        parts = [frame.term(each) for each in term.args[:2]]
        whole = [each.op == "unpack" and frame.term(each.args[0]).op == "elem" for each in parts]
        if callee.op != "attr" or callee.name != "items" or not all(whole):
            return None
        if [each.value for each in parts] != [0, 1]:
            return None
        held = self.evaluator.value(frame, callee.args[0]).default()
        if held.kind == "mapping":
            entries, complete = dict(held.entries), held.complete
        elif held.kind == "config":
            entries = {key: self.evaluator.attribute(held, key) for key in self.evaluator.configs.keys(held)}
            complete = True
        else:
            return None
        kept = {key: value for key, value in entries.items() if key not in term.keys}
        return Resolved("mapping", entries=kept, complete=complete)

    def comprehension(self, frame: Frame, index: int, term: Term) -> Resolved:
        """A comprehension: a sequence where it goes over a known one, whole."""
        if term.name == "list" and term.value is None:
            items = self._for_each(frame, term.args[-1], term.args[-2])
            if items is not None and all(item.kind == "const" for item in items):
                return Resolved("sequence", items=tuple(items), frame=frame, term=index)
        if term.name == "dict" and (term.value is None or term.keys):
            copied = self._items_of(frame, term)
            if copied is not None:
                return copied
        source = self.evaluator.value(frame, term.args[-1])
        element = self.evaluator.value(frame, term.args[-2])
        return Resolved("part", name="comprehension", items=(element, source), frame=frame, term=index)


def with_entries(base: Resolved, given: Iterable[tuple[str, Resolved]]) -> Resolved:
    """A mapping after what `dict.update` was given: keywords, and mappings that stand without one."""
    entries = dict(base.entries)
    complete = base.complete
    for key, value in given:
        if _is_keyword(key):
            entries[key] = value
        else:
            entries.update(value.entries)
            complete = complete and value.kind == "mapping" and value.complete
    return dataclasses.replace(base, entries=entries, complete=complete)


def as_layers(given: Iterable[tuple[str, Resolved]]) -> list[Resolved]:
    """The same as layers of a tree of settings, the last one on top."""
    return [Resolved("mapping", entries={key: value}) if _is_keyword(key) else value for key, value in given]


def _is_keyword(key: str) -> bool:
    return bool(key) and not key.startswith("*")
