"""What a program writes into its options and settings after it has read them.

`args.lr = args.lr * world / 256`, `cfg["lr"] = …`, `setattr(args, key, value)` for the items of a file,
`vars(args).update(config)`. A write that a default run certainly makes is the value from then on; one that
it does not make is no change; one that may happen leaves the value open.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING

from trainlint.analysis.branches import is_main_guard
from trainlint.analysis.evaluation.branches import taken
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, join, unknown
from trainlint.analysis.evaluation.writes import Write, Writes
from trainlint.analysis.facts import Event

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

MAX_WRITES = 24
MAX_CALLS = 6
"""How many calls are followed from a write to the program's start."""

DEPTH = 8
"""How many levels of evaluation looking for changes counts for, as its calls take more of the stack."""
_PLAIN_BASES = frozenset({"builtins.object", "pydantic.BaseModel", "pydantic_settings.BaseSettings"})

_Key = tuple[object, ...]


class Changes:
    """The values of options and settings after what the program writes to them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.writes = Writes(evaluator)
        self._before: dict[_Key, Resolved] = {}
        self._plain: dict[str, bool] = {}

    def after(self, holder: Resolved, name: str, before: Resolved, reader: Frame | None) -> Resolved:
        """What `holder.name` is, where `before` is what it was read as, to code in `reader`'s unit."""
        identity = self.identity(holder)
        if identity is None:
            return before
        key = (*identity, name)
        memo = self.evaluator.memo
        if memo.is_open(("change", key)):
            memo.cut(("change", key))
            return before
        self._before[key] = before
        outer = memo.open(("change", key))
        self.evaluator.depth += DEPTH
        try:
            return self._changed(holder, identity, name, before, reader)
        finally:
            self.evaluator.depth -= DEPTH
            memo.close(("change", key), outer, None)
            del self._before[key]

    def before(self, holder: Resolved, name: str) -> Resolved | None:
        """What `holder.name` is before the changes that are being looked for; None where they are not."""
        identity = self.identity(holder)
        return None if identity is None else self._before.get((*identity, name))

    def _changed(
        self, holder: Resolved, identity: _Key, name: str, before: Resolved, reader: Frame | None
    ) -> Resolved:
        certain = before
        open_: list[Resolved] = []
        for write in self._of(holder, identity, name):
            if write.bound and reader is not None and reader.facts is write.frame.facts:
                # Where the name is read after the write in the same unit, the unit itself tells.
                continue
            happens, later = self._happens(write)
            if later and happens is not False and certain.kind == "sequence":
                # A number that the training loop changes starts as it is; a list is often filled before.
                return unknown(f"{name} changes in a loop", frozenset({name}))
            if happens is False or (later and not write.sweeps and before.kind not in ("absent", "unknown")):
                continue
            value = self._value(write, certain)
            if not happens and _is_not_given(value) and before.kind not in ("absent", "unknown"):
                # `if given(args.lr): cfg.lr = args.lr`: nothing gives it.
                continue
            if happens and not later:
                certain = value
            else:
                open_.append(value)
        if not open_:
            return certain
        placeholder = certain.kind == "absent" or (certain.kind == "const" and certain.value is None)
        return join(open_ if placeholder else [certain, *open_])

    def _value(self, write: Write, before: Resolved) -> Resolved:
        if write.held is not None:
            return write.held
        value = self.evaluator.value(write.frame, write.value)
        if before.option and not value.option and value.kind in ("const", "choice"):
            value = dataclasses.replace(value, option=before.option)
        return value.with_origin(Origin(write.frame.span(write.value), ""))

    def _of(self, holder: Resolved, identity: _Key, name: str) -> list[Write]:
        key = ("writes", *identity, name)
        memo = self.evaluator.memo
        known: list[Write] | None = memo.get(key)
        if known is not None:
            return known
        if memo.is_open(key):
            memo.cut(key)
            return []
        outer, found = memo.open(key), None
        try:
            to_holder = functools.partial(self._is_to, holder, identity)
            found = list(itertools.islice(self.writes.named(name, to_holder), MAX_WRITES))
        finally:
            memo.close(key, outer, found)
        return found

    def _is_to(self, holder: Resolved, identity: _Key, frame: Frame, base: int, copied: bool) -> bool:
        if self._by_own_method(frame, base, identity, copied):
            return False
        return self.matches(holder, identity, self.evaluator.value(frame, base))

    @staticmethod
    def _by_own_method(frame: Frame, written: int, identity: _Key, copied: bool) -> bool:
        """Whether a method writes to its own object by name: its class's attributes tell that, and what a
        module stores in its own dict is in the dict."""
        base = frame.term(written)
        if identity[0] == "mapping":
            return not frame.facts.qualname
        return identity[0] == "instance" and not copied and base.op == "param" and base.name == "self"

    def identity(self, holder: Resolved) -> _Key | None:
        """Which options or settings these are; None for values that nothing is written into."""
        if holder.kind == "namespace":
            return ("namespace",)
        if holder.kind == "config":
            return ("config", holder.name, holder.keys)
        if holder.kind in ("instance", "class"):
            known = ("instance", holder.name, holder.option)
            return known if holder.option or self._holds_settings(holder.name) else None
        if holder.kind == "mapping":
            shared = holder.site is not None and not holder.site.qualname
            return ("mapping", holder.site) if shared else None
        root = self.evaluator.trees.layers.root(holder)
        if root is not None and (holder.kind == "overlay" or self.evaluator.trees.entry(holder) is not None):
            return ("tree", root, holder.keys)
        return None

    def _holds_settings(self, name: str) -> bool:
        """Whether a class may be one of settings: it is made of nothing but its own body."""
        if name not in self._plain:
            path, _, qualname = name.partition("::")
            bases = self.evaluator.scope.foreign_bases(path, qualname)
            self._plain[name] = all(base in _PLAIN_BASES for base in bases)
        return self._plain[name]

    def matches(self, holder: Resolved, identity: _Key, value: Resolved) -> bool:
        """Whether a write to `value` is one to the holder."""
        value = value.default()
        other = self.identity(value)
        if other is None or other[0] != identity[0]:
            return False
        if other[0] != "tree":
            return other == identity
        if other[2] != identity[2]:
            return False
        if other[1] == identity[1]:
            # What the unit that makes a tree stores in it is a part of the tree.
            return holder.kind == "overlay" or not self._defines(value)
        return isinstance(identity[1], tuple) and other[1] == identity[1][-1:] and not self._defines(value)

    def _defines(self, value: Resolved) -> bool:
        return value.kind == "object"

    def happens(self, frame: Frame, event: Event) -> bool | None:
        """Whether a default run does this, once: None where that is not known."""
        happens, later = self._path(frame, event, skipped=-1)
        return None if happens and later else happens

    def _happens(self, write: Write) -> tuple[bool | None, bool]:
        return self._path(write.frame, write.event, write.loop)

    def _path(self, frame: Frame, event: Event, skipped: int) -> tuple[bool | None, bool]:
        """Whether a default run gets here, and whether only in a loop."""
        certain = self._decided(frame, event)
        if certain is False:
            return False, False
        loop = event.loop
        if loop >= 0 and loop == skipped:
            loop = frame.facts.loops[loop].parent
        unit, repeated = self._unit(frame.facts.path, frame.facts.qualname, 0)
        if unit is False:
            return False, False
        both = True if certain and unit else None
        return both, loop >= 0 or repeated

    def _decided(self, frame: Frame, event: Event) -> bool | None:
        open_branches = (each for each in event.conditions if not _always_taken(frame, each.term))
        return taken(self.evaluator, frame, open_branches)

    def _unit(self, path: str, qualname: str, depth: int) -> tuple[bool | None, bool]:
        """Whether a default run calls a unit, and whether only in a loop."""
        if not qualname or self.evaluator.scope.kind(path, qualname) != "function":
            return True, False
        key = ("runs", path, qualname)
        memo = self.evaluator.memo
        known: tuple[bool | None, bool] | None = memo.get(key)
        if known is not None:
            return known
        if memo.is_open(key):
            memo.cut(key)
            return None, False
        outer, found = memo.open(key), None
        self.evaluator.depth += DEPTH
        try:
            found = self._called(path, qualname, depth)
        finally:
            self.evaluator.depth -= DEPTH
            memo.close(key, outer, found)
        return found

    def _called(self, path: str, qualname: str, depth: int) -> tuple[bool | None, bool]:
        sites = self.evaluator.scope.call_sites(path, qualname) if depth < MAX_CALLS else ()
        verdicts = [self._site(frame, call, depth) for frame, call in sites]
        known = [verdict for verdict in verdicts if verdict[0] is not False]
        if not known:
            return (False if verdicts else self._started(path, qualname)), False
        sure = any(happens and not repeated for happens, repeated in known)
        certain = sure or all(happens for happens, _ in known)
        return (True if certain else None), not sure and all(repeated for _, repeated in known)

    def _site(self, frame: Frame, call: int, depth: int) -> tuple[bool | None, bool]:
        event = next((each for each in frame.facts.events if each.kind == "call" and each.term == call), None)
        if event is None:
            return None, False
        certain = self._decided(frame, event)
        if certain is False:
            return False, False
        unit, repeated = self._unit(frame.facts.path, frame.facts.qualname, depth + 1)
        if unit is False:
            return False, False
        return (True if certain and unit else None), event.loop >= 0 or repeated

    def _started(self, path: str, qualname: str) -> bool | None:
        """A function that nothing calls: a library may, as it does with commands."""
        frame = self.evaluator.root(path, qualname)
        return True if frame is not None and self.evaluator.commands.is_command(frame) else None


def _always_taken(frame: Frame, test: int) -> bool:
    """Whether a run that trains takes a branch in any case: the main guard, a look at what is there."""
    term = frame.term(test)
    looks = term.op == "call" and frame.term(term.args[0]).name == "builtins.hasattr"
    return looks or is_main_guard(frame.facts.terms, test)


def _is_not_given(value: Resolved) -> bool:
    """Whether a value is an option that no one gives, and that has no default."""
    return value.kind == "const" and value.value is None and bool(value.option)
