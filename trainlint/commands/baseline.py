"""`trainlint baseline`: makes, shrinks and shows the list of findings a project lives with for now."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from trainlint.baseline.file import BaselineError, baseline_file, counted, read_baseline, write_baseline
from trainlint.baseline.holding import pruned, under_new_names
from trainlint.baseline.keys import Key, Keys
from trainlint.discovery.projects import discover, find_root
from trainlint.discovery.walk import BASELINE_FILE, holds_source
from trainlint.findings import Report
from trainlint.output.progress import Progress
from trainlint.output.terminal import visible
from trainlint.output.verdict import INTERNAL
from trainlint.settings.model import Settings

if TYPE_CHECKING:
    from trainlint.pipeline.run import Run

NO_BASELINE = ""


class Judged(msgspec.Struct):
    """What a run found, without regard to any baseline.

    `is_judged` tells of which keys it can speak; `aliases` are former names of rules.
    """

    root: Path
    keys: list[Key]
    is_judged: Callable[[Key], bool]
    aliases: dict[str, str]


def create(paths: Sequence[str], file: str | None, *, strict: bool, force: bool) -> str:
    """Writes what is found now as the baseline of each project; returns what to tell the user.

    Nothing is written where one exists already (without `force`) or where trainlint failed on the way.
    """
    settings = Settings(strict=strict, baseline=NO_BASELINE)
    _refuse_existing(paths, settings, file, force=force)
    told: list[str] = []
    judged = _judge(paths, settings, file)
    for project in judged:
        entries = counted(project.keys)
        target = _target(project.root, file)
        if not entries and not target.exists():
            told.append(f"nothing is found below {_shown(project.root)}: no baseline is needed")
            continue
        write_baseline(target, entries)
        found = _plural(len(project.keys), "finding")
        told.append(f"wrote {_shown(target)}: {found} held back from now on; new ones are reported")
    return "\n".join(told) + "\n"


def prune(paths: Sequence[str], file: str | None) -> str:
    """Takes out of each project's baseline what no longer occurs; returns what to tell the user."""
    # What only --strict shows may stand in a baseline too.
    judged = _judge(paths, Settings(strict=True, baseline=NO_BASELINE), file)
    planned: list[tuple[Path, dict[Key, int]]] = []
    told: list[str] = []
    for project in judged:
        target = _existing(project.root, file)
        _target(project.root, file)
        known = under_new_names(read_baseline(target), project.aliases)
        result = pruned(known, project.keys, project.is_judged)
        if result.gone:
            planned.append((target, result.entries))
        left = _plural(sum(result.entries.values()), "finding")
        gone = f"{result.gone:,} gone" if result.gone else "nothing to prune"
        told.append(f"{_shown(target)}: {gone}, {left} left")
    for target, entries in planned:
        write_baseline(target, entries)
    return "\n".join(told) + "\n"


def show(path: str, file: str | None, form: str) -> str:
    """The baseline of the project a path belongs to: as it stands in the file, or by file for people."""
    target = _existing(find_root(path), file)
    entries = read_baseline(target)
    if form == "json":
        from trainlint.baseline.file import to_json  # noqa: PLC0415

        return to_json(entries)
    lines: list[str] = []
    for key, count in sorted(entries.items()):
        times = f" (x{count})" if count > 1 else ""
        within = f" in {key.scope}" if key.scope else ""
        lines.append(visible(f"{key.path}: {key.rule}{within}{times}: {key.evidence}").rstrip(": "))
    rules = Counter[str]()
    for key, count in entries.items():
        rules[key.rule] += count
    most = ", ".join(f"{visible(rule)} {count:,}" for rule, count in rules.most_common(5))
    lines.append(
        f"{_plural(sum(entries.values()), 'finding')} in {_shown(target)}" + (f": {most}" if most else "")
    )
    return "\n".join(lines) + "\n"


def _judge(paths: Sequence[str], settings: Settings, file: str | None) -> list[Judged]:
    from trainlint.pipeline.run import Run  # noqa: PLC0415

    progress = Progress(sys.stderr, wanted=True)
    found = discover(paths, settings)
    if file is not None and len(found.projects) > 1:
        message = "a baseline is one project's, and the paths belong to several: name one at a time"
        raise BaselineError(f"--baseline: {message}")
    judged: list[Judged] = []
    try:
        for project in found.projects:
            run = Run(project, progress=progress, parallel=True)
            report = run.report()
            _refuse_failure(report)
            keys = Keys(run.index, run.sources, run.rulebook)
            found_keys = [keys.key(finding) for finding in run.standing]
            aliases = run.rulebook.aliases
            judged.append(Judged(Path(project.root), found_keys, _judging(run, report), aliases))
    finally:
        progress.clear()
    return judged


def _judging(run: Run, report: Report) -> Callable[[Key], bool]:
    """Whether a run speaks of a key: its rule ran, and its file was read whole or is gone."""
    unread = {notice.path for notice in report.notices}

    def is_judged(key: Key) -> bool:
        if run.rulebook.get(key.rule) is None:
            return True
        if key.rule not in run.rules or key.path in unread:
            return False
        return key.path in run.project.named or not Path(run.project.root, key.path).exists()

    return is_judged


def _refuse_existing(paths: Sequence[str], settings: Settings, file: str | None, *, force: bool) -> None:
    """Fails before the work is done, not after."""
    for project in discover(paths, settings).projects:
        target = _target(Path(project.root), file)
        if target.exists() and not force:
            advice = "`trainlint baseline prune` takes out what is fixed, --force starts anew"
            raise BaselineError(f"{_shown(target)} exists already: {advice}")
        if not target.parent.is_dir():
            raise BaselineError(f"{_shown(target)}: there is no such folder")


def _refuse_failure(report: Report) -> None:
    failed = next((notice for notice in report.notices if notice.kind == INTERNAL), None)
    if failed is not None:
        where = f"{failed.path}:{failed.line}"
        raise click.ClickException(
            visible(f"trainlint failed at {where}, nothing is written: {failed.message}")
        )


def _existing(root: Path, file: str | None) -> Path:
    found = baseline_file(root, file)
    if found is None:
        message = f"there is no {_shown(root / BASELINE_FILE)}: `trainlint baseline create` makes one"
        raise BaselineError(message)
    return found


def _target(root: Path, file: str | None) -> Path:
    """Where to write. A link that merely has the default name may lead anywhere: it must be asked for."""
    if file is not None:
        named = Path(file)
        if named.name != BASELINE_FILE and holds_source(named.name):
            raise BaselineError(
                f"{visible(file)}: a baseline is JSON, and this is the name of code or settings"
            )
        return named
    target = root / BASELINE_FILE
    if target.is_symlink():
        raise BaselineError(f"{_shown(target)} is a link: name the file with --baseline")
    return target


def _shown(path: Path) -> str:
    try:
        return visible(path.absolute().relative_to(Path.cwd()).as_posix())
    except ValueError:
        return visible(path.as_posix())


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
