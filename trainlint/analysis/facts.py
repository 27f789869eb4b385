"""What reading Python produces: outlines, then per unit a table of terms and the events over it.

Everything here is small, free of settings and survives a JSON round trip (msgspec): a cache can hold it,
another process can make it. Terms are symbolic: `lr * batch / 256` stays an expression until the link step
knows what `batch` is.
"""

from __future__ import annotations

import msgspec

Place = tuple[int, int, int, int]
"""Line, column, end line, end column: 1-based, code points, end exclusive."""

Scalar = None | bool | int | float | str


class Parameter(msgspec.Struct, frozen=True):
    """A formal parameter. `kind`: positional-only, normal, star, keyword-only, double-star."""

    name: str
    kind: str = "normal"
    has_default: bool = False


class Unit(msgspec.Struct):
    """A piece of a file that is interpreted on its own: the module's body, a class's body, or a function.

    `qualname` is "" for the module's body, "C" for a class, "C.f" or "f" for functions. Functions nested in a
    function belong to the enclosing unit. `lines` are 1-based inclusive ranges that hold its source:
    decorators included, the bodies of other units left out. `calls` are the callees as written
    ("torch.manual_seed", "self.step", "f"), in order, each once.
    `mentions` are the identifiers of the unit that the knowledge gives a meaning; `references` the names it
    reads that may mean a function or class of the project, called or handed on. `conditional`: it is defined
    inside an
    `if`, `try` or loop of the module's or class's body. A name defined again gets a suffix: "f#2".
    `stores` are the attributes and constant keys it assigns: "lr" for `args.lr = 1` and `cfg["lr"] = 1`.
    `metaclass` is a class's metaclass as written, "" where it names none. `guarded` are the calls and names
    of a module's body that stand only under its main guard: they do not count where it is imported.
    `handed` are the last names of attributes that are passed as arguments: `run(engine.train)`.
    `selects`: it has subscripts that may be masks: `x[mask]`, `x[y > 0]`; not `x[0]`, `x[i + 1]`, `x[:, 1]`.
    `structure` names what of a network's structure it is worth a close reading for: see `outline/hints.py`.
    """

    qualname: str
    kind: str
    lines: list[tuple[int, int]]
    params: list[Parameter] = msgspec.field(default_factory=list)
    decorators: list[str] = msgspec.field(default_factory=list)
    bases: list[str] = msgspec.field(default_factory=list)
    calls: list[str] = msgspec.field(default_factory=list)
    mentions: list[str] = msgspec.field(default_factory=list)
    references: list[str] = msgspec.field(default_factory=list)
    divides: bool = False
    conditional: bool = False
    stores: list[str] = msgspec.field(default_factory=list)
    metaclass: str = ""
    guarded: list[str] = msgspec.field(default_factory=list)
    handed: list[str] = msgspec.field(default_factory=list)
    selects: bool = False
    structure: list[str] = msgspec.field(default_factory=list)


class Import(msgspec.Struct, frozen=True):
    """`local` is bound to `target` (absolute dotted name). `local` is "*" for a star import, "" for a plain
    side-effect edge.

    `relative` imports were written with leading dots: they can only mean a file of the same tree.
    """

    local: str
    target: str
    line: int
    unit: str = ""
    relative: bool = False


class Suppression(msgspec.Struct, frozen=True):
    """A `trainlint: ignore[...]` comment. `scope` is line or file; `target` is the line whose findings it
    covers."""

    line: int
    target: int
    scope: str
    rules: tuple[str, ...]
    reason: str = ""
    column: int = 1


class Outline(msgspec.Struct):
    """One Python file at a glance. `module` is its absolute dotted name as the project imports it."""

    path: str
    module: str
    is_package: bool
    units: list[Unit]
    imports: list[Import]
    symbols: dict[str, str]
    exports: list[str] | None = None
    main_guard: bool = False
    suppressions: list[Suppression] = msgspec.field(default_factory=list)
    lines: int = 0
    dynamic: list[str] = msgspec.field(default_factory=list)


class Term(msgspec.Struct):
    """One symbolic value; `args` index the unit's term table.

    op        args                      name / value / keys
    const     -                         value
    param     -                         name of the parameter of the unit's function ("self" included)
    global    -                         absolute dotted name ("torch.optim.SGD", "project.module.f")
    attr      [base]                    name
    item      [base, key]
    call      [callee, *arguments]      keys, one per argument: "" positional, "*", "**", or the keyword
    bin       [left, right]             name: + - * / // % ** @ & | ^ << >>
    un        [operand]                 name: - + ~ not
    cmp       [left, right]             name: == != < <= > >= in not-in is is-not
    bool      [left, right]             name: and or
    if        [condition, then, else]   a conditional expression, or two branches that meet (condition first)
    tuple list set   [*elements]
    dict      [k1, v1, k2, v2, ...]     a `**d` entry is (const None with name "**", d)
    setitem   [container, key, value]   the container after `container[key] = value`
    update    [dict, other]             the dict after `.update(other)`
    slice     [lower, upper, step]      absent bounds are const None
    elem      [iterable]                an element of what is iterated; value: its position in a tuple target
    unpack    [sequence]                value: position in a tuple assignment
    enter     [manager]                 what `with manager as x` binds
    loop      [before]                  a name that the loop's body rebinds; name: the variable
              [before, after]           the same after the loop; [before, after, iterable] where each round
                                        of a `for` appends to it once, so that `after` is an `update`
    comp      [*results, iterable]      name: list, set, dict or generator; a dict has two results
                                        value: True with a filter or an inner `for`
    star      [operand]                 `*operand` in a display
    func      -                         value: index into `nested` of a nested function or lambda
    unknown   -                         name: why
    """

    op: str
    args: tuple[int, ...] = ()
    name: str = ""
    value: Scalar = None
    keys: tuple[str, ...] = ()
    at: Place | None = None


