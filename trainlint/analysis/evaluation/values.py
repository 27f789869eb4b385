"""What a term turns out to be in a program: constants, objects by identity, options, or unknown with the
reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.analysis.facts import Scalar, Term, UnitFacts
from trainlint.findings import Span


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The identity of an object: the call that makes it."""

    path: str
    qualname: str
    term: int


MAX_ALTERNATIVES = 12
"""Most values that one term may take before it counts as unknown."""
MAX_SEQUENCE = 64
"""Most elements of a sequence that are kept apart."""


class Frame:
    """A unit under evaluation. `bindings` gives parameters their values at one call; None asks every caller.

    `chain` are the calls that lead here, the innermost first; empty for a unit in no particular call.
    `elements` are what loops are at, by the term they go over; of other loops any element is meant.
    Frames are compared by identity: each stands for one calling context.
    """

    __slots__ = ("bindings", "chain", "elements", "facts", "receiver")

    def __init__(
        self,
        facts: UnitFacts,
        bindings: Mapping[str, Resolved] | None = None,
        receiver: Resolved | None = None,
        chain: tuple[Site, ...] = (),
    ) -> None:
        self.facts = facts
        self.bindings = bindings
        self.receiver = receiver
        self.chain = chain
        self.elements: Mapping[int, Resolved] = {}

    def at_element(self, source: int, element: Resolved) -> Frame:
        """This calling context in the round of a loop over the term `source` that is at an element."""
        frame = Frame(self.facts, self.bindings, self.receiver, self.chain)
        frame.elements = {**self.elements, source: element}
        return frame

    @property
    def units(self) -> tuple[tuple[str, str], ...]:
        """(path, qualname) of this unit and of those whose calls lead here."""
        here = (self.facts.path, self.facts.qualname)
        return (here, *((site.path, site.qualname) for site in self.chain))

    def term(self, index: int) -> Term:
        """A term of this frame's unit."""
        return self.facts.terms[index]

    def loop_span(self, loop: int) -> Span | None:
        """Where a loop's keyword stands."""
        kind, at = self.facts.loops[loop].kind, self.facts.loops[loop].at
        if at is None:
            return None
        line, column = at[:2]
        return Span(self.facts.path, line, column, line, column + len(kind))

    def span(self, index: int) -> Span | None:
        """Where a term is written, in project coordinates."""
        place = self.facts.terms[index].at
        return None if place is None else Span(self.facts.path, *place)


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written and what the place is ("default of --lr")."""

    span: Span | None
    label: str


@dataclasses.dataclass(slots=True, eq=False)
class Resolved:
    """A resolved term. Never changed once made: `frozen` would say so, and take three times as long to make
    one.

    kind        meaning
    const       `value`; `option` names the command-line flag or config key that can change it
    object      made by a known callee `name` (canonical); `site` is its identity, `frame`/`term` the call
    instance    of a project class: `name` is "path::Class"; `option` begins the flags that fill its fields
    function    a project function, `name` "path::qualname"; class and module likewise
    external    a dotted name outside the project
    namespace   parsed command-line options; `site` is the parser
    config      a loaded config file, or the part of it below `keys`; `name` is its path
    overlay     trees of settings in `items`, the last on top; `keys` lead down from their roots
    sequence    `items`
    mapping     `entries`; `complete` is False when more keys may exist
    choice      `items` are the alternatives, the default path first; `condition` decides between them
    part        element `value` of the object in `items[0]` (a split, an element of an iteration)
    absent      known not to be there
    unknown     `name` says why
    """

    kind: str
    value: Scalar = None
    name: str = ""
    option: str = ""
    site: Site | None = None
    frame: Frame | None = None
    term: int = -1
    items: tuple[Resolved, ...] = ()
    entries: Mapping[str, Resolved] = dataclasses.field(default_factory=dict)
    complete: bool = True
    keys: tuple[str, ...] = ()
    condition: tuple[Frame, int] | None = None
    origins: tuple[Origin, ...] = ()
    words: frozenset[str] = frozenset()
    derived: bool = False

    @property
    def is_number(self) -> bool:
        """Whether this is a known int or float (booleans are not numbers)."""
        return (
            self.kind == "const" and isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        )

    def default(self) -> Resolved:
        """The value on the default path: itself, or a choice's first alternative where an option decides.

        Where something else decides, it is what all alternatives are on the default path, if they agree.
        """
        if self.kind != "choice" or not self.items:
            return self
        first = self.items[0].default()
        if self.option:
            return first
        alike = first.kind == "const" and all(same(first, item.default()) for item in self.items[1:])
        return first if alike else self

    @property
    def identity(self) -> tuple[Site, ...]:
        """Which object this is: the call that makes it, then the calls around that, the innermost first."""
        if self.site is None:
            return ()
        return (self.site, *self.frame.chain) if self.frame is not None else (self.site,)

    @property
    def leaves(self) -> int:
        """How many alternatives there are, counted without listing them."""
        return sum(item.leaves for item in self.items) if self.kind == "choice" else 1

    def alternatives(self) -> tuple[Resolved, ...]:
        """Every value this may be."""
        if self.kind != "choice":
            return (self,)
        return tuple(leaf for item in self.items for leaf in item.alternatives())

    def with_origin(self, origin: Origin) -> Resolved:
        """The same value with one more step of provenance in front, unless the step is already there."""
        if origin in self.origins or len(self.origins) > 4:
            return self
        return dataclasses.replace(self, origins=(origin, *self.origins))


def unknown(reason: str, words: frozenset[str] = frozenset()) -> Resolved:
    """A value that is not known, and the expression or call that stopped the analysis."""
    return Resolved("unknown", name=reason, words=words)


def same(first: Resolved, second: Resolved) -> bool:
    """Whether two resolved values are certainly the same value or object."""
    if first is second:
        return True
    if first.kind != second.kind:
        return False
    if first.kind == "const":
        return first.value == second.value and type(first.value) is type(second.value)
    if first.kind in ("object", "namespace"):
        return first.site is not None and first.site == second.site
    if first.kind in ("function", "class", "module", "external", "instance"):
        return first.name == second.name and first.site == second.site
    if first.kind == "config":
        return first.name == second.name and first.keys == second.keys
    if first.kind == "part":
        return first.value == second.value and same(first.items[0], second.items[0])
    if first.kind in ("sequence", "choice"):
        if len(first.items) != len(second.items) or len(first.items) > MAX_ALTERNATIVES:
            return False
        return all(map(same, first.items, second.items))
    return first.kind == "absent"


def join(values: list[Resolved], condition: tuple[Frame, int] | None = None, option: str = "") -> Resolved:
    """One value for several that may hold: the value itself where they agree, a choice otherwise."""
    if sum(value.leaves for value in values) > MAX_ALTERNATIVES:
        return unknown("it may be too many things")
    distinct: list[Resolved] = []
    for value in values:
        for leaf in value.alternatives() if value.kind == "choice" and not value.condition else (value,):
            if not any(same(leaf, known) for known in distinct):
                distinct.append(leaf)
    if not distinct:
        return unknown("no value reaches here")
    if len(distinct) == 1:
        return distinct[0]
    words = frozenset().union(*(value.words for value in distinct))
    return Resolved("choice", items=tuple(distinct), condition=condition, option=option, words=words)


def describe(value: Resolved) -> str:
    """A short name of a value for the reason why another is unknown."""
    if value.kind in ("external", "object", "instance", "function", "class", "module"):
        return value.name.rpartition("::")[2] or value.name
    if value.kind == "unknown":
        return value.name
    return f"a {value.kind}"


def is_to_be_filled(value: Resolved) -> bool:
    """Whether a value is a list that is written empty, `[]`: its length says nothing.

    It is made to be filled, also in ways that are not followed: by a function that it is handed to.
    """
    if value.kind != "sequence" or value.items or value.frame is None:
        return False
    return value.frame.term(value.term).op == "list"


def site_of(frame: Frame, index: int) -> Site:
    """Where a term of a frame's unit stands."""
    return Site(frame.facts.path, frame.facts.qualname, index)
