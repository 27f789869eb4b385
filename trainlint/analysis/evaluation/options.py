"""Command-line options: what the program reads when no flag is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.conversions import CONVERSIONS, convert, literal
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, join, same, unknown
from trainlint.analysis.facts import Event, Parameter, Scalar, Term
from trainlint.findings import Span

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_KINDS = {int: "builtins.int", float: "builtins.float"}
_STORES = {"store_true": False, "store_false": True}
_CLASSES = frozenset({"add_arguments", "add_class_arguments", "add_dataclass_arguments"})
_DECLARING = frozenset({"add_argument"}) | _CLASSES
"""What parsers' methods are called that declare options; some those of a class's fields."""

_MAX_TERMS = 64
"""Most parts of a condition that are looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """A command-line option: where it was declared and what it is without a flag.

    `flags` are all its spellings; `kind` is the callable that its text passes through ("" for none).
    """

    path: str
    qualname: str
    default: Resolved
    flags: tuple[str, ...] = ()
    kind: str = ""
    at: Span | None = None


class Options:
    """The options a program declares, found once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._options: dict[str, list[Option]] | None = None
        self._set: list[tuple[Frame, Event]] | None = None

    def declared(self) -> dict[str, list[Option]]:
        """Every option by the name its value is read under."""
        if self._options is None:
            self._options = {}
            for dest, option in self._declared():
                self._options.setdefault(dest, []).append(option)
        return self._options

    def lacks(self, space: Resolved, name: str) -> bool:
        """Whether parsed options have none of that name: none is declared, and none is written."""
        if space.kind != "namespace" or name in self.declared():
            return False
        return self.evaluator.changes.after(space, name, Resolved("absent"), None).kind == "absent"

    def option(self, space: Resolved, name: str, reader: Frame | None = None) -> Resolved:
        """An option's value without any flag given, as the reader's unit sees it; it carries the flag's
        name."""
        declared = self.declared().get(name, [])
        if not declared:
            written = self.evaluator.changes.after(space, name, Resolved("absent"), reader)
            missing = f"option {name} is not declared in code that was read"
            return unknown(missing, frozenset({name})) if written.kind == "absent" else written
        site = space.site
        for near in (
            [o for o in declared if site and (o.path, o.qualname) == (site.path, site.qualname)],
            [o for o in declared if site and o.path == site.path],
            declared,
        ):
            if near:
                found = join(self._rivals(name, near))
                return self.evaluator.changes.after(space, name, found, reader)
        return unknown(f"option {name}", frozenset({name}))

    def _rivals(self, name: str, declared: Sequence[Option]) -> list[Resolved]:
        """What the last declaration of an option gives, and others of the same unit that give something else:
        those of other subcommands, or of other branches."""
        last = declared[-1]
        place = (last.path, last.qualname)
        given = [
            self.launched(dataclasses.replace(each, default=self.defaults_set(name, each)))
            for each in declared
            if each is last or (each.path, each.qualname) == place
        ]
        if all(same(given[-1], other) for other in given[:-1]):
            return given[-1:]
        return given

    def launched(self, option: Option) -> Resolved:
        """What the project's launch lines give for an option, if they all do; else its default."""
        given = [
            self._given(option, text).with_origin(Origin(span, "the launch line"))
            for text, span in self.evaluator.scope.launched(option.flags or (option.default.option,))
        ]
        if not given:
            return option.default
        if all(same(given[0], other) for other in given[1:]):
            return given[0]
        return join(given)

    def _given(self, option: Option, text: str | bool | None) -> Resolved:
        """The value of an option for the text behind its flag; True for a flag alone."""
        default = option.default
        if text is None:
            return unknown(f"{default.option} of the launch line is not known", default.words)
        if text is True:
            value: Scalar = not default.value if isinstance(default.value, bool) else True
            return Resolved("const", value=value, option=default.option, words=default.words)
        kind = option.kind or _KINDS.get(type(default.value), "")
        plain = Resolved("const", value=text, option=default.option, words=default.words)
        if kind in CONVERSIONS and kind != "builtins.bool":
            return convert(CONVERSIONS[kind], plain)
        if kind in ("", "builtins.str"):
            return plain
        return unknown(f"{default.option} of the launch line is not known", default.words)

    def spelled(self, text: str | bool | None, origin: Origin, key: str) -> Resolved:
        """The value that a launch line gives for a key of a config."""
        words = frozenset({key.rpartition(".")[2]})
        if text is None:
            return unknown(f"{key} of the launch line is not known", words)
        return Resolved("const", value=literal(text), option=key, origins=(origin,), words=words)

    def _declared(self) -> Iterator[tuple[str, Option]]:
        scope = self.evaluator.scope
        for path, qualname in scope.units_calling(_DECLARING):
            frame = self.evaluator.root(path, qualname)
            for event in frame.facts.events if frame is not None else ():
                if event.kind != "call" or frame is None:
                    continue
                call = frame.facts.terms[event.term]
                callee = frame.facts.terms[call.args[0]]
                if callee.op != "attr" or callee.name not in _DECLARING:
                    continue
                if callee.name in _CLASSES:
                    yield from self._structured(frame, event.term)
                    continue
                dest, option = self._declare(frame, event.term, call)
                if dest:
                    flags, kind = self._spelled(frame, call)
                    at = frame.span(event.term)
                    yield dest, Option(path, qualname, option, flags, kind, at)
                else:
                    yield from self._declared_for_each(frame, event)

    def _structured(self, frame: Frame, index: int) -> Iterator[tuple[str, Option]]:
        """`parser.add_arguments(Config, dest="config")`: a class whose fields are options of their own."""
        params = [Parameter(name, "normal", True) for name in ("target", "dest")]
        given = self.evaluator.binder.bind(frame, index, params)
        target = given.get("target") or given.get("dataclass") or given.get("theclass")
        dest = given.get("dest") or given.get("nested_key")
        if target is None or dest is None or not isinstance(dest.value, str):
            return
        flat = frame.term(frame.term(index).args[0]).name == "add_arguments"
        prefix = "--" if flat else f"--{dest.value}."
        made = self.evaluator.structures.parsed(target, frame, index, prefix)
        made = dataclasses.replace(made, keys=("flat",) if flat else ())
        yield dest.value, Option(frame.facts.path, frame.facts.qualname, made)

    def defaults_set(self, name: str, option: Option) -> Resolved:
        """An option's default after every `parser.set_defaults` that names it."""
        if self._set is None:
            self._set = list(self._set_defaults())
        found = option.default
        for frame, event in self._set:
            if not self._concerns(frame, event, option) or _asks_for(frame, event, name):
                continue
            given = self._given_default(frame, frame.term(event.term), name)
            happens = None if given.kind == "absent" else self.evaluator.changes.happens(frame, event)
            if given.kind == "absent" or happens is False:
                continue
            given = dataclasses.replace(given, option=option.default.option)
            found = given if happens else join([found, given])
        return found

    def _set_defaults(self) -> Iterator[tuple[Frame, Event]]:
        for place in self.evaluator.scope.units_calling(("set_defaults",)):
            frame = self.evaluator.root(*place)
            for event in self.evaluator.scope.events(frame.facts) if frame is not None else ():
                if event.kind != "call" or frame is None:
                    continue
                callee = frame.term(frame.term(event.term).args[0])
                if callee.op == "attr" and callee.name == "set_defaults":
                    yield frame, event

    def _concerns(self, frame: Frame, event: Event, option: Option) -> bool:
        """Whether a `set_defaults` may be of the parser that an option was declared for."""
        receiver = self.evaluator.value(frame, frame.term(frame.term(event.term).args[0]).args[0]).default()
        made = receiver.site.path if receiver.site is not None else option.path
        return option.path in (made, frame.facts.path)

    def _given_default(self, frame: Frame, call: Term, name: str) -> Resolved:
        found = Resolved("absent")
        for key, argument in zip(call.keys, call.args[1:], strict=True):
            if key == name:
                found = self.evaluator.value(frame, argument)
            elif key == "**":
                held = self.evaluator.trees.child(self.evaluator.value(frame, argument), name)
                found = found if held.kind == "absent" else held
        return found

    def _spelled(self, frame: Frame, call: Term) -> tuple[tuple[str, ...], str]:
        """The flags of an `add_argument` and the name of its type."""
        given = list(zip(call.keys, call.args[1:], strict=True))
        texts = [frame.term(argument).value for key, argument in given if key == ""]
        kind = next((argument for key, argument in given if key == "type"), None)
        name = "" if kind is None else self.evaluator.value(frame, kind).name or "a type"
        return tuple(text for text in texts if isinstance(text, str)), name

    def _declared_for_each(self, frame: Frame, event: Event) -> Iterator[tuple[str, Option]]:
        """`for name, value in defaults.items(): parser.add_argument(f"--{name}", default=value)`."""
        if event.loop < 0:
            return
        source = frame.term(frame.facts.loops[event.loop].source)
        callee = frame.term(source.args[0]) if source.op == "call" else source
        if callee.op != "attr" or callee.name != "items":
            return
        place = (frame.facts.path, frame.facts.qualname)
        for name, value in self.evaluator.value(frame, callee.args[0]).entries.items():
            default = dataclasses.replace(value, option=f"--{name}", words=value.words | {name})
            yield name, Option(*place, default)

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
        function = CONVERSIONS.get(self._converter(kind) if kind.kind == "function" else kind.name)
        if function is None and kind.kind == "function":
            return unknown(f"what {kind.name.rpartition('::')[2] or 'a function'} makes of {value.value!r}")
        return convert(function, value) if function is not None else value

    def _converter(self, function: Resolved) -> str:
        """The type that a function of the project gives by no more than calling it: `return float(text)`; ""
        for all others."""
        path, _, qualname = function.name.partition("::")
        frame = self.evaluator.root(path, qualname) if function.frame is None else None
        returned = frame.facts.returns if frame is not None else []
        if frame is None or len(returned) != 1:
            return ""
        made = frame.term(returned[0].term)
        plain = made.op == "call" and len(made.args) == 2 and frame.term(made.args[1]).op == "param"
        return frame.term(made.args[0]).name if plain else ""


def _asks_for(frame: Frame, event: Event, name: str) -> bool:
    """Whether an option decides if something happens: `if args.config:`. Then it was parsed before."""
    waiting = [condition.term for condition in event.conditions]
    for _ in range(_MAX_TERMS):
        if not waiting:
            break
        record = frame.term(waiting.pop())
        if record.op == "attr" and record.name == name:
            return True
        waiting += record.args
    return False


def _constant(frame: Frame, term: int | None) -> Scalar:
    return None if term is None else frame.term(term).value


def _destination(flags: Sequence[str]) -> str | None:
    chosen = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else None)
    return None if chosen is None else chosen.lstrip("-").replace("-", "_")