class Condition(msgspec.Struct, frozen=True):
    """The branch an event stands in: the condition's term and whether it held."""

    term: int
    holds: bool


class Loop(msgspec.Struct):
    """A for or while loop. `source` is the iterable's (or condition's) term; `parent` the enclosing loop or
    -1.

    `jumps`: a `break` or `continue` stands in it, so its body may not run from start to end every time.
    `exits` are the branches inside the loop that each `break` stands in.
    """

    kind: str
    source: int
    parent: int
    at: Place | None = None
    target: str = ""
    jumps: bool = False
    exits: list[tuple[Condition, ...]] = msgspec.field(default_factory=list)


class Event(msgspec.Struct):
    """Something a statement does, in order.

    `kind`: call (term is the call), bind (a local name takes a call's or branch's result: term, name),
    store-item (container, key, value), store-attr (base, name, value), store-global (name is "path::name",
    value).
    `loop` is the innermost loop's index or -1; `conditions` the branches around it, outermost first;
    `contexts` the names of enclosing `with` managers that matter ("no_grad", "autocast", ...), and of those
    whose effect is not known ("?" where it has no name). `nested` is the nested function the event belongs
    to, or -1.
    """

    kind: str
    term: int
    key: int = -1
    value: int = -1
    name: str = ""
    loop: int = -1
    conditions: tuple[Condition, ...] = ()
    contexts: tuple[str, ...] = ()
    nested: int = -1
    at: Place | None = None


class Return(msgspec.Struct):
    """A return, or a yield (`yields`)."""

    term: int
    conditions: tuple[Condition, ...] = ()
    yields: bool = False
    nested: int = -1


class Nested(msgspec.Struct):
    """A function or lambda inside a unit: its parameters, and its body's result for a lambda."""

    name: str
    params: list[Parameter]
    result: int = -1


class Candidate(msgspec.Struct):
    """A numeric site that may be wrong, judged later.

    `kind` says what was computed (sqrt, division, ...); `operand` what the abstract value says of it (sumsq,
    variance, std, range, norm, mask-count, ...). `trace` is the way from source to site: places with a plain
    label each.
    `open` lists the questions that only the link step can answer (role, dtype). `grade` is certain, likely or
    possible.
    `gradient` tells whether a derivative flows through the operand, `guard` names a guard that does not
    protect. `facts` are what only one kind carries, by the names its page gives them. `path` and
    `qualname` are the unit of a site that the operand is handed to, "" where it is this one's own.
    """

    kind: str
    operand: str
    at: Place
    text: str
    operand_text: str
    framework: str
    grade: str
    trace: list[tuple[Place, str]] = msgspec.field(default_factory=list)
    open: list[str] = msgspec.field(default_factory=list)
    gradient: str = "unknown"
    guard: str = ""
    base_text: str = ""
    related: list[Place] = msgspec.field(default_factory=list)
    facts: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    path: str = ""
    qualname: str = ""


class NumericSummary(msgspec.Struct):
    """What callers may know of a function's result: bounds, whether it can be zero, and what guards it."""

    kind: str = "unknown"
    low: float | None = None
    high: float | None = None
    nonzero: bool = False
    origin: str = ""


class Precondition(msgspec.Struct, frozen=True):
    """What a function needs of a parameter and does not see to: that it is not 0 where its logarithm is taken
    (or that of one minus it: `complement`), where it divides, or under a root.

    `kind` is logarithm, division or sqrt. `position` counts the parameters without `self`. `gradient` tells
    whether a derivative flows through a quotient's numerator. `path`, `qualname`, `at` and `text` are the
    place and the source of the logarithm, quotient or root.
    """

    kind: str
    parameter: str
    position: int
    complement: bool
    path: str
    qualname: str
    at: Place
    text: str
    gradient: str = "unknown"


class UnitFacts(msgspec.Struct):
    """The close reading of one unit.

    `bindings` are the names a module or class body leaves bound; `replaced` the terms a module's names had
    before, each with the number of events until it was replaced; `defaults` the terms of a function's
    parameter defaults.
    `decorators` are the terms of a function's decorators, the outermost first.
    `placed`: every term has its place; without, only those that candidates show. `judged`: its candidates
    were looked for. `attributes` says what callers may know of `self.x` after a method that assigns it,
    `preconditions` what they must see to.
    `uses` names every project unit whose summary was consulted, and `missed` every name looked for and not
    found.
    """

    path: str
    qualname: str
    terms: list[Term]
    events: list[Event]
    loops: list[Loop]
    returns: list[Return]
    bindings: dict[str, int]
    defaults: dict[str, int]
    nested: list[Nested]
    params: list[Parameter] = msgspec.field(default_factory=list)
    replaced: dict[str, list[tuple[int, int]]] = msgspec.field(default_factory=dict)
    decorators: list[int] = msgspec.field(default_factory=list)
    candidates: list[Candidate] = msgspec.field(default_factory=list)
    summary: NumericSummary | None = None
    attributes: dict[str, NumericSummary] = msgspec.field(default_factory=dict)
    placed: bool = False
    judged: bool = False
    uses: list[str] = msgspec.field(default_factory=list)
    missed: list[str] = msgspec.field(default_factory=list)
    limits: list[str] = msgspec.field(default_factory=list)
    preconditions: list[Precondition] = msgspec.field(default_factory=list)
