"""The rulebook: every rule by name, loaded from its compiled form where that is current.

Pages are Markdown and YAML; a run reads one JSON file instead. In a wheel it is made at build time, in a
checkout whenever a page changed. Where it cannot be written the pages are read each time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from trainlint.rulebook.options import check_option
from trainlint.rulebook.rule import PageError, Rule
from trainlint.suggest import did_you_mean

PACKAGE = Path(__file__).parents[1]
COMPILED_FILE = PACKAGE / "rules_compiled.json"

_MAKERS = (
    "rulebook/rule.py",
    "rulebook/loading.py",
    "rulebook/pages.py",
    "rulebook/page_text.py",
    "rulebook/page_checks.py",
    "rulebook/front_matter.py",
    "rulebook/patterns.py",
    "rulebook/rule-page.schema.json",
    "recipe/recipe.schema.json",
)
"""What decides how a page compiles: a change of one makes the compiled form stale."""


class Compiled(msgspec.Struct):
    """The compiled form. `stamp` is what it was made from, name → (mtime, size); a wheel's is empty."""

    rules: list[Rule]
    stamp: dict[str, tuple[int, int]] = {}


class Rulebook(msgspec.Struct):
    """Rules by name in order of family and name, old names, and the pages that could not be loaded."""

    rules: dict[str, Rule]
    aliases: dict[str, str] = {}
    errors: list[PageError] = []

    def get(self, name: str) -> Rule | None:
        """The rule of that name or former name."""
        return self.rules.get(self.aliases.get(name, name))

    def families(self) -> dict[str, list[Rule]]:
        """Family → its rules, in order."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            found.setdefault(rule.family, []).append(rule)
        return found

    def did_you_mean(self, name: str) -> str:
        """ "; did you mean …?" with the rule or family most like `name`, or an empty text."""
        return did_you_mean(name, (*self.rules, *self.aliases, *self.families()))

    def check_options(self, options: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What is wrong with option values by rule name, as the settings give them."""
        problems = []
        for name, given in options.items():
            rule = self.get(name)
            if rule is None:
                problems.append(f"no rule is called `{name}`{self.did_you_mean(name)}")
                continue
            for option, value in given.items():
                problems.extend(check_option(rule, option, value))
        return problems


def load_rulebook(user_dirs: Sequence[Path] = ()) -> Rulebook:
    """Our rules and those of the user's folders. A broken page raises nothing: it stands in `errors`.

    Raises FileNotFoundError where our own rules are not installed.
    """
    rules, errors = _own_rules()
    for folder in user_dirs:
        more, problems = _read_user_folder(folder)
        rules += more
        errors += problems
    return _index(rules, errors)


def rules_directory() -> Path:
    """The folder of our pages: inside the package in a wheel, beside it in a checkout.

    Raises FileNotFoundError where neither holds our pages.
    """
    for folder in (PACKAGE / "rules", PACKAGE.parent / "rules"):
        if _holds_pages(folder):
            return folder
    raise FileNotFoundError(f"the rules are not installed: no pages in {PACKAGE / 'rules'}")


def _holds_pages(folder: Path) -> bool:
    """Whether a folder's first page has a front matter that names itself: any folder may be called rules."""
    first = min(folder.glob("*/*.md"), default=None, key=lambda file: file.as_posix())
    if first is None:
        return False
    with first.open("rb") as stream:
        head = stream.read(400)
    return head.startswith(b"---") and f"rule: {first.stem}".encode() in head


def compile_rulebook(folder: Path, target: Path) -> list[PageError]:
    """Compile the pages below `folder` into the file `target` for a wheel. Returns what is wrong with pages.

    Raises OSError where the target cannot be written.
    """
    rules, errors = _read_folder(folder, builtin=True)
    _write(Compiled(rules=rules), target)
    return errors


def _own_rules() -> tuple[list[Rule], list[PageError]]:
    stored = _read_compiled()
    if stored is not None and not stored.stamp:
        return stored.rules, []
    folder = rules_directory()
    stamp = _stamp(folder)
    if stored is not None and stored.stamp == stamp:
        return stored.rules, []
    rules, errors = _read_folder(folder, builtin=True)
    if not errors:
        with contextlib.suppress(OSError):
            _write(Compiled(rules=rules, stamp=stamp), COMPILED_FILE)
    return rules, errors


def _read_compiled() -> Compiled | None:
    try:
        return msgspec.json.decode(COMPILED_FILE.read_bytes(), type=Compiled)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _stamp(folder: Path) -> dict[str, tuple[int, int]]:
    files = [*folder.glob("*/*.md"), *(PACKAGE / name for name in _MAKERS)]
    stamp = {}
    for file in files:
        status = file.stat()
        stamp[os.path.relpath(file, PACKAGE)] = (status.st_mtime_ns, status.st_size)
    return stamp


def _write(compiled: Compiled, target: Path) -> None:
    """Write so that a reader sees the old file or the new one, never a part."""
    import tempfile  # noqa: PLC0415

    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(compiled))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _read_folder(folder: Path, *, builtin: bool) -> tuple[list[Rule], list[PageError]]:
    from trainlint.rulebook.pages import find_pages, read_page  # noqa: PLC0415

    rules: list[Rule] = []
    errors: list[PageError] = []
    for page in find_pages(folder, builtin=builtin):
        rule, problems = read_page(page)
        errors += problems
        if rule is not None:
            rules.append(rule)
    return rules, errors


def _read_user_folder(folder: Path) -> tuple[list[Rule], list[PageError]]:
    if not folder.is_dir():
        return [], [PageError(str(folder), 1, "the rulebook's folder does not exist")]
    rules, errors = _read_folder(folder, builtin=False)
    if not rules and not errors:
        errors = [
            PageError(
                str(folder), 1, "the rulebook's folder holds no pages (<rule>.md or <family>/<rule>.md)"
            )
        ]
    return rules, errors


def _index(rules: Iterable[Rule], errors: list[PageError]) -> Rulebook:
    """All rules under their names. A name that is taken keeps its first owner: ours come before a user's."""
    book = Rulebook(rules={}, aliases={}, errors=list(errors))
    for rule in sorted(rules, key=lambda rule: (not rule.builtin, rule.family, rule.name)):
        taken = [name for name in (rule.name, *rule.aliases) if name in book.rules or name in book.aliases]
        if taken:
            book.errors.append(PageError(rule.page, 1, f"the name `{taken[0]}` is taken by another rule"))
            continue
        book.rules[rule.name] = rule
        book.aliases.update(dict.fromkeys(rule.aliases, rule.name))
    return book
