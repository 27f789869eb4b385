"""The files of one project as the pipeline reads them: texts, outlines, config documents, and why some cannot
be read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.project import module_name
from trainlint.analysis.outline.outline import outline
from trainlint.discovery.projects import Project
from trainlint.findings import Edit, Finding, Notice, Related, Span
from trainlint.knowledge.base import Knowledge
from trainlint.recipe.config.recognise import may_be_config
from trainlint.recipe.launch.lines import Launch, launches
from trainlint.suppressions.comments import Read
from trainlint.suppressions.languages import suppressions_of
from trainlint.text.document import Broken, Document
from trainlint.text.guard import refusal
from trainlint.text.notebook import NotebookSource, read_notebook
from trainlint.text.source import Source, read_source, source_of

_PARSERS = ("yaml", "json", "toml")
_COMMANDS = ("shell", "make")


class ProjectSources:
    """Texts of a project by path, read once. `overlay` holds texts that stand for files: standard input, open
    buffers."""

    def __init__(self, project: Project, knowledge: Knowledge, overlay: dict[str, str]) -> None:
        self.project = project
        self.knowledge = knowledge
        self.overlay = overlay
        self.notices: list[Notice] = []
        self.languages = {file.path: file.language for file in project.context}
        self.notebooks: dict[str, NotebookSource] = {}
        self._sources: dict[str, Source | None] = {}
        self._documents: dict[str, tuple[list[Document], list[Broken]]] = {}
        self.packages = {path.rpartition("/")[0] for path in self.languages if path.endswith("__init__.py")}

    def text(self, path: str) -> Source | None:
        """A file's text (a notebook's code cells as one), None where it cannot be read; then a notice says
        why."""
        if path not in self._sources:
            self._sources[path] = self._read(path)
        return self._sources[path]

    def _read(self, path: str) -> Source | None:
        language = self.languages.get(path, "python")
        if path in self.overlay:
            read: Source | Broken = source_of(path, self.overlay[path])
        else:
            read = read_source(Path(self.project.root, path), path, python=language == "python")
        if isinstance(read, Source) and language == "notebook":
            notebook = read_notebook(read)
            if isinstance(notebook, Broken):
                read = notebook
            else:
                self.notebooks[path] = notebook
                for broken in notebook.broken:
                    self._refuse(path, broken)
                read = notebook.source
        if isinstance(read, Broken):
            self._refuse(path, read)
            return None
        return read

    def size(self, path: str) -> int:
        """A file's size in bytes, about; 0 where there is none."""
        if path in self.overlay:
            return len(self.overlay[path])
        try:
            return Path(self.project.root, path).stat().st_size
        except OSError:
            return 0

    def lines(self, path: str) -> list[str]:
        """A file's lines; none where it cannot be read."""
        source = self.text(path)
        return source.lines if source is not None else []

    def _refuse(self, path: str, broken: Broken) -> None:
        self.notices.append(Notice(path, broken.line, broken.kind, broken.message))

    def outline(self, path: str) -> Outline | None:
        """A Python file at a glance, None where it cannot be read or parsed; then a notice says why."""
        source = self.text(path)
        if source is None:
            return None
        refused = refusal(source)
        if refused is not None:
            self._refuse(path, refused)
            return None
        module, is_package = module_name(path, self.packages)
        found = outline(path, source.text, module, is_package, self.knowledge.vocabulary)
        if isinstance(found, Broken):
            self._refuse(path, found)
            return None
        return found

    def documents(self, path: str) -> tuple[list[Document], list[Broken]]:
        """A config's documents and what is broken in it; no notice is made: a rule may speak about it."""
        if path not in self._documents:
            source = self.text(path)
            self._documents[path] = ([], []) if source is None else self._parse(source)
        return self._documents[path]

    def _parse(self, source: Source) -> tuple[list[Document], list[Broken]]:
        language = self.languages.get(source.path) or source.path.rpartition(".")[2]
        if language == "json":
            from trainlint.text.json import parse_json  # noqa: PLC0415 - each parser when it is needed

            return parse_json(source)
        if language == "toml":
            from trainlint.text.toml import parse_toml  # noqa: PLC0415

            return parse_toml(source)
        if language == "python":
            from trainlint.text.python_config.module import parse_python_config  # noqa: PLC0415

            return parse_python_config(source)
        from trainlint.text.yaml import parse_yaml  # noqa: PLC0415

        return parse_yaml(source)

    def first_document(self, path: str) -> Document | None:
        """A config's first document, None where it has none."""
        documents, _ = self.documents(path)
        return documents[0] if documents else None

    def may_be_config(self, path: str) -> bool:
        """Whether a file could be a training config, by its name and a look at its text."""
        source = self.text(path)
        return source is not None and may_be_config(path, source.text)

    @cached_property
    def launches(self) -> list[Launch]:
        """The lines of scripts and makefiles that start the project's Python files, by script."""
        scripts = [(path, kind) for path, kind in self.languages.items() if kind in _COMMANDS]
        if not scripts:
            return []
        from trainlint.text.shell import read_makefile, read_shell  # noqa: PLC0415

        files = frozenset(self.python_paths())
        found: list[Launch] = []
        for path, kind in scripts:
            source = self.text(path)
            # A script that names no Python is not worth parsing.
            if source is not None and ("python" in source.text or ".py" in source.text):
                commands = read_shell(source) if kind == "shell" else read_makefile(source)
                found += launches(commands, path, files)
        return found

    def python_paths(self) -> list[str]:
        """Python files and notebooks, sorted."""
        return [path for path, language in self.languages.items() if language in ("python", "notebook")]

    def script_paths(self) -> list[str]:
        """Shell scripts and makefiles, sorted."""
        return [path for path, language in self.languages.items() if language in _COMMANDS]

    def config_paths(self) -> list[str]:
        """YAML, JSON and TOML files, sorted."""
        return [path for path, language in self.languages.items() if language in _PARSERS]

    def excerpt_lines(self, span: Span) -> list[str]:
        """The lines that an excerpt is cut from: the file's, or those of the notebook cell."""
        lines = self.lines(span.path)
        notebook = self.notebooks.get(span.path)
        if notebook is None or span.cell not in notebook.cells:
            return lines
        position = notebook.cells.index(span.cell)
        end = notebook.firsts[position + 1] - 1 if position + 1 < len(notebook.firsts) else len(lines)
        return lines[notebook.firsts[position] - 1 : end]

    def in_cells(self, finding: Finding) -> Finding:
        """A finding in a notebook, its places given as cell and line of the cell."""
        if all(self._notebook(span.path) is None for span in finding.spans):
            return finding
        related = tuple(Related(self._in_cell(each.span), each.message) for each in finding.related)
        fix = finding.fix
        if fix is not None:
            edits = tuple(Edit(self._edited_in_cell(edit.span), edit.text) for edit in fix.edits)
            fix = msgspec.structs.replace(fix, edits=edits)
        return msgspec.structs.replace(finding, span=self._in_cell(finding.span), related=related, fix=fix)

    def with_own_line_ends(self, finding: Finding) -> Finding:
        """A finding whose fix has the line ends of the files it changes."""
        fix = finding.fix
        if fix is None:
            return finding
        from trainlint.text.line_ends import with_own_line_ends  # noqa: PLC0415 - only where there are fixes

        edits = tuple(with_own_line_ends(self.text(edit.span.path), edit) for edit in fix.edits)
        return msgspec.structs.replace(finding, fix=msgspec.structs.replace(fix, edits=edits))

    def _notebook(self, path: str) -> NotebookSource | None:
        """A file as a notebook, None for others; it is read where its outline was remembered."""
        if self.languages.get(path) == "notebook":
            self.text(path)
        return self.notebooks.get(path)

    def _in_cell(self, span: Span) -> Span:
        notebook = self._notebook(span.path)
        if notebook is None or span.cell is not None:
            return span
        cell, line = notebook.locate(span.line)
        end_cell, end_line = notebook.locate(span.end_line)
        end_line = end_line if end_cell == cell else line
        return msgspec.structs.replace(span, line=line, end_line=end_line, cell=cell)

    def _edited_in_cell(self, span: Span) -> Span:
        """What an edit replaces. Whole lines end where the next line starts, though that may be another
        cell's."""
        placed = self._in_cell(span)
        if placed.cell is None:
            return placed
        return msgspec.structs.replace(placed, end_line=placed.line + span.end_line - span.line)

    def suppressions(self, path: str) -> Read:
        """The suppression comments of a file."""
        source = self.text(path)
        return Read() if source is None else suppressions_of(source, self.languages.get(path, ""))
