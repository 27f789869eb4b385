"""From the text of a rule page to a Rule, or to the reasons why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import jsonschema
import msgspec
import referencing
from jsonschema.protocols import Validator

from trainlint.rulebook.front_matter import FrontMatter, PageReadError, read_front_matter
from trainlint.rulebook.page_checks import check_meaning
from trainlint.rulebook.page_text import read_body, read_examples, split_page
from trainlint.rulebook.rule import Case, EditSpec, FactSpec, FixSpec, PageError, Rule
from trainlint.suggest import did_you_mean

PAGE_SCHEMA = Path(__file__).with_name("rule-page.schema.json")
MOST_ERRORS = 10
EDIT_VERBS = (
    "set-argument",
    "replace",
    "insert-before",
    "insert-after",
    "delete-statement",
    "replace-scalar",
)
"""What a fix can do, by the key that says so."""


class Page(NamedTuple):
    """Where a page stands: its file, its POSIX path below the rules folder, its family, and if it is ours."""

    file: Path
    name: str
    family: str
    builtin: bool


def find_pages(folder: Path, *, builtin: bool) -> list[Page]:
    """The pages below a rules folder, sorted by name. Pages of a user may also lie in the folder itself."""
    files = [*folder.glob("*/*.md"), *(() if builtin else folder.glob("*.md"))]
    pages = []
    for file in files:
        name = file.relative_to(folder).as_posix()
        family = PurePosixPath(name).parent.name or "custom"
        if file.name != "README.md":
            pages.append(Page(file, name, family, builtin))
    return sorted(pages, key=lambda page: page.name)


def read_page(page: Page) -> tuple[Rule | None, list[PageError]]:
    """The rule a page holds, or the errors that keep it out. Never raises for what stands in the page."""
    try:
        text = page.file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return None, [PageError(str(page.file), 1, error.strerror or "cannot be read")]
    except UnicodeDecodeError:
        return None, [PageError(str(page.file), 1, "not UTF-8 text")]
    rule, problems = parse_page(text.replace("\r\n", "\n").replace("\r", "\n"), page)
    return rule, [PageError(str(page.file), line, message) for line, message in sorted(problems)]


def parse_page(text: str, page: Page) -> tuple[Rule | None, list[tuple[int, str]]]:
    """The rule of a page's text, or (line, reason) pairs."""
    try:
        front, body, first_line = split_page(text)
        matter = read_front_matter(front)
        problems = list(_schema_problems(matter))
        if problems:
            return None, problems
        rule = _build(matter.data, page)
        problems = list(check_meaning(rule, matter, page.file.stem))
        rule.sections = read_body(body, first_line)
        rule.examples = read_examples(body, first_line)
    except PageReadError as error:
        return None, [(error.line, error.message)]
    return (None, problems) if problems else (rule, [])


@cache
def page_validator() -> Validator:
    """The validator of front matters. It knows no other schema and fetches none."""
    schema = msgspec.json.decode(PAGE_SCHEMA.read_bytes())
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry())


def _schema_problems(matter: FrontMatter) -> Iterator[tuple[int, str]]:
    errors = page_validator().iter_errors(matter.data)
    for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])[:MOST_ERRORS]:
        path = tuple(error.absolute_path)
        for leaf, message in _explain(error):
            yield matter.line((*path, *leaf)), message


def _explain(error: jsonschema.ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """A schema error in plain words, with the key it is about."""
    where = ".".join(str(part) for part in error.absolute_path)
    schema: Any = error.schema
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties" and wanted is False:
        known = schema["properties"]
        for key in sorted(set(instance) - set(known)):
            inside = f" in `{where}`" if where else ""
            yield (key,), f"unknown key `{key}`{inside}{did_you_mean(key, known)}"
    elif error.validator == "enum":
        yield (), f"`{where}` is {_short(instance)}, not one of {', '.join(map(str, wanted))}"
    elif error.validator == "required":
        yield (), f"{error.message}{f' in `{where}`' if where else ''}"
    elif error.context:
        yield (), f"`{where}` is {_short(instance)}, which fits none of its forms"
    else:
        yield (), f"`{where}`: {_short(error.message)}"


def _short(thing: object) -> str:
    text = thing if isinstance(thing, str) else repr(thing)
    return text if len(text) <= 160 else text[:159] + "…"


def _build(data: Mapping[str, Any], page: Page) -> Rule:
    at = data.get("at", [])
    return Rule(
        name=data["rule"],
        family=page.family,
        summary=data["summary"],
        judges=data["judges"],
        cases=[msgspec.convert(case, Case) for case in data["cases"]],
        message=data["message"],
        hint=data["hint"],
        sources=list(data.get("sources", [])),
        snippets=dict(data.get("snippets", {})),
        status=data.get("status", "stable"),
        options=dict(data.get("options", {})),
        when=dict(data.get("when", {})),
        over=data.get("for", "").removesuffix("[*]"),
        at=(at,) if isinstance(at, str) else tuple(at),
        check=data.get("check", ""),
        facts={name: _fact(spec) for name, spec in data.get("facts", {}).items()},
        callees=_names(data, "callees"),
        aliases=_names(data, "aliases"),
        fixes=[_fix(spec) for spec in _listed(data.get("fix", []))],
        since=dict(data.get("since", {})),
        until=dict(data.get("until", {})),
        page=page.name,
        builtin=page.builtin,
    )


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _fix(spec: Mapping[str, Any]) -> FixSpec:
    return FixSpec(
        title=spec["title"],
        safety=spec["safety"],
        when=dict(spec.get("when", {})),
        edits=[_edit(edit) for edit in spec.get("edits", [])],
        make=spec.get("make", ""),
    )


def _edit(spec: Mapping[str, Any]) -> EditSpec:
    """The step that is named by its first key: the others are its texts."""
    verb = next(key for key in EDIT_VERBS if key in spec)
    text = spec.get("value") or spec.get("by") or spec.get("text") or ""
    return EditSpec(verb, spec[verb], text, spec.get("name", ""), tuple(spec.get("unless", ())))


def _names(data: Mapping[str, Sequence[str]], key: str) -> tuple[str, ...]:
    return tuple(data.get(key, ()))


def _fact(spec: Mapping[str, Any]) -> FactSpec:
    return FactSpec(
        type=spec["type"],
        description=spec["description"],
        unit=spec.get("unit", ""),
        choices=tuple(spec.get("enum", ())),
    )
