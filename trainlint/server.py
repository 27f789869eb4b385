"""The language server: diagnostics for open buffers, by the same `lint` as the command line.

The analysis runs in another process: what kills or hangs a parser costs one answer, not the server.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar, cast

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from trainlint.discovery.paths import canonical
from trainlint.output.lsp import Encoding
from trainlint.pipeline.spawning import leave_interrupts, spawning
from trainlint.server_actions import (
    FIX_ALL,
    KINDS,
    fix_all_action,
    has_safe_fix,
    is_wanted,
    quick_fixes,
)
from trainlint.server_worker import diagnose, fix_all, problem, readable, warm_up
from trainlint.version import VERSION

DEBOUNCE = 0.2
"""Seconds without a keystroke before a buffer is linted."""
PATIENCE = 60.0
"""Seconds one buffer may take before its worker is ended."""

Result = TypeVar("Result")
_LOG = logging.getLogger(__name__)


class Server(LanguageServer):
    """Publishes diagnostics; the latest version of a buffer wins, stale answers are dropped."""

    def __init__(self) -> None:
        super().__init__("trainlint", VERSION, text_document_sync_kind=types.TextDocumentSyncKind.Incremental)
        self._pool: ProcessPoolExecutor | None = None
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._published: dict[str, tuple[int | None, list[types.Diagnostic]]] = {}
        self._turn = asyncio.Lock()
        self._diagnostic = get_converter()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Logs instead of interrupting the user: a message might also quote their files."""
        _LOG.error("%s: %s", getattr(source, "__name__", source), error)

    def schedule(self, uri: str, delay: float = DEBOUNCE) -> None:
        """Lints a buffer after a pause; another call for it starts the pause anew."""
        self.forget(uri)
        if readable(to_fs_path(uri) or ""):
            self._pending[uri] = asyncio.get_running_loop().create_task(self._lint_later(uri, delay))

    def forget(self, uri: str) -> None:
        """Calls off what is planned for a buffer."""
        task = self._pending.pop(uri, None)
        if task is not None:
            task.cancel()

    def schedule_all(self) -> None:
        """Lints every open buffer: one file's change may matter to all."""
        for uri in list(self.workspace.text_documents):
            self.schedule(uri)

    def publish(self, uri: str, found: list[dict[str, Any]], version: int | None = None) -> None:
        """Sends diagnostics; an empty list takes them away."""
        diagnostics = self._diagnostic.structure(found, list[types.Diagnostic])
        self._published[uri] = (version, diagnostics)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics, version=version)
        )

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The code actions for a range of a buffer; none while its diagnostics are another version's."""
        uri, only = params.text_document.uri, params.context.only
        document = self.workspace.text_documents.get(uri)
        version, diagnostics = self._published.get(uri, (None, []))
        if document is None or document.version != version:
            return []
        found: list[types.CodeAction] = []
        if is_wanted(types.CodeActionKind.QuickFix.value, only):
            found += quick_fixes(uri, diagnostics, params.range)
        if is_wanted(FIX_ALL, only) and has_safe_fix(diagnostics):
            edit = await self._fix_all(canonical(to_fs_path(uri) or ""), document.source)
            if edit is not None and document.version == version:
                found.append(fix_all_action(uri, edit))
        return found

    def warm(self) -> None:
        """Starts the worker ahead of the first buffer."""
        self._submit(warm_up)

    def end(self) -> None:
        """Ends the worker, whatever it does."""
        if self._pool is None:
            return
        workers = (
            getattr(self._pool, "_processes", None) or {}
        )  # there is no public way to end one that hangs
        for process in list(workers.values()):
            process.terminate()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    async def _lint_later(self, uri: str, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._turn:
            document = self.workspace.text_documents.get(uri)
            path = to_fs_path(uri)
            if document is None or path is None:
                return
            version = document.version
            found = await self._diagnose(canonical(path), document.source)
        current = self.workspace.text_documents.get(uri)
        if current is not None and current.version == version:
            self.publish(uri, found, version)

    async def _diagnose(self, path: str, text: str) -> list[dict[str, Any]]:
        try:
            return await self._answer(diagnose, path, text)
        except BrokenProcessPool:
            return [problem("not checked: reading this file ended the analysis; please report it")]
        except asyncio.TimeoutError:
            return [problem(f"not checked: it took more than {PATIENCE:.0f} seconds")]

    async def _fix_all(self, path: str, text: str) -> dict[str, Any] | None:
        async with self._turn:
            try:
                return await self._answer(fix_all, path, text)
            except (BrokenProcessPool, asyncio.TimeoutError):
                return None

    async def _answer(self, work: Callable[[str, str, Encoding], Result], path: str, text: str) -> Result:
        """What the worker makes of a buffer. A worker that dies or hangs is ended, and the error raised."""
        encoding = cast("Encoding", str(getattr(self.workspace.position_encoding, "value", "utf-16")))
        try:
            answer = asyncio.wrap_future(self._submit(work, path, text, encoding))
            return await asyncio.wait_for(answer, PATIENCE)
        except (BrokenProcessPool, asyncio.TimeoutError):
            self.end()
            raise

    def _submit(self, work: Callable[..., Result], *args: Any) -> Future[Result]:
        with spawning():
            if self._pool is None:
                self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), leave_interrupts)
            return self._pool.submit(work, *args)


def make_server() -> Server:
    """A server with its handlers, not yet listening."""
    server = Server()

    @server.feature(types.INITIALIZED)
    def initialized(ls: Server, _params: types.InitializedParams) -> None:
        ls.warm()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.schedule(params.text_document.uri, 0.0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        ls.schedule(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(ls: Server, _params: types.DidSaveTextDocumentParams) -> None:
        ls.schedule_all()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(ls: Server, _params: types.DidChangeWatchedFilesParams) -> None:
        ls.schedule_all()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        ls.forget(params.text_document.uri)
        ls.publish(params.text_document.uri, [])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=KINDS))
    async def actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        return await ls.actions(params)

    return server


def serve() -> None:
    """Talks to an editor over standard input and output until it hangs up."""
    server = make_server()
    with _protocol_output() as output:
        try:
            server.start_io(sys.stdin.buffer, output)
        finally:
            server.end()


@contextmanager
def _protocol_output() -> Iterator[BinaryIO]:
    """Standard output for the protocol alone: what else prints, in any process, goes to standard error."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        yield output
