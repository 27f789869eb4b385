"""The index's tables by path, each of which notes what it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.record import EVERYTHING, Recorder
from trainlint.analysis.index.targets import Module

Other = TypeVar("Other")


class Outlines(Mapping[str, Outline]):
    """Outlines by path, sorted. Whoever has one may use all that it holds."""

    def __init__(self, outlines: Iterable[Outline], recorder: Recorder) -> None:
        self._held = {each.path: each for each in sorted(outlines, key=lambda each: each.path)}
        self._recorder = recorder

    def __getitem__(self, path: str) -> Outline:
        self._recorder.content(path)
        return self._held[path]

    @overload
    def get(self, path: str, /) -> Outline | None: ...

    @overload
    def get(self, path: str, default: Outline | Other, /) -> Outline | Other: ...

    def get(self, path: str, default: Outline | Other | None = None, /) -> Outline | Other | None:
        """The outline of a file, else the default."""
        self._recorder.content(path)
        return self._held.get(path, default)

    def __contains__(self, path: object) -> bool:
        self._recorder.content(str(path))
        return path in self._held

    def __iter__(self) -> Iterator[str]:
        self._recorder.other(EVERYTHING)
        return iter(self._held)

    def __len__(self) -> int:
        self._recorder.other(EVERYTHING)
        return len(self._held)


class Modules:
    """Lookup tables by path. The index takes imports and definitions from them, nothing else."""

    def __init__(self, outlines: Iterable[Outline], recorder: Recorder) -> None:
        self._held = {each.path: Module(each) for each in outlines}
        self._recorder = recorder

    def __getitem__(self, path: str) -> Module:
        self._recorder.names(path)
        return self._held[path]

    def get(self, path: str) -> Module | None:
        """The tables of a file."""
        self._recorder.names(path)
        return self._held.get(path)

    def __contains__(self, path: str) -> bool:
        self._recorder.names(path)
        return path in self._held
