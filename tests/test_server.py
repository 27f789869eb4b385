from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import pytest_lsp
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from test_cli import UNSHUFFLED

from trainlint.output.lsp import text_edit
from trainlint.server_worker import diagnose, fix_all, readable
from trainlint.text.source import source_of

SETTINGS = 'select = ["unshuffled-training-data"]\n'


@pytest_lsp.fixture(
    params=["visual-studio-code", "neovim"],
    config=ClientServerConfig(server_command=[sys.executable, "-m", "trainlint", "server", "--stdio"]),
)
async def client(request, lsp_client: LanguageClient, tmp_path: Path):
    (tmp_path / "trainlint.toml").write_text(SETTINGS)
    (tmp_path / "train.py").write_text("x = 1\n")
    await lsp_client.initialize_session(
        types.InitializeParams(capabilities=client_capabilities(request.param), root_uri=tmp_path.as_uri())
    )
    yield lsp_client
    await lsp_client.shutdown_session()


def document(tmp_path: Path, text: str, name: str = "train.py") -> types.TextDocumentItem:
    uri = (tmp_path / name).as_uri()
    return types.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)


def open_buffer(client: LanguageClient, item: types.TextDocumentItem) -> None:
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))


def change(client: LanguageClient, item: types.TextDocumentItem, version: int, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=item.uri, version=version),
            content_changes=[types.TextDocumentContentChangeWholeDocument(text=text)],
        )
    )


async def published(client: LanguageClient, uri: str, want) -> list[types.Diagnostic]:
    """The diagnostics of a buffer once they are as wanted: pushes come when they come."""
    for _ in range(600):
        if uri in client.diagnostics and want(client.diagnostics[uri]):
            return list(client.diagnostics[uri])
        await asyncio.sleep(0.05)
    raise AssertionError(f"diagnostics stay {client.diagnostics.get(uri)}")


@pytest.mark.asyncio
async def test_an_open_buffer_has_the_diagnostics_of_its_text(client: LanguageClient, tmp_path: Path) -> None:
    item = document(tmp_path, UNSHUFFLED.replace("train_loader = ", "fox = '🦊'; train_loader = "))
    open_buffer(client, item)
    (found,) = await published(client, item.uri, len)
    assert found.code == "unshuffled-training-data"
    assert found.source == "trainlint"
    assert found.severity is types.DiagnosticSeverity.Warning
    assert found.range.start == types.Position(line=7, character=len("fox = '🦊'; train_loader = ") + 1)

    fixed = item.text.replace("batch_size=128", "batch_size=128, shuffle=True")
    change(client, item, 2, fixed)
    await published(client, item.uri, lambda all_of_it: not all_of_it)

    for version in range(3, 12):
        change(client, item, version, fixed + "x = 1\n" * version)
    change(client, item, 12, item.text)
    await published(client, item.uri, len)

    client.text_document_did_close(
        types.DidCloseTextDocumentParams(text_document=types.TextDocumentIdentifier(uri=item.uri))
    )
    await published(client, item.uri, lambda all_of_it: not all_of_it)
    assert client.log_messages == []


@pytest.mark.asyncio
async def test_nothing_in_a_buffer_ends_the_server(client: LanguageClient, tmp_path: Path) -> None:
    hostile = ["(" * 3000, "x = " + " and ".join("a" * 9000), "print 'two'", "\0", "a: &a [*a]"]
    for number, text in enumerate(hostile):
        open_buffer(client, document(tmp_path, text, f"bad{number}.py"))
    open_buffer(client, document(tmp_path, "text", "notes.md"))
    open_buffer(client, types.TextDocumentItem("untitled:Untitled-1", "python", 1, "x = 1"))
    change(client, document(tmp_path, "", "never_opened.py"), 2, "x")
    item = document(tmp_path, UNSHUFFLED)
    open_buffer(client, item)
    assert [found.code for found in await published(client, item.uri, len)] == ["unshuffled-training-data"]
    assert not client.diagnostics.get((tmp_path / "notes.md").as_uri())
    assert client.messages == []


@pytest.mark.asyncio
async def test_broken_settings_are_told_in_the_buffer(client: LanguageClient, tmp_path: Path) -> None:
    item = document(tmp_path, UNSHUFFLED)
    (tmp_path / "trainlint.toml").write_text("selct = []\n")
    open_buffer(client, item)
    (found,) = await published(client, item.uri, len)
    assert "unknown setting 'selct'" in found.message
    (tmp_path / "trainlint.toml").write_text(SETTINGS)
    client.text_document_did_save(
        types.DidSaveTextDocumentParams(text_document=types.TextDocumentIdentifier(uri=item.uri))
    )
    await published(
        client, item.uri, lambda found: [one.code for one in found] == ["unshuffled-training-data"]
    )


