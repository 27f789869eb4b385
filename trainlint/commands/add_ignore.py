"""`trainlint check --add-ignore`: writes suppressions for what a rule reports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from trainlint.discovery.projects import discover
from trainlint.findings import Finding
from trainlint.output.places import Places
from trainlint.output.progress import Progress
from trainlint.output.terminal import visible
from trainlint.pipeline.run import Run
from trainlint.rewriting.files import RewriteError, replace
from trainlint.rulebook.loading import Rulebook
from trainlint.settings.model import Settings, SettingsError
from trainlint.suppressions.adding import Wanted, add_comments, refusal_of
from trainlint.suppressions.rewriting import rewritten
from trainlint.suppressions.silencing import RULE

_REASON_LIMIT = 200


class Plan(msgspec.Struct):
    """What is to happen to one file. `left` findings stay; `problem` says why, "" where none do."""

    path: str
    file: Path
    done: list[Wanted] = []
    before: bytes = b""
    after: bytes = b""
    left: list[Wanted] = []
    problem: str = ""


def add_ignores(paths: Sequence[Path], settings: Settings, name: str, reason: str | None) -> int:
    """Adds comments for what `name`, a rule or family, reports in the named files, and tells of each.

    Returns 0, or 1 where findings are left that no comment could be added for. Raises UsageError without a
    usable reason.
    """
    reason = _usable(reason)
    plans: list[Plan] = []
    progress = Progress(sys.stderr, wanted=True)
    try:
        for project in discover(paths, settings).projects:
            run = Run(project, progress=progress, parallel=True)
            run.report()
            plans += _plans(run, _rules(run.rulebook, name), reason)
    finally:
        progress.clear()
    for plan in plans:
        _carry_out(plan)
    return _tell(plans, name)


def _usable(reason: str | None) -> str:
    if reason is None or not reason.strip():
        raise click.UsageError("--add-ignore needs --reason: why is the finding right to ignore?")
    if not reason.isprintable() or len(reason) > _REASON_LIMIT:
        raise click.UsageError(f"--reason must be one line of at most {_REASON_LIMIT} printable characters")
    return reason.strip()


def _rules(rulebook: Rulebook, name: str) -> set[str]:
    rule = rulebook.get(name)
    if rule is not None and rule.name == RULE:
        raise SettingsError(f"--add-ignore: {RULE} is about comments: mend or remove the comment instead")
    if rule is not None:
        return {rule.name}
    if name in rulebook.families():
        return {each.name for each in rulebook.families()[name]} - {RULE}
    raise SettingsError(f"--add-ignore: {name!r} is neither a rule nor a family{rulebook.did_you_mean(name)}")


def _plans(run: Run, rules: set[str], reason: str) -> list[Plan]:
    by_path: dict[str, list[Finding]] = {}
    for finding in run.reported:
        if finding.rule in rules:
            by_path.setdefault(finding.span.path, []).append(finding)
    places = Places(run.project.root)
    return [_plan(run, path, found, reason, places) for path, found in sorted(by_path.items())]


def _plan(run: Run, path: str, findings: Sequence[Finding], reason: str, places: Places) -> Plan:
    wanted = _wanted(findings)
    plan = Plan(places.path(path), Path(run.project.root, path), left=wanted)
    source, language = run.sources.text(path), run.sources.languages.get(path, "python")
    if path not in run.project.named:
        plan.problem = "the file is not among the named ones"
    elif source is None:
        plan.problem = "the file cannot be read"
    else:
        plan.problem = refusal_of(source, language, path)
    if plan.problem or source is None:
        return plan
    added = add_comments(source, language, wanted, reason)
    plan.left = added.left
    plan.problem = "no line there can hold a comment" if added.left else ""
    if added.done:
        try:
            plan.before = plan.file.read_bytes()
            plan.after = rewritten(plan.file, source, language, added)
            plan.done = sorted(added.done)
        except (RewriteError, OSError) as error:
            plan.left, plan.problem = wanted, str(error)
    return plan


def _wanted(findings: Sequence[Finding]) -> list[Wanted]:
    """One comment for findings at the same lines."""
    at: dict[tuple[int, int], set[str]] = {}
    for finding in findings:
        at.setdefault((finding.span.line, finding.span.end_line), set()).add(finding.rule)
    return [Wanted(*lines, tuple(sorted(rules))) for lines, rules in sorted(at.items())]


def _carry_out(plan: Plan) -> None:
    if not plan.after:
        return
    try:
        replace(plan.file, plan.before, plan.after)
    except RewriteError as error:
        plan.left, plan.problem, plan.done = [*plan.left, *plan.done], str(error), []


def _tell(plans: Sequence[Plan], name: str) -> int:
    for plan in plans:
        for each in plan.done:
            click.echo(visible(f"{plan.path}: ignore[{', '.join(each.rules)}]"))
        if plan.problem:
            lines = ", ".join(str(each.line) for each in sorted(plan.left))
            click.echo(visible(f"{plan.path}: not added (line {lines}): {plan.problem}"), err=True)
    done = sum(len(plan.done) for plan in plans)
    files = sum(bool(plan.done) for plan in plans)
    left = any(plan.left for plan in plans)
    if left:
        click.echo("for those, per-file-ignores in the settings or a baseline will do", err=True)
    if not plans:
        click.echo(visible(f"{name} reports nothing here: no comment is needed"))
    elif done:
        click.echo(
            f"added {done:,} comment{'s' if done > 1 else ''} in {files:,} file{'s' if files > 1 else ''}"
        )
    return 1 if left else 0
