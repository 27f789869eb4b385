"""What the evaluator asks of its surroundings: the program around a unit, and the configs it loads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event, UnitFacts
from trainlint.findings import Span


class ConfigReader(Protocol):
    """How the evaluator reads config files that the program loads."""

    @property
    def read(self) -> frozenset[str]:
        """Paths of the configs read so far."""

    def loader_of(self, callee: str, loader_class: str) -> str | None:
        """The kind of loader behind a callee, None where it reads no config."""

    def load(self, literal: str, from_file: str, loader: str, at: Span | None) -> Resolved:
        """The whole of a config file named by a literal path, as a config value; unknown where it cannot be
        found."""

    def reference(self, config: Resolved, key: str) -> str:
        """The dotted key that `${a.b}` under a key refers to; "" where no such reference stands there."""

    def keys(self, config: Resolved) -> Sequence[str]:
        """The keys of a config value, in their order; none where it is no mapping."""

    def header(self, config: Resolved) -> str:
        """The package that a comment at a file's top names (`# @package _global_`), "" without one."""

    def get(self, config: Resolved, key: str | int) -> Resolved:
        """One key below a config value: const, config, sequence or absent."""

    def note_use(
        self, value: Resolved, at: Span | None, *, numeric: bool = False, converted: bool = False
    ) -> None:
        """The code takes this value out of a config, and as what."""


class ProgramScope(Protocol):
    """What the evaluator asks about the program around a unit."""

    def facts(self, path: str, qualname: str) -> UnitFacts | None:
        """The close reading of a unit, None where there is no such unit or it cannot be read."""

    def call_sites(self, path: str, qualname: str) -> Sequence[tuple[Frame, int]]:
        """The calls of a function (for `__init__`: of its class) in the program."""

    def resolve(self, path: str, qualname: str, name: str) -> tuple[str, str, str]:
        """(kind, path, qualname) of a member `name` of a project class or module; kind "" where there is
        none."""

    def imported(self, path: str, module: str) -> str:
        """The path of the project's module that a file means by an absolute name; "" where there is none."""

    def methods(self, path: str, qualname: str) -> Sequence[tuple[str, str]]:
        """(path, qualname) of every method of a class, bases included, the class's own first."""

    def own_stores(self, path: str, qualname: str, name: str) -> Sequence[tuple[tuple[str, str], Event]]:
        """What the methods of a class store in an attribute of `self`, outside of nested functions: the
        method's (path, qualname) and the event, in order."""

    def foreign_bases(self, path: str, qualname: str) -> Iterator[str]:
        """The absolute names of a project class's bases outside the project, its project bases' included."""

    def attribute_stores(self, name: str) -> Sequence[tuple[Frame, int, int]]:
        """(frame, base term, value term) of every `x.name = value` in the program."""

    def units_mentioning(self, word: str) -> Sequence[tuple[str, str]]:
        """(path, qualname) of the program's units in which the word occurs."""

    def decorators(self, path: str, qualname: str) -> Sequence[str]:
        """The decorators of a function or class as written, without arguments."""

    def units_calling(self, words: Collection[str]) -> Sequence[tuple[str, str]]:
        """(path, qualname) of the program's units that call something by one of these bare names."""

    def units_storing(self, name: str) -> Sequence[tuple[str, str]]:
        """(path, qualname) of the program's units that assign an attribute or constant key of this name."""

    def events(self, facts: UnitFacts) -> Sequence[Event]:
        """A unit's events, without what only runs when an imported module is itself the script."""

    @property
    def entry(self) -> str:
        """The path of the program's entry file."""

    def launched_words(self) -> Sequence[Sequence[tuple[str | None, Span]]]:
        """The words behind the program's name on each of its launch lines."""

    def launched_flags(self) -> Sequence[str]:
        """The flags that some launch line of the program gives, each once."""

    def launched_keys(self) -> Mapping[str, Sequence[tuple[str | bool | None, Span]]]:
        """What every launch line of the program gives for keys of a config, by dotted key."""

    def config_script(self, literal: str) -> str:
        """The path of the project's config script of that name, as the program's folder sees it; of its
        default one where the name is empty; "" where there is none or several."""

    def launched(self, flags: Sequence[str]) -> Sequence[tuple[str | bool | None, Span]]:
        """What the launch lines of the program give for an option, each one: text, True for a bare flag, None
        for what is not known. Empty if one of them leaves the default."""

    def library(self, path: str, qualname: str) -> str:
        """The canonical name of a unit of a known library that lies in the project; "" for all else."""

    def rebound(self, name: str) -> bool:
        """Whether a `global` statement somewhere in the program rebinds this "path::name"."""

    def kind(self, path: str, qualname: str) -> str:
        """function, class, module or variable."""
