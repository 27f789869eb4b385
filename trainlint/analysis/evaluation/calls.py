"""What calls evaluate to: objects of known callees, project functions' returns, options, a few builtins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, Site, join, unknown
from trainlint.analysis.facts import Parameter, Scalar, Term, UnitFacts

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

MAX_CALL_DEPTH = 12
_SAME_OBJECT = frozenset(
    "to cuda cpu xpu float half double bfloat16 train eval requires_grad_ share_memory compile copy lower"
    " upper strip".split()
)
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
}
_FOLDS: dict[str, Callable[..., Any]] = {
    "builtins.max": max, "builtins.min": min, "builtins.abs": abs, "builtins.round": round,
    "builtins.str": str, "math.sqrt": lambda x: x**0.5,
}  # fmt: skip
_STORES = {"store_true": False, "store_false": True}


@dataclasses.dataclass(slots=True)
class Arguments:
    """A call's arguments by parameter name. `complete` is False when a starred argument may have passed
    more."""

    bound: dict[str, Resolved]
    terms: dict[str, tuple[Frame, int]]
    complete: bool = True

    def get(self, name: str) -> Resolved | None:
        """The argument passed for a parameter, None where none was."""
        return self.bound.get(name)


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """A command-line option: where it was declared and what it is without a flag."""

    path: str
    qualname: str
    default: Resolved


class CallEvaluator:
    """The part of the evaluator that knows calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._options: dict[str, list[Option]] | None = None
        self._frames: dict[tuple[int, int, str], Frame] = {}

    def evaluate(self, frame: Frame, index: int, term: Term) -> Resolved:
        """The value of a call."""
        callee = self.evaluator.value(frame, term.args[0])
        if callee.kind == "choice":
            return join(
                [self._apply(item, frame, index, term) for item in callee.items],
                callee.condition,
                callee.option,
            )
        return self._apply(callee, frame, index, term)

    def _apply(self, callee: Resolved, frame: Frame, index: int, term: Term) -> Resolved:
        if callee.kind == "external":
            return self._external(callee.name, frame, index, term)
        if callee.kind == "class":
            return Resolved("instance", name=callee.name, site=_site(frame, index), frame=frame, term=index)
        if callee.kind == "function":
            return self._function(callee, frame, index, term)
        record = frame.term(term.args[0])
        if record.op == "attr":
            return self._method(frame, index, term, record)
        if callee.kind in ("object", "instance", "part"):
            return Resolved(
                "object", name=f"{callee.name}()", site=_site(frame, index), frame=frame, term=index
            )
        return unknown(f"the result of {callee.name or 'a call'}")

    def _external(self, name: str, frame: Frame, index: int, term: Term) -> Resolved:
        values = [self.evaluator.value(frame, arg) for arg in term.args[1:]]
        if name == "builtins.dict":
            return self._dict(term, values)
        if (
            name in ("builtins.list", "builtins.tuple", "copy.deepcopy", "copy.copy", "builtins.vars")
            and len(values) == 1
        ):
            return values[0]
        if name == "builtins.getattr" and len(values) >= 2 and isinstance(values[1].value, str):
            return self.evaluator.attribute(values[0], values[1].value)
        if name in _CONVERSIONS and len(values) == 1:
            self.evaluator.configs.note_use(values[0], frame.span(index), converted=True)
            return self._convert(_CONVERSIONS[name], values[0])
        if name in _FOLDS and values and all(value.kind == "const" for value in values):
            return self._fold(_FOLDS[name], values, Origin(frame.span(index), ""))
        if name == "builtins.len" and len(values) == 1 and values[0].kind == "sequence":
            return Resolved("const", value=len(values[0].items), derived=True)
        entry = self.evaluator.entry(name)
        loader = self.evaluator.configs.loader_of(name, self._loader_class(term, values))
        if loader is not None:
            return self._load_config(frame, index, term, loader)
        if entry is not None and entry.extra.get("passes") and values:
            return values[0]
        words = frozenset().union(*(value.words for value in values)) if values else frozenset()
        return Resolved("object", name=name, site=_site(frame, index), frame=frame, term=index, words=words)

    def _convert(self, function: Callable[[Any], Any], value: Resolved) -> Resolved:
        if value.kind == "choice":
            return join(
                [self._convert(function, item) for item in value.items], value.condition, value.option
            )
        if value.kind != "const" or value.value is None:
            return value if value.kind != "const" else unknown("a conversion of None", value.words)
        try:
            return dataclasses.replace(value, value=function(value.value), name="", keys=())
        except (TypeError, ValueError, OverflowError):
            return unknown("a conversion that fails", value.words)

    def _fold(self, function: Callable[..., Any], values: Sequence[Resolved], origin: Origin) -> Resolved:
        try:
            result = function(*(value.value for value in values))
        except (TypeError, ValueError, ArithmeticError):
            return unknown("a computation that fails")
        option = next((value.option for value in values if value.option), "")
        origins = (origin, *(step for value in values for step in value.origins))[:5]
        words = frozenset().union(*(value.words for value in values))
        return Resolved("const", value=result, option=option, origins=origins, words=words, derived=True)

    def _dict(self, term: Term, values: Sequence[Resolved]) -> Resolved:
        entries: dict[str, Resolved] = {}
        complete = True
        for key, value in zip(term.keys, values, strict=True):
            if key and not key.startswith("*"):
                entries[key] = value
            else:
                entries.update(value.entries)
                complete = complete and value.kind == "mapping" and value.complete
        return Resolved("mapping", entries=entries, complete=complete)

    def _method(self, frame: Frame, index: int, term: Term, record: Term) -> Resolved:
        base = self.evaluator.value(frame, record.args[0])
        name = record.name
        if base.kind in ("object", "instance", "part", "const") and name in _SAME_OBJECT:
            return base
        if name in ("parse_args", "parse_known_args") and base.kind in ("object", "choice", "instance"):
            space = Resolved("namespace", name="options", site=base.site)
            return (
                space
                if name == "parse_args"
                else Resolved("sequence", items=(space, unknown("other arguments")))
            )
        if name == "prepare" and len(term.args) > 1:
            values = tuple(self.evaluator.value(frame, arg) for arg in term.args[1:])
            return values[0] if len(values) == 1 else Resolved("sequence", items=values)
        if name == "get" and len(term.args) > 1 and base.kind in ("config", "mapping"):
            return self._get(base, [self.evaluator.value(frame, arg) for arg in term.args[1:]])
        if name in ("copy", "items", "values", "keys") and base.kind in ("mapping", "config"):
            return base if name == "copy" else unknown(f".{name}() of a mapping")
        words = base.words
        if base.kind in ("object", "instance", "part"):
            made = f"{base.name}.{name}" if base.kind == "object" else f".{name}"
            return Resolved(
                "object",
                name=made,
                site=_site(frame, index),
                frame=frame,
                term=index,
                items=(base,),
                words=words,
            )
        return unknown(base.name or f".{name}() of a {base.kind}", words)

    def _get(self, base: Resolved, values: Sequence[Resolved]) -> Resolved:
        key = values[0]
        fallback = values[1] if len(values) > 1 else Resolved("const", value=None)
        if key.kind != "const" or not isinstance(key.value, str):
            return unknown("a key that is not constant")
        if base.kind == "config":
            found = self.evaluator.configs.get(base, key.value)
            return fallback if found.kind == "absent" else found
        if key.value in base.entries:
            return base.entries[key.value]
        return fallback if base.complete else unknown(f"key {key.value}")

    def _loader_class(self, term: Term, values: Sequence[Resolved]) -> str:
        for key, value in zip(term.keys, values, strict=True):
            if key == "Loader" or (
                key == "" and value.kind in ("external", "class") and value.name.endswith("Loader")
            ):
                return value.name
        return ""

    def _load_config(self, frame: Frame, index: int, term: Term, loader: str) -> Resolved:
        for argument in term.args[1:]:
            path = self._path_of(frame, argument)
            if path is not None:
                return self.evaluator.configs.load(path, frame.facts.path, loader, frame.span(index))
        return unknown("a config file whose name is not constant")

    def _path_of(self, frame: Frame, argument: int, depth: int = 0) -> str | None:
        value = self.evaluator.value(frame, argument).default()
        if value.kind == "const" and isinstance(value.value, str):
            return value.value
        if value.kind == "object" and value.frame is not None and depth < 4:
            made = value.frame.term(value.term)
            callee = value.frame.term(made.args[0])
            if callee.op == "attr":
                return self._path_of(value.frame, callee.args[0], depth + 1)
            if len(made.args) > 1:
                return self._path_of(value.frame, made.args[1], depth + 1)
        return None

    def _function(self, callee: Resolved, frame: Frame, index: int, term: Term) -> Resolved:
        if callee.frame is not None:
            return self._nested(callee, frame, term)
        if len(frame.chain) >= MAX_CALL_DEPTH:
            return unknown("calls too deep to follow")
        path, _, qualname = callee.name.partition("::")
        facts = self.evaluator.scope.facts(path, qualname)
        if facts is None:
            return unknown(f"{qualname} could not be read")
        called = self._call_frame(facts, frame, index, callee.items[0] if callee.items else None)
        results = [
            self.evaluator.value(called, back.term)
            for back in facts.returns
            if back.nested < 0 and not back.yields
        ]
        if any(back.yields and back.nested < 0 for back in facts.returns):
            return Resolved(
                "object", name=f"generator {qualname}", site=_site(frame, index), frame=frame, term=index
            )
        return join(results) if results else Resolved("const", value=None)

    def _nested(self, callee: Resolved, frame: Frame, term: Term) -> Resolved:
        assert callee.frame is not None
        owner = callee.frame
        record = callee.value
        results = [
            self.evaluator.value(owner, back.term)
            for back in owner.facts.returns
            if back.nested == record and not back.yields
        ]
        _ = frame, term
        return join(results) if results else unknown("the result of a local function")

    def _call_frame(self, facts: UnitFacts, frame: Frame, index: int, receiver: Resolved | None) -> Frame:
        key = (id(frame), index, f"{facts.path}::{facts.qualname}")
        known = self._frames.get(key)
        if known is None:
            bound = _Lazy(self, frame, index, facts)
            known = self._frames[key] = Frame(facts, bound, receiver, (_site(frame, index), *frame.chain))
        return known

    def in_call(self, made: Resolved, caller: Frame, call: int) -> Resolved:
        """An object made in a function, as one call of that function makes it."""
        assert made.frame is not None
        receiver = self._receiver(caller, call)
        return dataclasses.replace(made, frame=self._call_frame(made.frame.facts, caller, call, receiver))

    def _receiver(self, caller: Frame, call: int) -> Resolved | None:
        callee = self.evaluator.value(caller, caller.term(call).args[0])
        return callee.items[0] if callee.kind == "function" and callee.items else None

    def method_frame(self, base: Resolved, path: str, method: str) -> Frame | None:
        """The frame in which a method of this instance runs: its constructor call's arguments for
        `__init__`."""
        facts = self.evaluator.scope.facts(path, method)
        if facts is None:
            return None
        if base.frame is None:
            return self.evaluator.root(path, method)
        if method.endswith(".__init__"):
            return self._call_frame(facts, base.frame, base.term, base)
        key = (id(base.frame), base.term, f"{path}::{method} of the instance")
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = Frame(
                facts, None, base, (_site(base.frame, base.term), *base.frame.chain)
            )
        return known

    def constructor_field(self, base: Resolved, path: str, qualname: str, name: str) -> Resolved | None:
        """A field passed to the constructor of a class without `__init__` (a dataclass), None where it was
        not."""
        if base.frame is None or self.evaluator.scope.resolve(path, qualname, "__init__")[0]:
            return None
        term = base.frame.term(base.term)
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == name:
                return self.evaluator.value(base.frame, argument)
            if key == "**":
                mapping = self.evaluator.value(base.frame, argument)
                if name in mapping.entries:
                    return mapping.entries[name]
        return None

    def argument(self, caller: Frame, call: int, facts: UnitFacts, name: str) -> Resolved | None:
        """What a call passes for the parameter `name` of a project function; None when it passes nothing."""
        arguments = self.passed(caller, call, facts)
        found = arguments.get(name)
        if found is None and not arguments.complete:
            return unknown(f"parameter {name} may come from a starred argument")
        return found

    def passed(self, caller: Frame, call: int, facts: UnitFacts) -> Arguments:
        """The arguments a project function gets from a call of it, or from a call it is handed to as a
        value."""
        params = facts.params[1:] if _is_bound(caller, call, facts) else facts.params
        if self._is_handed_on(caller, call, facts):
            return self._handed_on(caller, call, params)
        return self.bind(caller, call, params)

    def _is_handed_on(self, caller: Frame, call: int, facts: UnitFacts) -> bool:
        wanted = f"{facts.path}::{facts.qualname}"
        record = caller.term(call)
        return any(caller.term(argument).name == wanted for argument in record.args[1:])

    def _handed_on(self, caller: Frame, call: int, params: Sequence[Parameter]) -> Arguments:
        """`Process(target=f, args=(a, b))` and `spawn(f, args=(a, b))`: the latter passes the rank first."""
        record = caller.term(call)
        given = dict(zip(record.keys, record.args[1:], strict=True))
        callee = self.evaluator.value(caller, record.args[0])
        result = Arguments({}, {})
        slots = [param.name for param in params if param.kind in ("normal", "positional-only")]
        if callee.name.rpartition(".")[2] == "spawn":
            for name in slots[:1]:
                result.bound[name] = unknown("the rank of the process")
            slots = slots[1:]
        if "args" in given:
            values = self.evaluator.value(caller, given["args"])
            result.complete = values.kind == "sequence"
            result.bound.update(zip(slots, values.items, strict=False))
        if "kwargs" in given:
            mapping = self.evaluator.value(caller, given["kwargs"])
            result.complete = result.complete and mapping.kind == "mapping" and mapping.complete
            result.bound.update(mapping.entries)
        return result

    def arguments(self, value: Resolved) -> Arguments:
        """The arguments of the call that made an object, by the parameter names the knowledge gives its
        callee."""
        if value.frame is None:
            return Arguments({}, {}, complete=False)
        entry = self.evaluator.entry(value.name)
        params = (
            [Parameter(param.name, param.kind, param.has_default) for param in entry.params] if entry else []
        )
        return self.bind(value.frame, value.term, params, entry.renamed if entry else {})

    def bind(
        self, frame: Frame, call: int, params: Sequence[Parameter], renamed: Mapping[str, str] | None = None
    ) -> Arguments:
        """A call's arguments by parameter name. Keywords that name no parameter keep their own name."""
        term = frame.term(call)
        result = Arguments({}, {})
        slots = iter([param for param in params if param.kind in ("normal", "positional-only", "star")])
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == "":
                slot = next(slots, None)
                if slot is not None and slot.kind != "star":
                    result.bound[slot.name] = self.evaluator.value(frame, argument)
                    result.terms[slot.name] = (frame, argument)
            elif key == "*":
                result.complete = False
                slots = iter(())
            elif key == "**":
                mapping = self.evaluator.value(frame, argument)
                result.bound.update(mapping.entries)
                result.complete = result.complete and mapping.kind == "mapping" and mapping.complete
            else:
                name = (renamed or {}).get(key, key)
                result.bound[name] = self.evaluator.value(frame, argument)
                result.terms[name] = (frame, argument)
        return result

    def option(self, space: Resolved, name: str) -> Resolved:
        """An option's value without any flag given; it carries the flag's name."""
        if self._options is None:
            self._options = {}
            for dest, option in self._declared():
                self._options.setdefault(dest, []).append(option)
        declared = self._options.get(name, [])
        if not declared:
            undeclared = unknown(f"option {name} is not declared in code that was read", frozenset({name}))
            stored = self._stored(name)
            return join(stored) if stored else undeclared
        site = space.site
        for near in (
            [o for o in declared if site and (o.path, o.qualname) == (site.path, site.qualname)],
            [o for o in declared if site and o.path == site.path],
            declared,
        ):
            if near:
                return self._overridden(near[-1].default, name)
        return unknown(f"option {name}", frozenset({name}))

    def _overridden(self, default: Resolved, name: str) -> Resolved:
        values = self._stored(name)
        return join([default, *values], option=default.option) if values else default

    def _stored(self, name: str) -> list[Resolved]:
        """What the program itself writes to an option: `args.distributed = args.world_size > 1`."""
        return [
            self.evaluator.value(frame, value)
            for frame, base, value in self.evaluator.scope.attribute_stores(name)
            if self.evaluator.value(frame, base).kind == "namespace"
        ]

    def _declared(self) -> Iterator[tuple[str, Option]]:
        scope = self.evaluator.scope
        defaults: dict[tuple[str, str], Resolved] = {}
        found: list[tuple[str, Option]] = []
        for path, qualname in scope.units_mentioning("add_argument"):
            frame = self.evaluator.root(path, qualname)
            if frame is None:
                continue
            for event in frame.facts.events:
                if event.kind != "call":
                    continue
                call = frame.facts.terms[event.term]
                callee = frame.facts.terms[call.args[0]]
                if callee.op != "attr":
                    continue
                if callee.name == "add_argument":
                    dest, option = self._declare(frame, event.term, call)
                    if dest:
                        found.append((dest, Option(path, qualname, option)))
                elif callee.name == "set_defaults":
                    for key, argument in zip(call.keys, call.args[1:], strict=True):
                        if key and not key.startswith("*"):
                            defaults[path, key] = self.evaluator.value(frame, argument)
        for dest, declared in found:
            changed = defaults.get((declared.path, dest))
            if changed is None:
                yield dest, declared
                continue
            default = dataclasses.replace(changed, option=declared.default.option)
            yield dest, Option(declared.path, declared.qualname, default)

    def _declare(self, frame: Frame, index: int, call: Term) -> tuple[str, Resolved]:
        flags: list[str] = []
        keywords: dict[str, int] = {}
        for key, argument in zip(call.keys, call.args[1:], strict=True):
            if key == "":
                value = frame.term(argument).value
                if isinstance(value, str):
                    flags.append(value)
            elif not key.startswith("*"):
                keywords[key] = argument
        dest = _constant(frame, keywords.get("dest")) or _destination(flags)
        if not isinstance(dest, str):
            return "", unknown("an option without a name")
        flag = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else dest)
        words = frozenset({dest})
        origin = Origin(frame.span(index), f"default of {flag}")
        action = _constant(frame, keywords.get("action"))
        if "default" in keywords:
            default = self.evaluator.value(frame, keywords["default"])
            default = self._typed(frame, keywords.get("type"), default)
            default = dataclasses.replace(default, option=flag, words=default.words | words)
            return dest, default.with_origin(Origin(frame.span(keywords["default"]), f"default of {flag}"))
        if isinstance(action, str) and action in _STORES:
            return dest, Resolved("const", value=_STORES[action], option=flag, origins=(origin,), words=words)
        if not flag.startswith("-") or _constant(frame, keywords.get("required")) is True:
            return dest, unknown(f"option {flag} has no default", words)
        return dest, Resolved("const", value=None, option=flag, origins=(origin,), words=words)

    def _typed(self, frame: Frame, type_term: int | None, value: Resolved) -> Resolved:
        # argparse passes a default that is text through `type`; other defaults stay as they are.
        if type_term is None or not isinstance(value.value, str):
            return value
        kind = self.evaluator.value(frame, type_term)
        function = _CONVERSIONS.get(kind.name)
        return self._convert(function, value) if function is not None else value


