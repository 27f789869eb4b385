"""Labelled sites: reading the files, the corrections to them, and the folder each row's checkout lives in."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path

RECIPES, NUMERICS, CONFIGS, GRIST = "recipes", "numerics", "configs", "grist"
KINDS = (RECIPES, NUMERICS, CONFIGS, GRIST)
GRIST_REPOSITORY = "Jacob-yen/GRIST"
POSITIVE = frozenset({"PRESENT", "TP"})
NEGATIVE = frozenset({"ABSENT", "FP"})
STRICT_TAGS = frozenset({"toy", "adaptive"})
_COLUMNS = ("repo", "commit", "path", "line", "rule", "label", "reason")
_TAG = re.compile(r"\[([a-z-]+)\]", re.IGNORECASE)


class LabelError(Exception):
    """A file that cannot be read as labels; the message names the file, the line and the reason."""


@dataclass(frozen=True)
class Row:
    """One verdict: `label` of `rule` at `lines` of `path`; line 0 means the whole file.

    `corrected` holds the reason of the correction that changed the label, where one did.
    """

    repo: str
    commit: str
    path: str
    lines: tuple[int, ...]
    rule: str
    label: str
    reason: str
    corrected: str = ""

    @property
    def tags(self) -> frozenset[str]:
        """The bracketed words of the reason: grey, toy, adaptive, …"""
        return frozenset(_TAG.findall(self.reason))

    @property
    def whole_file(self) -> bool:
        """Whether the verdict is about the file and not about a line of it."""
        return self.lines == (0,)

    def scored(self, strict: bool) -> bool:
        """Whether the row counts: grey and undecided rows never, toy and adaptive ones only when strict."""
        if "grey" in self.tags or self.label not in POSITIVE | NEGATIVE:
            return False
        return strict or self.label in NEGATIVE or not (self.tags & STRICT_TAGS)


@dataclass(frozen=True)
class Correction:
    """A verdict refuted by reading the code; overrides rows of the same repository, path, line and rule."""

    label: str
    reason: str


def guess_kind(file: Path) -> str:
    """The kind of a labels file, from its header and name.

    Raises LabelError where neither tells.
    """
    header = _first_line(file)
    if header.startswith("bug,"):
        return GRIST
    for kind in (RECIPES, NUMERICS, CONFIGS):
        if kind in file.stem:
            return kind
    raise LabelError(f"{file}:1: cannot tell what is labelled here; name it with --kind {'|'.join(KINDS)}")


def read_rows(file: Path, kind: str) -> list[Row]:
    """The rows of a labels file in order; raises LabelError with the offending line."""
    if kind == GRIST:
        return _read_grist(file)
    rows = []
    for number, record in _records(file, "\t", _COLUMNS):
        rows.append(
            Row(
                repo=record["repo"],
                commit=record["commit"],
                path=record["path"],
                lines=_lines(record["line"], file, number),
                rule=record["rule"],
                label=record["label"],
                reason=record["reason"],
            )
        )
    return rows


def _read_grist(file: Path) -> list[Row]:
    rows = []
    for number, record in _records(file, ",", ("bug", "file", "lines", "op", "operand", "kind")):
        rows.append(
            Row(
                repo=GRIST_REPOSITORY,
                commit="",
                path=record["file"],
                lines=_lines(record["lines"], file, number),
                rule=record["op"],
                label="TP",
                reason=f"bug {record['bug']}: {record['kind']}",
            )
        )
    return rows


Key = tuple[str, str, int, str]


def read_corrections(file: Path) -> dict[Key, Correction]:
    """Corrections by repository, path, line and rule; empty where the file does not exist."""
    corrections: dict[Key, Correction] = {}
    if not file.exists():
        return corrections
    for number, record in _records(file, "\t", ("repo", "path", "line", "rule", "label", "reason")):
        if not record["reason"]:
            raise LabelError(f"{file}:{number}: a correction needs its reason")
        line = _lines(record["line"], file, number)[0]
        key = (record["repo"], record["path"], line, record["rule"])
        corrections[key] = Correction(record["label"], record["reason"])
    return corrections


def correct(rows: list[Row], corrections: dict[Key, Correction]) -> list[Row]:
    """The rows with the labels the corrections give them."""
    corrected = []
    for row in rows:
        correction = corrections.get((row.repo, row.path, row.lines[0], row.rule))
        if correction is not None:
            row = replace(row, label=correction.label, corrected=correction.reason)
        corrected.append(row)
    return corrected


class Checkouts:
    """A folder of checkouts named `owner__name` or `owner__name@<commit prefix>`.

    An INDEX.tsv in it (columns repo, commit_wanted, folder) may say which folder stands for which commit; its
    folders may lie anywhere, and are looked for beside it under their last name otherwise.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise LabelError(f"{root}: not a folder of checkouts")
        self.root = root
        self._index = self._read_index(root / "INDEX.tsv")

    def folder(self, repo: str, commit: str) -> Path | None:
        """The checkout of `repo` at `commit`, or None where there is none."""
        for wanted, folder in self._index.get(repo, ()):
            if wanted == commit or (commit and (wanted.startswith(commit) or commit.startswith(wanted))):
                return folder
        name = repo.replace("/", "__")
        for folder in sorted(self.root.glob(f"{name}@*")):
            if commit.startswith(folder.name.rpartition("@")[2]):
                return folder
        plain = self.root / name
        return plain if plain.is_dir() else None

    def _read_index(self, file: Path) -> dict[str, list[tuple[str, Path]]]:
        index: dict[str, list[tuple[str, Path]]] = {}
        if not file.exists():
            return index
        for _, record in _records(file, "\t", ("repo", "commit_wanted", "folder")):
            if not record["folder"]:
                continue
            folder = Path(record["folder"])
            if not folder.is_dir():
                folder = self.root / folder.name
            if folder.is_dir():
                index.setdefault(record["repo"], []).append((record["commit_wanted"], folder))
        return index


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{file}: {error}") from error


def _records(file: Path, delimiter: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Line number and named fields of every row; raises LabelError where a column is missing."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            if delimiter == "\t":
                reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
            else:
                reader = csv.reader(stream, delimiter=delimiter)
            header = next(reader, [])
            missing = [name for name in columns if name not in header]
            if missing:
                raise LabelError(f"{file}:1: no column {', '.join(missing)}")
            records = []
            for fields in reader:
                if not fields:
                    continue
                if len(fields) < len(header):
                    fields += [""] * (len(header) - len(fields))
                records.append((reader.line_num, dict(zip(header, fields, strict=False))))
            return records
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{file}: {error}") from error


def _lines(text: str, file: Path, number: int) -> tuple[int, ...]:
    try:
        lines = tuple(int(part) for part in text.split())
    except ValueError:
        lines = ()
    if not lines:
        raise LabelError(f"{file}:{number}: not a line number: {text!r}")
    return lines
