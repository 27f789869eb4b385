"""What calls evaluate to: objects of known callees, project functions' returns, options, a few builtins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainlint.analysis.evaluation.arguments import Arguments, LazyArguments
from trainlint.analysis.evaluation.conversions import CONVERSIONS, convert
from trainlint.analysis.evaluation.flags import is_made_here
from trainlint.analysis.evaluation.option_fields import field_default
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, Site, describe, join, unknown
from trainlint.analysis.facts import Parameter, Term, UnitFacts
from trainlint.knowledge.base import Entry

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

MAX_CALL_DEPTH = 12
_OPEN_DICT = "easydict.EasyDict"
GENERATOR = "generator "
"""Begins the name of what a project function with `yield` returns."""
_SAME_OBJECT = frozenset(
    "to cuda cpu xpu float half double bfloat16 train eval requires_grad_ share_memory compile copy".split()
)
_TEXT_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower, "upper": str.upper, "strip": str.strip, "casefold": str.casefold,
}  # fmt: skip
_FOLDS: dict[str, Callable[..., Any]] = {
    "builtins.max": max, "builtins.min": min, "builtins.abs": abs, "builtins.round": round,
    "builtins.str": str, "math.sqrt": lambda x: x**0.5,
}  # fmt: skip


_COPIES = frozenset({"builtins.list", "builtins.tuple", "copy.deepcopy", "copy.copy", "builtins.vars"})
_WORDS_DEPTH = 4
"""How far down an unread call's arguments are looked through for what they are called."""


