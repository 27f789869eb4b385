"""What is remembered of one project: the store, and what its files hold in this run."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trainlint.cache.coding import decode, encode
from trainlint.cache.contents import Contents
from trainlint.cache.folder import cache_folder
from trainlint.cache.keys import own_digest
from trainlint.cache.store import Store, digest_of
from trainlint.cache.whole import KIND, MOST, may_be_kept, report_key
from trainlint.discovery.projects import Project
from trainlint.findings import Report


class Memory:
    """The cache of a project. `problem` says why there is none, "" where it is in use.

    `overlay` holds texts that stand for files: what rests on one of them is looked up, and not kept.
    """

    def __init__(self, project: Project, overlay: Mapping[str, str]) -> None:
        self.project = project
        self.store = Store(cache_folder(project.root, project.settings.cache_dir))
        self.own = own_digest()
        self.contents = Contents(project.root, project.context, overlay)
        self._whole = b""

    @property
    def problem(self) -> str:
        """Why nothing is remembered; "" where all is well."""
        return self.store.problem

    def scope(self, versions: Mapping[str, str]) -> bytes:
        """A digest of what every answer about a part of the project depends on besides files."""
        placed = self.project.root if self.project.settings.cache_dir else ""
        parts = repr((placed, sorted(versions.items()))).encode("utf-8", "backslashreplace")
        return digest_of(self.own, parts)

    def report(self) -> Report | None:
        """The report of an earlier run over the same; None where there is none."""
        if self.project.settings.diff_base is not None:
            return None
        self._whole = report_key(self.own, self.project, self.contents.digests)
        return decode(self.store.get(self._whole), Report)

    def keep(self, report: Report) -> None:
        """Keeps a report, and all else that waits, unless a file was changed while it was read."""
        if not self.contents.still_hold():
            return
        if self._whole and not self.contents.overlaid and may_be_kept(report):
            self.store.put(self._whole, KIND, encode(msgspec.structs.replace(report, seconds={})))
        self.store.save({KIND: MOST})

    def close(self) -> None:
        """Ends the use of the store."""
        self.store.close()
