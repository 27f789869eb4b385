from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from test_cli import UNSHUFFLED

from trainlint.server_worker import diagnose, readable

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
