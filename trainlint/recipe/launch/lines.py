"""From the commands of scripts to launches: entry, options, number of processes."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from importlib import resources

import msgspec

from trainlint.findings import Span
from trainlint.text.shell import Command, Word

_PYTHON = re.compile(r"(?:.*/)?python[\d.]*$")
_BEFORE = frozenset(
    "nohup time exec env sudo nice stdbuf taskset numactl command uv poetry pipenv pdm hatch conda mamba"
    " xvfb-run singularity apptainer ipython coverage wandb".split()
)
"""Commands that start the command behind them."""
_NUMBER = re.compile(r"-?(\d|\.\d)")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*(\.[A-Z0-9_]+)+")
"""The key of a setting whose value is the next word, as yacs takes them: `SOLVER.BASE_LR 0.02`."""


class Given(msgspec.Struct, frozen=True):
    """What a launch line gives for an option: text, True for a bare flag, None where it is not known."""

    value: str | bool | None
    span: Span


class Argument(msgspec.Struct, frozen=True):
    """A word behind the program's name; None where a part of it is not known."""

    value: str | None
    span: Span


class Launch(msgspec.Struct, frozen=True):
    """One line that starts a program. `options` by flag as written; `overrides` are `key=value` words.
    `words` are all that stand behind the program's name.

    `processes` is the world size where the line tells it; None with a `launcher` means it does not.
    """

    entry: str
    span: Span
    options: dict[str, Given]
    overrides: dict[str, Given]
    launcher: str = ""
    processes: int | None = None
    words: tuple[Argument, ...] = ()


class Launcher(msgspec.Struct, frozen=True):
    """The options by which a launcher is told how many processes to start."""

    processes: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


@cache
def launchers() -> dict[str, Launcher]:
    """Known launchers by the name of the command or module."""
    text = resources.files("trainlint.knowledge").joinpath("launchers.json").read_text("utf-8")
    return msgspec.convert(json.loads(text)["launchers"], dict[str, Launcher])


def launches(commands: Iterable[Command], script: str, files: Collection[str]) -> list[Launch]:
    """The launches among a script's commands. `files` are the project's Python files."""
    found: list[Launch] = []
    folder = ""
    job: list[Word] = []
    for command in commands:
        if command and command[0].text == "#SBATCH":
            job += command[1:]
            continue
        if len(command) == 2 and command[0].text == "cd":
            folder = posixpath.join(folder, command[1].text or "")
            continue
        launch = _launch(command, job, posixpath.dirname(script), folder, files)
        if launch is not None:
            found.append(launch)
    return found


def _launch(
    command: Command, job: Sequence[Word], beside: str, folder: str, files: Collection[str]
) -> Launch | None:
    known = launchers()
    if not command:
        return None
    first = posixpath.basename(command[0].text or "")
    if not (first in _BEFORE or first in known or _PYTHON.match(first) or first.endswith(".py")):
        return None
    launcher, started = "", first in ("uv", "ipython", "coverage")
    before: list[Word] = []
    for position, word in enumerate(command):
        text = word.text or ""
        entry = ""
        if text.endswith(".py"):
            entry = find_entry(text, beside, folder, files)
        elif before and before[-1].text == "-m" and text not in known:
            entry = _module(text, files)
        if entry and (started or position == 0):
            # `srun` starts what its job asked for, unless it says otherwise itself.
            told = [*before, *job] if launcher == "srun" else before
            return _launched(entry, command[position + 1 :], told, launcher, word.span)
        if text in known or posixpath.basename(text) in known:
            launcher = text if text in known else posixpath.basename(text)
            started = True
        elif _PYTHON.match(text):
            started = True
        before.append(word)
    return None


def find_entry(script: str, beside: str, folder: str, files: Collection[str]) -> str:
    """The project's file that a script means by a path, "" where it is none: from the folder it changed to,
    the root, its own folder or one above."""
    name = posixpath.normpath(script)
    places = [folder, "", beside]
    while beside:
        beside = posixpath.dirname(beside)
        places.append(beside)
    for place in places:
        path = posixpath.normpath(posixpath.join(place, name))
        if path in files:
            return path
    ends = [path for path in files if path.endswith("/" + name.lstrip("./"))]
    return ends[0] if len(ends) == 1 else ""


def _module(name: str, files: Collection[str]) -> str:
    path = name.replace(".", "/")
    return next((each for each in (f"{path}.py", f"{path}/__main__.py") if each in files), "")


def _launched(entry: str, rest: Sequence[Word], before: Sequence[Word], launcher: str, at: Span) -> Launch:
    options: dict[str, Given] = {}
    overrides: dict[str, Given] = {}
    position = 0
    while position < len(rest):
        word = rest[position]
        position += 1
        text = word.text or ""
        flag, equals, value = text.partition("=")
        if not _is_flag(text):
            if equals and re.fullmatch(r"[+~]{0,2}[A-Za-z_][\w.@/]*", flag):
                overrides[flag.lstrip("+~")] = Given(value, word.span)
            elif _KEY.fullmatch(text) and position < len(rest):
                overrides[text] = Given(rest[position].text, rest[position].span)
                position += 1
        elif equals:
            options[flag] = Given(value, word.span)
        else:
            given = _values(rest, position)
            position += len(given)
            options[text] = _given(word, given)
    words = tuple(Argument(word.text, word.span) for word in rest)
    return Launch(entry, at, options, overrides, launcher, _processes(before, launcher), words)


def _values(rest: Sequence[Word], position: int) -> list[Word]:
    end = position
    while end < len(rest) and not _is_flag(rest[end].text or "") and not _KEY.fullmatch(rest[end].text or ""):
        end += 1
    return list(rest[position:end])


def _given(flag: Word, values: Sequence[Word]) -> Given:
    if not values:
        return Given(True, flag.span)
    return Given(values[0].text if len(values) == 1 else None, values[0].span)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and len(text) > 1 and not _NUMBER.match(text)


def _processes(before: Sequence[Word], launcher: str) -> int | None:
    known = launchers().get(launcher)
    if known is None:
        return None
    total = _count(before, known.total, 0)
    if total or not known.processes:
        return total or None
    processes, machines = _count(before, known.processes, 0), _count(before, known.machines, 1)
    return processes * machines if processes and machines else None


def _count(words: Sequence[Word], flags: Sequence[str], default: int) -> int | None:
    """The number behind one of the flags; None where it is something else, `default` without a flag."""
    for word, following in zip(words, [*words[1:], None], strict=True):
        flag, equals, value = (word.text or "").partition("=")
        if flag in flags:
            text = value if equals else (following.text or "" if following is not None else "")
            return int(text) if text.isdecimal() else None
    return default
