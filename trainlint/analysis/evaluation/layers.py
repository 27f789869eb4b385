"""What a tree of settings is made of: what its code writes, and what is laid over it in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.conversions import literal
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, Site, join, unknown
from trainlint.analysis.evaluation.writes import stored_name
from trainlint.analysis.facts import Event

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator
    from trainlint.knowledge.base import Entry

_RECEIVER = "config-tree"
_MERGES = frozenset({"merge-file", "merge-words", "merge-config"})
_ABSENT = Resolved("absent")


class Layers:
    """The layers below a tree, the lowest first."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._merges: list[tuple[Frame, Event, Entry]] | None = None
        self._laid: dict[tuple[Site | None, ...], tuple[Resolved, ...]] = {}

    def of(self, base: Resolved) -> tuple[Resolved, ...]:
        """The layers of a tree: what it was made of, then what the program merges into it."""
        own = base.items if base.kind == "overlay" else (base,)
        return (*own, *self._laid_over(base))

    def own(self, node: Resolved, name: str) -> Resolved:
        """A key of a tree that code makes: what its unit stores there last, else what it was made of."""
        frame = node.frame
        if frame is None:
            return unknown(f"{name} of a tree of settings", frozenset({name}))
        found: Resolved | None = None
        for event in frame.facts.events:
            if stored_name(frame, event) != name or event.nested >= 0:
                continue
            base = self.evaluator.value(frame, event.term)
            if base.site != node.site or base.kind not in ("object", "overlay") or base.keys:
                continue
            value = self.evaluator.value(frame, event.value)
            if event.conditions and found is not None:
                value = join([found, value])
            elif event.loop >= 0:
                value = unknown(f"{name} is set in a loop", frozenset({name}))
            found = value.with_origin(Origin(frame.span(event.value), f"{name} in {_file(frame)}"))
        return found if found is not None else self._initial(node, frame, name)

    def _initial(self, node: Resolved, frame: Frame, name: str) -> Resolved:
        """What a tree holds that is made of a mapping or file, or of keywords."""
        record = frame.term(node.term)
        found = _ABSENT
        for key, argument in zip(record.keys, record.args[1:], strict=True):
            if key == name:
                return self.evaluator.value(frame, argument)
            if key in ("", "**"):
                held = self.evaluator.trees.child(self.evaluator.value(frame, argument), name)
                found = found if held.kind == "absent" else held
                if key == "":
                    # Only the first argument is the content.
                    continue
        return found

    def from_words(self, words: Resolved) -> Resolved:
        """Settings given as `KEY VALUE` pairs or `key=value` words in a list."""
        value = words.default()
        if value.kind == "const" and value.value is None:
            return _ABSENT
        if value.kind == "namespace" or (value.kind == "sequence" and not value.items):
            return _ABSENT
        if value.kind != "sequence" or not all(item.kind == "const" for item in value.items):
            return unknown(f"settings that {value.name or 'a list'} gives")
        texts = [(item, item.value) for item in value.items]
        root: dict[str, Resolved] = {}
        position = 0
        while position < len(texts):
            item, text = texts[position]
            key, equals, right = str(text).partition("=")
            if equals:
                _put(root, key, dataclasses.replace(item, value=literal(right)))
                position += 1
                continue
            if position + 1 == len(texts):
                break
            other, given = texts[position + 1]
            _put(root, key, dataclasses.replace(other, value=literal(given)))
            position += 2
        return Resolved("mapping", entries=root)

    def _laid_over(self, base: Resolved) -> tuple[Resolved, ...]:
        """What merging methods lay over a tree anywhere in the program."""
        root = self.root(base)
        if root is None:
            return ()
        if root not in self._laid:
            self._laid[root] = ()
            self._laid[root] = tuple(self._find(root))
        return self._laid[root]

    def root(self, base: Resolved) -> tuple[Site | None, ...] | None:
        """Which tree this is: where its root was made, and copied."""
        if base.site is None:
            return None
        if base.kind == "overlay" and len(base.items) == 1 and base.items[0].site not in (None, base.site):
            return (base.site, base.items[0].site)
        return (base.site,)

    def _find(self, root: tuple[Site | None, ...]) -> Iterator[Resolved]:
        for frame, event, entry in self._calls():
            receiver = self._receiver(frame, event)
            other = None if receiver.keys else self.root(receiver)
            if other is None or not (other == root or other == root[-1:]):
                continue
            happens = self.evaluator.changes.happens(frame, event)
            if happens is False:
                continue
            layer = self._layer(frame, event, entry)
            if layer.kind == "absent":
                continue
            yield layer if happens else Resolved("part", name="maybe", items=(layer,))

    def _receiver(self, frame: Frame, event: Event) -> Resolved:
        callee = frame.term(frame.term(event.term).args[0])
        return self.evaluator.value(frame, callee.args[0]).default()

    def _calls(self) -> list[tuple[Frame, Event, Entry]]:
        """Every call of a merging method in the program."""
        if self._merges is None:
            self._merges = []
            knowledge = self.evaluator.knowledge
            names = knowledge.methods_of(_RECEIVER)
            entries = {name: knowledge.method(name, receiver=_RECEIVER) for name in names}
            merging = {name: each for name, each in entries.items() if each and each.effect in _MERGES}
            for place in self.evaluator.scope.units_calling(set(merging)):
                frame = self.evaluator.root(*place)
                for event in frame.facts.events if frame is not None else ():
                    if event.kind != "call" or frame is None:
                        continue
                    callee = frame.term(frame.term(event.term).args[0])
                    if callee.op == "attr" and callee.name in merging:
                        self._merges.append((frame, event, merging[callee.name]))
        return self._merges

    def _layer(self, frame: Frame, event: Event, entry: Entry) -> Resolved:
        given = self.evaluator.calls.method_arguments(entry, frame, event.term)
        if entry.effect == "merge-file":
            file = given.get(entry.fields["file"])
            if file is None:
                return unknown(f"what .{entry.name}() reads")
            place = given.terms.get(entry.fields["file"])
            return self.evaluator.trees.file_layer(file, "literal-eval", place)
        if entry.effect == "merge-words":
            words = given.get(entry.fields.get("words", ""))
            return _ABSENT if words is None else self._words(words)
        other = given.get(entry.fields["other"])
        return other if other is not None else unknown(f"what .{entry.name}() lays over it")

    def _words(self, words: Resolved) -> Resolved:
        """Settings by words of the command line: what every launch line gives, by default none."""
        value = words.default()
        on_line = bool(value.option) or "declared" in value.name or "no default" in value.name
        if on_line:
            return self.launched_words()
        return self.from_words(value)

    def launched_words(self, besides: Collection[str] = ()) -> Resolved:
        """The settings that every launch line gives: `KEY VALUE` and `key=value` words."""
        root: dict[str, Resolved] = {}
        for key, given in self.evaluator.scope.launched_keys().items():
            if key in besides:
                continue
            values = [
                self.evaluator.options.spelled(text, Origin(span, "the launch line"), key)
                for text, span in given
            ]
            _put(root, key, join(values))
        return Resolved("mapping", entries=root) if root else _ABSENT


def _put(root: dict[str, Resolved], dotted: str, value: Resolved) -> None:
    head, dot, rest = dotted.partition(".")
    if not dot:
        root[head] = value
        return
    below = root.get(head)
    inner = dict(below.entries) if below is not None else {}
    _put(inner, rest, value)
    root[head] = Resolved("mapping", entries=inner)


def _file(frame: Frame) -> str:
    return frame.facts.path.rpartition("/")[2]