class CallEvaluator:
    """The part of the evaluator that knows calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._frames: dict[tuple[int, int, str], Frame] = {}
        self._opaque: dict[str, bool] = {}
        self._stands_for: dict[str, str] = {}

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
        if callee.kind == "class" and self._is_open_dict(callee):
            return Resolved("object", name=_OPEN_DICT, site=_site(frame, index), frame=frame, term=index)
        if callee.kind == "class":
            base = self.stands_for(callee.name)
            if base:
                return Resolved("object", name=base, site=_site(frame, index), frame=frame, term=index)
            return Resolved("instance", name=callee.name, site=_site(frame, index), frame=frame, term=index)
        if callee.kind == "function":
            return self._function(callee, frame, index)
        record = frame.term(term.args[0])
        if record.op == "attr":
            return self._method(frame, index, term, record)
        if callee.kind in ("object", "instance", "part"):
            return Resolved(
                "object", name=f"{callee.name}()", site=_site(frame, index), frame=frame, term=index
            )
        return unknown(f"the result of {callee.name or 'a call'}")

    def stands_for(self, name: str) -> str:
        """The loader of a library that a project class is, but for what it does behind it: its constructor
        passes on what it gets. "" for other classes."""
        if name not in self._stands_for:
            self._stands_for[name] = self._loader_behind(*name.split("::", 1))
        return self._stands_for[name]

    def _loader_behind(self, path: str, qualname: str) -> str:
        for base in self.evaluator.scope.foreign_bases(path, qualname):
            entry = self.evaluator.entry(self.evaluator.knowledge.canonical(base))
            if entry is None or entry.kind != "loader":
                continue
            kind, where, method = self.evaluator.scope.resolve(path, qualname, "__init__")
            facts = self.evaluator.scope.facts(where, method) if kind == "function" else None
            return entry.name if kind != "function" or (facts and _passes_on(facts)) else ""
        return ""

    def _is_open_dict(self, callee: Resolved) -> bool:
        """Whether a project class is a dict whose keys are attributes, and no more."""
        path, _, qualname = callee.name.partition("::")
        methods = {method.rpartition(".")[2] for _, method in self.evaluator.scope.methods(path, qualname)}
        if "__getattr__" not in methods or "__init__" in methods:
            return False
        return "builtins.dict" in self.evaluator.scope.foreign_bases(path, qualname)

    def _external(self, name: str, frame: Frame, index: int, term: Term) -> Resolved:
        if self._is_opaque(name):
            words = frozenset(_words(frame, term.args[1:], _WORDS_DEPTH))
            return Resolved(
                "object", name=name, site=_site(frame, index), frame=frame, term=index, words=words
            )
        values = [self.evaluator.value(frame, arg) for arg in term.args[1:]]
        if name == "builtins.dict":
            return self._dict(frame, index, term, values)
        if name in _COPIES and len(values) == 1:
            return values[0]
        if name == "builtins.getattr" and len(values) >= 2 and isinstance(values[1].value, str):
            return self.evaluator.attribute(values[0], values[1].value)
        if name in CONVERSIONS and len(values) == 1:
            self.evaluator.configs.note_use(values[0], frame.span(index), converted=True)
            return convert(CONVERSIONS[name], values[0])
        if name in _FOLDS and values and all(value.kind == "const" for value in values):
            return self._fold(_FOLDS[name], values, Origin(frame.span(index), ""))
        if name == "builtins.len" and len(values) == 1 and values[0].kind == "sequence":
            return Resolved("const", value=len(values[0].items), derived=True, option=values[0].option)
        if name == "importlib.import_module" and values:
            return self._imported(frame, index, name, values[0].default())
        entry = self.evaluator.entry(name)
        keywords = entry.extra.get("keywords") if entry is not None else None
        if entry is not None and isinstance(keywords, dict) and values:
            return self._keywords(values[0], keywords, entry.extra.get("optional"))
        if entry is not None and entry.kind == "changed-copy" and values:
            return self._changed(values[0], frame, term)
        if entry is not None and entry.kind == "option-field":
            return field_default(self.evaluator, entry, frame, index)
        held = self._settings(entry, frame, index, values) if entry is not None else None
        if held is not None:
            return held
        loader = self.evaluator.configs.loader_of(name, self._loader_class(term, values))
        if loader is not None and not is_made_here(name, values):
            return self._load_config(frame, index, term, loader)
        if entry is not None and entry.extra.get("passes") and values:
            return values[0]
        if entry is not None and entry.extra.get("environment") and len(values) > 1:
            return self._of_environment(*values[:2])
        words = frozenset().union(*(value.words for value in values)) if values else frozenset()
        given = entry.extra.get("gives") if entry is not None else None
        if isinstance(given, (bool, int, float, str)):
            # Of many processes, the first is the one that is read: its rank is 0.
            own = frozenset({name.rpartition(".")[2]})
            origin = Origin(frame.span(index), "in the first process")
            option = str(entry.extra.get("option", "")) if entry is not None else ""
            return Resolved("const", value=given, option=option, origins=(origin,), words=own, derived=True)
        return Resolved("object", name=name, site=_site(frame, index), frame=frame, term=index, words=words)

    def _of_environment(self, name: Resolved, default: Resolved) -> Resolved:
        """A variable of the environment, where the program says what it is when nothing sets it."""
        words = default.words | (frozenset({name.value}) if isinstance(name.value, str) else frozenset())
        return dataclasses.replace(default, option=str(name.value or "environment"), words=words)

    def _is_opaque(self, name: str) -> bool:
        """Whether nothing is known of what a library's function makes of its arguments: most functions of
        tensors. They are not evaluated, as each may be made of calls without end."""
        known = self._opaque.get(name)
        if known is None:
            known = self._opaque[name] = not (
                name.startswith("builtins.")
                or name in CONVERSIONS
                or name in _FOLDS
                or name in _COPIES
                or name == "importlib.import_module"
                or self.evaluator.entry(name) is not None
                or self.evaluator.configs.loader_of(name, "") is not None
            )
        return known

    def _settings(
        self, entry: Entry, frame: Frame, index: int, values: Sequence[Resolved]
    ) -> Resolved | None:
        """What a call gives that reads options into an object, or makes a tree of settings."""
        if entry.kind == "command":
            return self.evaluator.structures.command(entry, frame, index)
        return self.evaluator.trees.made(entry, frame, index, values)

    def method_arguments(self, entry: Entry, frame: Frame, index: int) -> Arguments:
        """The arguments of a call of a known method, by the parameter names the knowledge gives."""
        params = [Parameter(param.name, param.kind, param.has_default) for param in entry.params]
        return self.evaluator.binder.bind(frame, index, params, entry.renamed)

    def _keywords(self, options: Resolved, keywords: Mapping[str, object], optional: object) -> Resolved:
        """The keyword arguments that a helper of a library takes out of options, optional ones if there are
        such options."""
        left = {
            key
            for key in (optional if isinstance(optional, list) else ())
            if self.evaluator.options.lacks(options, str(keywords.get(key)))
        }
        entries = {
            key: self.evaluator.attribute(options, str(name))
            for key, name in keywords.items()
            if key not in left
        }
        return Resolved("mapping", entries=entries)

    def _imported(self, frame: Frame, index: int, name: str, module: Resolved) -> Resolved:
        """A module of the project that is imported by its name; of others, the object the call gives."""
        if module.kind == "const" and isinstance(module.value, str):
            path = self.evaluator.scope.imported(frame.facts.path, module.value)
            if path:
                return Resolved("module", name=f"{path}::")
        return Resolved("object", name=name, site=_site(frame, index), frame=frame, term=index)

    def _fold(self, function: Callable[..., Any], values: Sequence[Resolved], origin: Origin) -> Resolved:
        try:
            result = function(*(value.value for value in values))
        except (TypeError, ValueError, ArithmeticError):
            return unknown("a computation that fails")
        option = next((value.option for value in values if value.option), "")
        origins = (origin, *(step for value in values for step in value.origins))[:5]
        words = frozenset().union(*(value.words for value in values))
        return Resolved("const", value=result, option=option, origins=origins, words=words, derived=True)

    def _dict(self, frame: Frame, index: int, term: Term, values: Sequence[Resolved]) -> Resolved:
        site = _site(frame, index)
        if any(value.kind != "mapping" and self.evaluator.trees.has(value) for value in values):
            named = zip(term.keys, values, strict=True)
            layers = [
                Resolved("mapping", entries={key: value}) if key and not key.startswith("*") else value
                for key, value in named
            ]
            return Resolved("overlay", items=tuple(layers))
        entries: dict[str, Resolved] = {}
        complete = True
        for key, value in zip(term.keys, values, strict=True):
            if key and not key.startswith("*"):
                entries[key] = value
            else:
                entries.update(value.entries)
                complete = complete and value.kind == "mapping" and value.complete
        return Resolved("mapping", entries=entries, complete=complete, site=site)

    def _method(self, frame: Frame, index: int, term: Term, record: Term) -> Resolved:
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
        if name == "prepare" and len(term.args) > 1:
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
                site=_site(frame, index),
                frame=frame,
                term=index,
                items=(base,),
                words=words,
            )
        return unknown(base.name or f".{name}() of a {base.kind}", words)

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
                return Resolved("overlay", items=(base,), site=_site(frame, index))
        return None

    def _changed(self, base: Resolved, frame: Frame, term: Term) -> Resolved:
        """A copy with other fields: `dataclasses.replace(config, lr=0.1)`."""
        given = zip(term.keys, term.args[1:], strict=True)
        changes = {key: self.evaluator.value(frame, arg) for key, arg in given if key and key[0] != "*"}
        complete = not any(key.startswith("*") for key in term.keys)
        layer = Resolved("mapping", entries=changes, complete=complete)
        return Resolved("overlay", items=(base, layer))

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

    def _loader_class(self, term: Term, values: Sequence[Resolved]) -> str:
        for key, value in zip(term.keys, values, strict=True):
            if key == "Loader" or (
                key == "" and value.kind in ("external", "class") and value.name.endswith("Loader")
            ):
                return value.name
        return ""

    def _load_config(self, frame: Frame, index: int, term: Term, loader: str) -> Resolved:
        for argument in term.args[1:]:
            path = self.evaluator.file_names.of(frame, argument)
            if path is not None:
                return self.evaluator.configs.load(path, frame.facts.path, loader, frame.span(index))
        reasons = (self.evaluator.value(frame, argument) for argument in term.args[1:])
        named = next((value.name for value in reasons if value.kind == "unknown"), "")
        return unknown(f"a config file whose name is not constant{f' ({named})' if named else ''}")

    def _function(self, callee: Resolved, frame: Frame, index: int) -> Resolved:
        if callee.frame is not None:
            return self._nested(callee)
        if len(frame.chain) >= MAX_CALL_DEPTH:
            return unknown("calls too deep to follow")
        path, _, qualname = callee.name.partition("::")
        facts = self.evaluator.scope.facts(path, qualname)
        if facts is None:
            return unknown(f"{qualname} could not be read")
        if (path, qualname) in frame.units:
            return unknown(f"{qualname} calls itself")
        decorator = self.evaluator.decorators.replacing(facts)
        if decorator:
            return unknown(f"{decorator} may replace {qualname}")
        called = self._call_frame(facts, frame, index, callee.items[0] if callee.items else None)
        results = [
            self.evaluator.value(called, back.term)
            for back in facts.returns
            if back.nested < 0 and not back.yields
        ]
        if any(back.yields and back.nested < 0 for back in facts.returns):
            return Resolved(
                "object", name=f"{GENERATOR}{qualname}", site=_site(frame, index), frame=frame, term=index
            )
        return join(results) if results else Resolved("const", value=None)

    def result_of(self, factory: Resolved, frame: Frame, index: int) -> Resolved:
        """What a function or class gives that the call at `index` calls without arguments."""
        if factory.kind == "class":
            return Resolved("instance", name=factory.name, site=_site(frame, index))
        if factory.kind == "function" and factory.frame is not None:
            return self._nested(factory)
        if factory.kind == "function":
            path, _, qualname = factory.name.partition("::")
            called = self.evaluator.root(path, qualname)
            returns = [] if called is None else [each for each in called.facts.returns if each.nested < 0]
            if called is not None and returns and not called.facts.params:
                return join([self.evaluator.value(called, each.term) for each in returns])
        if factory.name in ("builtins.list", "builtins.tuple"):
            return Resolved("sequence")
        if factory.name == "builtins.dict":
            return Resolved("mapping")
        return unknown(f"what {describe(factory)} makes")

    def yielded(self, generator: Resolved) -> list[Resolved]:
        """What a generator of the project gives, each `yield` of it."""
        frame = generator.frame
        if frame is None or not generator.name.startswith(GENERATOR):
            return []
        found: list[Resolved] = []
        for callee in self.evaluator.value(frame, frame.term(generator.term).args[0]).alternatives():
            path, _, qualname = callee.name.partition("::")
            facts = self.evaluator.scope.facts(path, qualname) if callee.kind == "function" else None
            if facts is None or callee.frame is not None:
                continue
            called = self._call_frame(facts, frame, generator.term, callee.items[0] if callee.items else None)
            found += [
                self.evaluator.value(called, back.term)
                for back in facts.returns
                if back.yields and back.nested < 0
            ]
        return found

    def _nested(self, callee: Resolved) -> Resolved:
        assert callee.frame is not None
        owner = callee.frame
        record = callee.value
        results = [
            self.evaluator.value(owner, back.term)
            for back in owner.facts.returns
            if back.nested == record and not back.yields
        ]
        if isinstance(record, int) and owner.facts.nested[record].result >= 0:
            results.append(self.evaluator.value(owner, owner.facts.nested[record].result))
        return join(results) if results else unknown("the result of a local function")

    def _call_frame(self, facts: UnitFacts, frame: Frame, index: int, receiver: Resolved | None) -> Frame:
        key = (id(frame), index, f"{facts.path}::{facts.qualname}")
        known = self._frames.get(key)
        if known is None:
            bound = LazyArguments(self.evaluator.binder, frame, index, facts)
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
        if base.frame is None and not base.option:
            return self.evaluator.root(path, method)
        if base.frame is None:
            return self._parsed_frame(base, facts)
        if method.endswith(".__init__"):
            return self._call_frame(facts, base.frame, base.term, base)
        key = (id(base.frame), base.term, f"{path}::{method} of the instance")
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = Frame(
                facts, None, base, (_site(base.frame, base.term), *base.frame.chain)
            )
        return known

    def computed(self, base: Resolved, path: str, method: str) -> Resolved:
        """What a property of an instance is."""
        frame = self.method_frame(base, path, method)
        returns = [back for back in frame.facts.returns if back.nested < 0] if frame is not None else []
        if frame is None or not returns or any(back.yields for back in returns):
            return unknown(f"the property {method}")
        return join([self.evaluator.value(frame, back.term) for back in returns])

    def _parsed_frame(self, base: Resolved, facts: UnitFacts) -> Frame:
        """The frame of a method of an object that a command line fills."""
        key = (0, -1, f"{facts.path}::{facts.qualname} {base.option} {base.site}")
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = Frame(facts, None, base)
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
                held = self.evaluator.configs.get(mapping, name) if mapping.kind == "config" else None
                if held is not None and held.kind != "absent":
                    return held
                if held is None and not (mapping.kind == "mapping" and mapping.complete):
                    return unknown(f"{name} may be passed by a starred argument", frozenset({name}))
        return None


def _passes_on(facts: UnitFacts) -> bool:
    """Whether a constructor takes any arguments, and calls the next one with just these."""
    if [param.kind for param in facts.params[1:]] != ["star", "double-star"]:
        return False
    calls = (facts.terms[event.term] for event in facts.events if event.kind == "call")
    return any(
        facts.terms[call.args[0]].name == "__init__" and list(call.keys) == ["*", "**"] for call in calls
    )


def _site(frame: Frame, index: int) -> Site:
    return Site(frame.facts.path, frame.facts.qualname, index)


def _words(frame: Frame, terms: Iterable[int], depth: int) -> Iterator[str]:
    """The names of parameters and attributes that terms are made of."""
    for index in terms:
        term = frame.term(index)
        if term.op in ("attr", "param"):
            yield term.name
        if depth:
            yield from _words(frame, term.args, depth - 1)
