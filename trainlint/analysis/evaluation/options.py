"""Command-line options: what the program reads when no flag is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.conversions import CONVERSIONS, convert
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, join, same, unknown
from trainlint.analysis.facts import Event, Scalar, Term
from trainlint.findings import Span

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_KINDS = {int: "builtins.int", float: "builtins.float"}
_STORES = {"store_true": False, "store_false": True}


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

    def declared(self) -> dict[str, list[Option]]:
        """Every option by the name its value is read under."""
        if self._options is None:
            self._options = {}
            for dest, option in self._declared():
                self._options.setdefault(dest, []).append(option)
        return self._options

    def option(self, space: Resolved, name: str) -> Resolved:
        """An option's value without any flag given; it carries the flag's name."""
        declared = self.declared().get(name, [])
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
                return self._overridden(self._launched(near[-1]), name)
        return unknown(f"option {name}", frozenset({name}))

    def _launched(self, option: Option) -> Resolved:
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

    def _overridden(self, default: Resolved, name: str) -> Resolved:
        values = self._stored(name)
        if not values:
            return default
        # `default=None` holds the place until the program computes the value.
        computed = default.kind == "const" and default.value is None
        return join(values if computed else [default, *values], option=default.option)

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
                        flags, kind = self._spelled(frame, call)
                        at = frame.span(event.term)
                        found.append((dest, Option(path, qualname, option, flags, kind, at)))
                    else:
                        found += self._declared_for_each(frame, event)
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
            yield dest, dataclasses.replace(declared, default=default)

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
        function = CONVERSIONS.get(kind.name)
        return convert(function, value) if function is not None else value


def _constant(frame: Frame, term: int | None) -> Scalar:
    return None if term is None else frame.term(term).value


def _destination(flags: Sequence[str]) -> str | None:
    chosen = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else None)
    return None if chosen is None else chosen.lstrip("-").replace("-", "_")
