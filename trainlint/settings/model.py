"""What a user may set, in `[tool.trainlint]` of pyproject.toml, in trainlint.toml, or on the command line.

Every default means "not set": settings from the command line are laid over those of each project's own file.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trainlint.findings import Severity

FAIL_LEVELS = ("error", "warning", "advice", "notice", "never")

OptionValue = bool | int | float | str | list[Any]


class SettingsError(Exception):
    """A setting that cannot be used: a usage error. The text names the file and line where there is one."""


class Settings(msgspec.Struct, frozen=True, rename="kebab"):
    """The settings of one project.

    `select` and `ignore` hold names of rules or families, `all` means every stable rule. `devices` is the
    number of devices a run uses where nothing says so; `versions` maps a library to the version the code is
    meant for; `configs` are patterns of files to read as training configs; `rulebooks` are folders of rule
    pages, absolute once loaded; `extend` names a file that these settings build on; `require_reasons` takes
    suppressions without a reason for none; `cache_dir` is the folder of the cache, absolute once loaded. The
    last four are not for settings files: `force_exclude`, `baseline` (another file than the default one),
    `diff_base` (report what changed since that commit only), and `file`, where the settings stand ("" for
    none).
    """

    extend: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    fail_on: str | None = None
    exclude: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    options: dict[str, dict[str, OptionValue]] = {}
    severity: dict[str, Severity] = {}
    rulebooks: tuple[str, ...] = ()
    devices: int | None = None
    configs: tuple[str, ...] = ()
    jobs: int | None = None
    versions: dict[str, str] = {}
    require_reasons: bool = False
    cache_dir: str | None = None
    force_exclude: bool = False
    baseline: str | None = None
    diff_base: str | None = None
    file: str = ""

    @property
    def fails_at(self) -> str:
        """The lowest level that makes a run fail: what is set, else `warning`."""
        return self.fail_on or "warning"


_NOT_IN_FILES = ("force_exclude", "baseline", "diff_base", "file")

KEYS = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(Settings)
    if field.name not in _NOT_IN_FILES
}
"""Setting as written in a file → field."""


def laid_over(given: Settings | None, base: Settings) -> Settings:
    """The settings in force: `given` over `base`.

    Lists that take away add up; tables merge; the rest is replaced.
    """
    if given is None:
        return base
    return msgspec.structs.replace(
        base,
        select=given.select or base.select,
        ignore=_joined(base.ignore, given.ignore),
        strict=given.strict or base.strict,
        fail_on=given.fail_on or base.fail_on,
        exclude=_joined(base.exclude, given.exclude),
        per_file_ignores={**base.per_file_ignores, **given.per_file_ignores},
        options=_merged(base.options, given.options),
        severity={**base.severity, **given.severity},
        rulebooks=_joined(base.rulebooks, given.rulebooks),
        devices=given.devices if given.devices is not None else base.devices,
        configs=_joined(base.configs, given.configs),
        jobs=given.jobs if given.jobs is not None else base.jobs,
        require_reasons=given.require_reasons or base.require_reasons,
        cache_dir=given.cache_dir or base.cache_dir,
        force_exclude=given.force_exclude,
        baseline=given.baseline,
        diff_base=given.diff_base,
        versions={**base.versions, **given.versions},
    )


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first + second))


def _merged(
    first: dict[str, dict[str, OptionValue]], second: dict[str, dict[str, OptionValue]]
) -> dict[str, dict[str, OptionValue]]:
    return {rule: {**first.get(rule, {}), **second.get(rule, {})} for rule in (*first, *second)}