def code_actions(uri: str, at: types.Range, *only: str) -> types.CodeActionParams:
    context = types.CodeActionContext(diagnostics=[], only=list(only) or None)
    return types.CodeActionParams(types.TextDocumentIdentifier(uri), at, context)


def edited(text: str, action: types.CodeAction) -> str:
    """A text after the one edit of an action; lines are ASCII up to where it is."""
    assert action.edit is not None
    ((edit,),) = (action.edit.changes or {}).values()
    lines = text.splitlines(keepends=True)
    start, end = (sum(map(len, lines[: p.line])) + p.character for p in (edit.range.start, edit.range.end))
    return text[:start] + edit.new_text + text[end:]


@pytest.mark.asyncio
async def test_a_code_action_for_each_fix_and_one_for_all(client: LanguageClient, tmp_path: Path) -> None:
    item = document(tmp_path, UNSHUFFLED)
    open_buffer(client, item)
    (found,) = await published(client, item.uri, len)
    actions = await client.text_document_code_action_async(code_actions(item.uri, found.range))
    quick, every = actions
    assert quick.title.startswith("Fix: ")
    assert (quick.kind, every.kind) == (types.CodeActionKind.QuickFix, "source.fixAll.trainlint")
    assert quick.is_preferred
    assert [each.code for each in quick.diagnostics] == ["unshuffled-training-data"]
    fixed = UNSHUFFLED.replace("batch_size=128", "batch_size=128, shuffle=True")
    assert [edited(UNSHUFFLED, action) for action in actions] == [fixed, fixed]

    elsewhere = types.Range(types.Position(0, 0), types.Position(0, 1))
    for at, only, kinds in (
        (elsewhere, ["quickfix"], []),
        (found.range, ["quickfix"], ["quickfix"]),
        (elsewhere, ["source.fixAll"], ["source.fixAll.trainlint"]),
        (elsewhere, ["source"], ["source.fixAll.trainlint"]),
        (found.range, ["refactor", "source.fixAll.other"], []),
    ):
        given = await client.text_document_code_action_async(code_actions(item.uri, at, *only))
        assert [str(getattr(each.kind, "value", each.kind)) for each in given or []] == kinds

    change(client, item, 2, fixed)
    await published(client, item.uri, lambda all_of_it: not all_of_it)
    assert not await client.text_document_code_action_async(code_actions(item.uri, found.range))
    assert client.log_messages == []


def test_fixing_a_buffer_gives_one_edit(tmp_path: Path) -> None:
    (tmp_path / "trainlint.toml").write_text(SETTINGS)
    path = str(tmp_path / "train.py")
    text = UNSHUFFLED.replace("train_loader = ", "fox = '🦊'; train_loader = ").replace("\n", "\r\n")
    edit = fix_all(path, text, "utf-16")
    line = text.split("\r\n")[7]
    assert edit is not None
    assert edit["range"]["start"]["line"] == edit["range"]["end"]["line"] == 7
    assert edit["range"]["start"]["character"] == line.index("128") + len("128") + 1
    assert edit["newText"] == ", shuffle=True"
    assert fix_all(path, text.replace("=128", "=128, shuffle=True"), "utf-16") is None
    assert fix_all(path, "(", "utf-16") is None


@given(st.text("ab🦊\r\n", max_size=12), st.text("ab🦊\r\n", max_size=12))
def test_one_edit_makes_one_text_of_another(before: str, after: str) -> None:
    edit = text_edit(before, after, "utf-32")
    if before == after:
        assert edit is None
        return
    assert edit is not None
    source = source_of("x.py", before)
    start, end = (
        source.offset(edit["range"][side]["line"] + 1, edit["range"][side]["character"] + 1)
        for side in ("start", "end")
    )
    assert before[:start] + edit["newText"] + before[end:] == after


def test_the_worker_answers_whatever_happens(tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("trainlint.linter.lint", fail)
    (found,) = diagnose(str(tmp_path / "a.py"), "x = 1", "utf-16")
    assert "internal" not in found["message"]
    assert "RuntimeError: boom" in found["message"]


def test_what_the_server_reads() -> None:
    assert [name for name in ("a.py", "b.yaml", "c.ipynb", "d.md", "") if readable(name)] == [
        "a.py",
        "b.yaml",
    ]
