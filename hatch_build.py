"""Builds into the wheel what a run would else make at its first start: compiled rules and knowledge."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileDataHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles pages and knowledge for a wheel. An editable install compiles on change instead."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into a temporary folder and have the files included. Fails the build on a broken page."""
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        self._folder = Path(tempfile.mkdtemp(prefix="trainlint-build-"))
        try:
            compile_rules(root / "rules", self._folder / "rules_compiled.json")
            compile_knowledge(self._folder / "knowledge" / "compiled")
        finally:
            sys.path.remove(str(root))
        for file in sorted(self._folder.rglob("*.json")):
            build_data["force_include"][str(file)] = f"trainlint/{file.relative_to(self._folder).as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the temporary folder."""
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)


def compile_rules(pages: Path, target: Path) -> None:
    """Compile the pages. Raises SystemExit naming every broken one."""
    from trainlint.rulebook.loading import compile_rulebook  # noqa: PLC0415

    errors = compile_rulebook(pages, target)
    if errors:
        raise SystemExit("\n".join(["broken rule pages:", *map(str, errors)]))


def compile_knowledge(folder: Path) -> None:
    """Compile the facts of frameworks and config formats. Raises KnowledgeError for a broken file."""
    from trainlint.knowledge.compiler import compile_knowledge as compile_frameworks  # noqa: PLC0415
    from trainlint.knowledge.format_sources import compile_formats, write_formats  # noqa: PLC0415

    compile_frameworks(folder)
    write_formats(compile_formats(), folder / "formats.json")
