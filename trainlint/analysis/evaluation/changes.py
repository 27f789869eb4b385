"""What a program writes into its options and settings after it has read them.

`args.lr = args.lr * world / 256`, `cfg["lr"] = …`, `setattr(args, key, value)` for the items of a file,
`vars(args).update(config)`. A write that a default run certainly makes is the value from then on; one that
it does not make is no change; one that may happen leaves the value open.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, join
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
        self._active: dict[_Key, Resolved] = {}
        self._units: dict[tuple[str, str], tuple[bool | None, bool]] = {}
        self._known: dict[_Key, list[Write]] = {}
        self._plain: dict[str, bool] = {}

    def after(self, holder: Resolved, name: str, before: Resolved, reader: Frame | None) -> Resolved:
        """What `holder.name` is, where `before` is what it was read as, to code in `reader`'s unit."""
        identity = self.identity(holder)
        if identity is None:
            return before
        key = (*identity, name)
        if key in self._active:
            return before
        self._active[key] = before
        self.evaluator.depth += DEPTH
        try:
            return self._changed(holder, identity, name, before, reader)
        finally:
            self.evaluator.depth -= DEPTH
            del self._active[key]

    def before(self, holder: Resolved, name: str) -> Resolved | None:
        """What `holder.name` is before the changes that are being looked for; None where they are not."""
        identity = self.identity(holder)
        return None if identity is None else self._active.get((*identity, name))

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
            if happens is False or (later and not write.sweeps and before.kind not in ("absent", "unknown")):
                continue
            value = self._value(write, certain)
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
        key = (*identity, name)
        if key not in self._known:
            self._known[key] = []
            found = [
                write
                for write in self.writes.named(name)
                if not self._by_own_method(write, identity)
                and self.matches(holder, identity, self.evaluator.value(write.frame, write.base))
            ]
            self._known[key] = found[:MAX_WRITES]
        return self._known[key]

    def _by_own_method(self, write: Write, identity: _Key) -> bool:
        """Whether a method writes to its own object by name: its class's attributes tell that, and what a
        module stores in its own dict is in the dict."""
        base = write.frame.term(write.base)
        if identity[0] == "mapping":
            return not write.frame.facts.qualname
        return identity[0] == "instance" and write.held is None and base.op == "param" and base.name == "self"

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
        certain: bool | None = True
        for condition in event.conditions:
            term = frame.term(condition.term)
            if term.op == "cmp" and any(frame.term(side).value == "__main__" for side in term.args):
                continue
            if term.op == "call" and frame.term(term.args[0]).name == "builtins.hasattr":
                continue
            truth = truthiness(self.evaluator.value(frame, condition.term).default())
            if truth is None:
                certain = None
            elif truth is not condition.holds:
                return False
        return certain

    def _unit(self, path: str, qualname: str, depth: int) -> tuple[bool | None, bool]:
        """Whether a default run calls a unit, and whether only in a loop."""
        if not qualname or self.evaluator.scope.kind(path, qualname) != "function":
            return True, False
        key = (path, qualname)
        if key in self._units:
            return self._units[key]
        self._units[key] = (None, False)
        self.evaluator.depth += DEPTH
        sites = self.evaluator.scope.call_sites(path, qualname) if depth < MAX_CALLS else ()
        verdicts = [self._site(frame, call, depth) for frame, call in sites]
        self.evaluator.depth -= DEPTH
        known = [verdict for verdict in verdicts if verdict[0] is not False]
        if verdicts and not known:
            found: tuple[bool | None, bool] = (False, False)
        elif not known:
            found = (self._started(path, qualname), False)
        else:
            sure = any(happens and not repeated for happens, repeated in known)
            found = (
                True if sure or all(happens for happens, _ in known) else None,
                not sure and all(repeated for _, repeated in known),
            )
        self._units[key] = found
        return found

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