class _Lazy(Mapping[str, Resolved]):
    """The bindings of one call, each argument evaluated when asked for."""

    def __init__(self, calls: CallEvaluator, frame: Frame, call: int, facts: UnitFacts) -> None:
        self._calls = calls
        self._frame = frame
        self._call = call
        self._facts = facts
        self._arguments: Arguments | None = None

    def _all(self) -> Arguments:
        if self._arguments is None:
            self._arguments = Arguments({}, {})
            self._arguments = self._calls.passed(self._frame, self._call, self._facts)
            if not self._arguments.complete:
                for param in self._facts.params:
                    self._arguments.bound.setdefault(
                        param.name, unknown(f"parameter {param.name}: starred argument")
                    )
        return self._arguments

    def __getitem__(self, name: str) -> Resolved:
        return self._all().bound[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all().bound

    def __iter__(self) -> Iterator[str]:
        return iter(self._all().bound)

    def __len__(self) -> int:
        return len(self._all().bound)


def _is_bound(frame: Frame, call: int, facts: UnitFacts) -> bool:
    if not facts.params or facts.params[0].name not in ("self", "cls") or "." not in facts.qualname:
        return False
    callee = frame.term(frame.term(call).args[0])
    return callee.op == "attr" or facts.qualname.endswith("__init__")


def _site(frame: Frame, index: int) -> Site:
    return Site(frame.facts.path, frame.facts.qualname, index)


def _constant(frame: Frame, term: int | None) -> Scalar:
    return None if term is None else frame.term(term).value


def _destination(flags: Sequence[str]) -> str | None:
    chosen = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else None)
    return None if chosen is None else chosen.lstrip("-").replace("-", "_")
