"""SARIF, GitHub, GitLab and JUnit: valid by their published schemas, and nothing breaks out of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from hostile import TRAPS, names, reports, words
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry
from report_samples import finding, report, rich_report

from trainlint.findings import Edit, Finding, Fix, Notice, Report, Severity, Silenced, Span
from trainlint.output import json as json_output
from trainlint.output.characters import fit_for_xml, well_formed
from trainlint.output.github import to_github
from trainlint.output.gitlab import to_gitlab
from trainlint.output.json import to_json
from trainlint.output.junit import to_junit
from trainlint.output.lsp import to_lsp
from trainlint.output.places import Places, checkout_folder
from trainlint.output.sarif import BASE, message_text, to_sarif
from trainlint.output.secrets import hide_secrets
from trainlint.output.statistics import statistics
from trainlint.output.terminal import Style, visible
from trainlint.output.text import concise, full, inert
from trainlint.output.uris import file_uri, relative_uri
from trainlint.pipeline.merge import merge_reports
from trainlint.rulebook.loading import load_rulebook

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = jsonschema.Draft202012Validator(
    json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()), registry=Registry()
)
REPORT = jsonschema.Draft202012Validator(
    json.loads(Path(json_output.__file__).with_name("report.schema.json").read_text()), registry=Registry()
)
URI = re.compile(r"(?:file:///|(?![^/]*:))(?:[A-Za-z0-9._~:/-]|%[0-9A-F]{2})+")
BOOK = load_rulebook()
PLAIN = Style(colour=False)


@pytest.fixture(scope="module", autouse=True)
def _outside_ci() -> Iterator[None]:
    with pytest.MonkeyPatch().context() as patch:
        for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def junit_schema():
    import xmlschema

    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def sarif_run(found: Report, **options: bool) -> dict:
    log = json.loads(to_sarif(found, BOOK, 1, **options))
    SARIF.validate(log)
    return log["runs"][0]


def unescaped(text: str) -> str:
    """A message as a SARIF viewer shows it (3.11.6)."""
    return re.sub(r"\\([\\\[\]])", r"\1", text)


def path_of(location: dict) -> str:
    raw = unquote_to_bytes(location["uri"].removeprefix("file://"))
    try:
        return raw.decode("utf-8", "surrogateescape")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogatepass")


def as_found(path: str) -> str:
    """A path as the file system would give it: escaped bytes that are UTF-8 together are one character."""
    try:
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path


def help_text(message: str, hint: str) -> str:
    return hide_secrets(message) + ("\nhelp: " + hide_secrets(hint) if hint else "")


def strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def parsed_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    head, _, data = line.removeprefix("::").partition("::")
    name, _, listed = head.partition(" ")
    pairs = (part.partition("=") for part in listed.split(","))
    return name, {key: decoded(value) for key, _, value in pairs}, decoded(data)


def decoded(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_sarif_of_a_rich_report(here: Path) -> None:
    found = rich_report(here)
    found.ran = ("missing-seed", "unshuffled-training-data")
    run = sarif_run(found)
    driver = run["tool"]["driver"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in driver["rules"]] == [
        "large-batch-without-warmup",
        "missing-seed",
        "unguarded-sqrt",
        "unshuffled-training-data",
    ]
    assert [result["level"] for result in run["results"]] == ["warning", "note", "warning", "error"]
    assert all(driver["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    loader = run["results"][2]
    assert loader["message"]["text"] == "training samples come in file order\nhelp: shuffle=True"
    assert loader["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "train.py", "uriBaseId": BASE},
                "region": {"startLine": 3, "startColumn": 17, "endLine": 3, "endColumn": 69},
            },
            "logicalLocations": [{"fullyQualifiedName": "main"}],
        }
    ]
    assert [each["message"]["text"] for each in loader["relatedLocations"]] == [
        "train_set is the training split",
        "its batches reach loss.backward()",
    ]
    (change,) = loader["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 68, "endLine": 3, "endColumn": 68},
            "insertedContent": {"text": ", shuffle=True"},
        }
    ]
    marks = [entry["fingerprint"] for entry in json.loads(to_json(found))["findings"]]
    assert [each["partialFingerprints"]["trainlint/v1"] for each in run["results"]] == marks
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["descriptor"]["id"] == driver["notifications"][0]["id"] == "python2"
    assert "suppressions" not in loader


def test_sarif_has_the_help_of_every_rule(here: Path) -> None:
    found = report(here)
    found.ran = tuple(BOOK.rules)
    rules = sarif_run(found)["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == set(BOOK.rules)
    for rule in rules:
        assert rule["help"]["text"].startswith("What it does\n")
        assert "```" not in rule["help"]["text"]
        assert rule["help"]["markdown"].startswith("## What it does\n")
        assert len(re.findall(r"^```", rule["help"]["markdown"], re.MULTILINE)) % 2 == 0
        assert not re.search(r"^```\w+ \w", rule["help"]["markdown"], re.MULTILINE)


def test_sarif_lists_what_is_suppressed_where_asked(here: Path) -> None:
    found = report(here, finding())
    found.silenced = (
        Silenced(finding(), "inSource", "read [in order](x) on purpose"),
        Silenced(finding(span=Span("other.py", 1, 1, 1, 2)), "external"),
    )
    assert len(sarif_run(found)["results"]) == 1
    results = sarif_run(found, show_suppressed=True)["results"]
    assert [result["suppressions"] for result in results] == [
        [],
        [{"kind": "inSource", "justification": "read [in order](x) on purpose"}],
        [{"kind": "external"}],
    ]
    assert len({result["partialFingerprints"]["trainlint/v1"] for result in results}) == 3


def test_sarif_says_when_trainlint_failed(here: Path) -> None:
    found = report(here, notices=(Notice("a.py", 1, "internal", "oops"),))
    (invocation,) = json.loads(to_sarif(found, BOOK, 2))["runs"][0]["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"


def test_files_outside_the_folder_have_absolute_uris(here: Path, monkeypatch) -> None:
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    (result,) = sarif_run(report(here, finding()))["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": (here / "train.py").as_uri()}


def test_paths_are_relative_to_the_checkout_of_a_ci_service(here: Path, monkeypatch) -> None:
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here))
    monkeypatch.setenv("CI_PROJECT_DIR", str(here))
    found = report(here / "sub", finding())
    (result,) = sarif_run(found)["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "sub/train.py", "uriBaseId": BASE}
    assert "file=sub/train.py," in to_github(found)
    assert json.loads(to_gitlab(found))[0]["location"]["path"] == "sub/train.py"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here / "elsewhere"))
    assert checkout_folder("GITHUB_WORKSPACE") is None
    (here / "elsewhere").mkdir()
    assert checkout_folder("GITHUB_WORKSPACE") is None


def test_github_commands(here: Path) -> None:
    assert to_github(rich_report(here)).splitlines()[1:] == [
        "::notice file=train.py,line=1,endLine=1,col=1,endColumn=2,title=trainlint%3A missing-seed::"
        "train.py:1:1: missing-seed: training samples come in file order%0Ahelp: shuffle=True",
        "::warning file=train.py,line=3,endLine=3,col=17,endColumn=69,title=trainlint%3A "
        "unshuffled-training-data::train.py:3:17: unshuffled-training-data: "
        "training samples come in file order%0Ahelp: shuffle=True",
        "::error file=train.py,line=4,endLine=4,col=15,endColumn=28,title=trainlint%3A unguarded-sqrt::"
        "train.py:4:15: unguarded-sqrt: training samples come in file order%0Ahelp: shuffle=True",
        "::notice file=old.py,line=3,title=trainlint%3A python2::old.py:3: Python 2 source: not read",
    ]
    quiet = to_github(rich_report(here), quiet=True)
    assert [line.partition(" ")[0] for line in quiet.splitlines()] == ["::warning", "::warning", "::error"]


def test_gitlab_issues(here: Path) -> None:
    issues = json.loads(to_gitlab(rich_report(here)))
    assert [issue["severity"] for issue in issues] == ["major", "minor", "major", "critical"]
    assert issues[2]["location"] == {"path": "train.py", "lines": {"begin": 3, "end": 3}}
    assert issues[2]["check_name"] == "unshuffled-training-data"
    assert json.loads(to_gitlab(report(here))) == []


def test_gitlab_fingerprints_differ_between_projects(here: Path) -> None:
    both = merge_reports([rich_report(here / "one"), rich_report(here / "two")])
    issues = json.loads(to_gitlab(both))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 8


def test_junit(here: Path, junit_schema) -> None:
    for found in (rich_report(here), report(here)):
        junit_schema.validate(ElementTree.fromstring(to_junit(found)))
    root = ElementTree.fromstring(to_junit(rich_report(here)))
    assert (root.get("tests"), root.get("failures")) == ("5", "3")
    assert [suite.get("name") for suite in root] == ["configs/big.yaml", "old.py", "train.py"]
    outcomes = [child.tag for test in root.iter("testcase") for child in test]
    assert outcomes == ["failure", "skipped", "system-out", "failure", "failure"]
    assert len(ElementTree.fromstring(to_junit(report(here)))[0]) == 1


def test_cells_of_notebooks_are_told(here: Path) -> None:
    span = Span("a.ipynb", 5, 2, 5, 4, cell=3)
    fix = Fix("seed it", "safe", (Edit(span, "x"),))
    found = report(here, finding(span=span, fix=fix))
    (result,) = sarif_run(found)["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "properties": {"cell": 3, "line": 5, "column": 2}}
    assert "fixes" not in result
    _, properties, _ = parsed_command(to_github(found).strip())
    assert set(properties) == {"file", "title"}
    assert properties["title"].endswith("(cell 3, line 5)")
    (issue,) = json.loads(to_gitlab(found))
    assert issue["location"]["lines"] == {"begin": 1}
    assert issue["description"].startswith("cell 3, line 5: ")
    assert 'name="unshuffled-training-data (cell 3, 5:2)"' in to_junit(found)


def test_secrets_stay_hidden(here: Path) -> None:
    secret = "hunter2-very-secret"
    leak = finding(message=f"api_key: {secret} is unread", hint=f"remove password={secret}")
    found = report(here, leak, notices=(Notice("a", 1, "syntax", f"token: {secret}"),))
    found.silenced = (Silenced(leak, "inSource", f"token: {secret}"),)
    texts = (
        to_sarif(found, BOOK, 1, show_suppressed=True),
        to_github(found),
        to_gitlab(found),
        to_junit(found),
    )
    for text in texts:
        assert secret not in text


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_sarif(found: Report) -> None:
    text = to_sarif(found, BOOK, 1)
    assert text.isascii()
    run = sarif_run(found)
    for each in strings(run):
        each.encode()
    places = Places(found.root)
    for entry, result in zip(found.findings, run["results"], strict=True):
        assert unescaped(result["message"]["text"]) == well_formed(help_text(entry.message, entry.hint))
        location = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert URI.fullmatch(location["uri"])
        assert path_of(location) == as_found(places.path(entry.span.path))
        for related, told in zip(entry.related, result.get("relatedLocations", []), strict=True):
            assert unescaped(told["message"]["text"]) == well_formed(hide_secrets(related.message))
            place = told["physicalLocation"]["artifactLocation"]
            assert path_of(place) == as_found(places.path(related.span.path))
        if entry.fix is not None and all(edit.span.cell is None for edit in entry.fix.edits):
            inserted = [
                part["insertedContent"]["text"]
                for change in result["fixes"][0]["artifactChanges"]
                for part in change["replacements"]
            ]
            assert sorted(inserted) == sorted(well_formed(edit.text) for edit in entry.fix.edits)
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    for notice, told in zip(found.notices, notifications, strict=True):
        assert unescaped(told["message"]["text"]) == well_formed(hide_secrets(notice.message))


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_github_commands(found: Report) -> None:
    text = to_github(found)
    lines = text.splitlines()
    assert len(lines) == len(found.findings) + len(found.notices)
    assert visible("".join(lines)) == "".join(lines)
    places = Places(found.root)
    entries = [
        *((each.span.path, f": {each.rule}: {told_text(each)}") for each in found.findings),
        *((each.path, f":{each.line}: {visible(hide_secrets(each.message))}") for each in found.notices),
    ]
    for line, (path, message) in zip(lines, entries, strict=True):
        name, properties, data = parsed_command(line)
        assert name in ("error", "warning", "notice")
        assert properties["file"] == visible(places.path(path))
        assert set(properties) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert data.startswith(properties["file"])
        assert data.endswith(message)


def told_text(entry: Finding) -> str:
    told = visible(hide_secrets(entry.message))
    return f"{told}\nhelp: {visible(hide_secrets(entry.hint))}" if entry.hint else told


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_gitlab_issues(found: Report) -> None:
    text = to_gitlab(found)
    assert text.isascii()
    issues = json.loads(text)
    for each in strings(issues):
        each.encode()
    places = Places(found.root)
    for entry, issue in zip(found.findings, issues, strict=True):
        assert issue["location"]["path"] == well_formed(places.path(entry.span.path))
        assert well_formed(hide_secrets(entry.message)) in issue["description"]
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


@settings(deadline=None, max_examples=60)
@given(found=reports())
def test_nothing_breaks_out_of_junit(found: Report, junit_schema) -> None:
    text = to_junit(found)
    assert text.isascii()
    assert not any(char < " " and char not in "\t\n" for char in text)
    root = ElementTree.fromstring(text)
    junit_schema.validate(root)
    places = Places(found.root)
    told = sorted((test.get("classname"), test[0].text or "") for test in root.iter("testcase") if len(test))
    expected = [
        *((each.span.path, help_text(each.message, each.hint)) for each in found.findings),
        *((each.path, hide_secrets(each.message)) for each in found.notices),
    ]
    assert told == sorted((fit_for_xml(places.path(path)), fit_for_xml(text)) for path, text in expected)


@given(names)
def test_uris_keep_every_byte(path: str) -> None:
    assert path_of({"uri": relative_uri(path)}) == path
    assert path_of({"uri": file_uri("/" + path)}) == "/" + path
    assert URI.fullmatch(relative_uri(path))
    assert URI.fullmatch(file_uri("/" + path))


@given(st.one_of(words, st.text("\\[]()x", max_size=12)))
def test_sarif_messages_hold_no_links(text: str) -> None:
    escaped = message_text(text)
    assert unescaped(escaped) == well_formed(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*\]\(", escaped)


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_json(found: Report) -> None:
    text = to_json(found)
    assert text.isascii()
    told = json.loads(text)
    REPORT.validate(told)
    for each in strings(told):
        each.encode()
    places = Places(found.root)
    for entry, each in zip(found.findings, told["findings"], strict=True):
        assert each["path"] == well_formed(places.path(entry.span.path))
        assert each["message"] == well_formed(hide_secrets(entry.message))
        assert each["hint"] == well_formed(hide_secrets(entry.hint))


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_lsp_diagnostics(found: Report) -> None:
    told = {each["uri"]: each["diagnostics"] for each in json.loads(to_lsp(found))}
    for each in strings(told):
        each.encode()
    expected = sorted(
        [well_formed(help_text(entry.message, entry.hint)) for entry in found.findings]
        + [well_formed(hide_secrets(notice.message)) for notice in found.notices]
    )
    assert sorted(entry["message"] for diagnostics in told.values() for entry in diagnostics) == expected


@settings(deadline=None, max_examples=60)
@given(reports())
def test_nothing_breaks_out_of_text(found: Report) -> None:
    for text in (full(found, style=PLAIN), concise(found, style=PLAIN)):
        assert visible(text.replace("\n", "")) == text.replace("\n", "")
        assert not any(line.lstrip().startswith("::") or "##[" in line for line in text.splitlines())
    lines = concise(found, style=PLAIN).splitlines()
    places = Places(found.root)
    for entry, line in zip(found.findings, lines, strict=False):
        message = visible(hide_secrets(entry.message))
        head = f"{visible(places.column(entry.span))}: {entry.severity.value}[{entry.rule}] "
        assert line == inert(head + message)


def test_traps_hold_what_they_should() -> None:
    assert fit_for_xml("".join(TRAPS)) != "".join(TRAPS)
    assert well_formed("\ud83d") == "\\ud83d"
    assert fit_for_xml("\x1b\ufffe\t\n") == "\\x1b\\ufffe\t\n"


def test_file_names_are_no_commands_in_a_log(here: Path) -> None:
    evil = finding(span=Span("::stop-commands::x.py", 1, 1, 1, 2), message="::error::a ##[error]b")
    for text in (full(report(here, evil), style=PLAIN), concise(report(here, evil), style=PLAIN)):
        assert "\\x3a:stop-commands::x.py:1:1" in text
        assert "#\\x23[error]b" in text
        assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


def test_statistics_count_rules(here: Path) -> None:
    found = [finding(), finding(fix=Fix("x", "safe")), finding("missing-seed", Severity.ADVICE)]
    assert statistics(found, PLAIN) == (
        "2  warning  unshuffled-training-data  1 fixable\n1  advice   missing-seed\n"
    )
    assert statistics([], PLAIN) == ""
    hostile = msgspec.structs.replace(finding(), rule="\x1b[2J")
    assert "\x1b" not in statistics([hostile], PLAIN)
