"""What the file rules see of a config: its text, its documents, what it is, and which code reads it how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from trainlint.findings import Span
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.composition.compose import Composed
from trainlint.recipe.config.project_reads import ProjectCode
from trainlint.recipe.config.recognise import (
    Recognition,
    is_template,
    recognise,
    recognise_broken,
    recognise_whole,
    skipped_path,
)
from trainlint.recipe.config.scalars import UNKNOWN_LOADER
from trainlint.text.document import Broken, Document
from trainlint.text.source import Source


class Reader(msgspec.Struct, frozen=True):
    """Code that loads the file: the program's path, the loading call, and the loader's kind."""

    program: str
    span: Span
    loader: str = UNKNOWN_LOADER


class KeyUse(msgspec.Struct, frozen=True):
    """A place where code takes a value out of the file. `path` holds the keys from the root.

    `numeric`: the value is used where only a number will do. `converted`: the code turns it into a number
    first.
    """

    path: tuple[str | int, ...]
    span: Span
    numeric: bool = False
    converted: bool = False


class ConfigFile(msgspec.Struct):
    """One YAML, JSON or TOML file. `loader` is the kind that types its values, "unknown" where nothing tells.

    `read_by` and `uses` are what the project's code was seen to do with it; both empty says nothing.
    `composed` is the config with its bases, where it names any. `mentioned` tells whether the project's own
    copy of a package has a word in its sources, `versions` which version of a package the project uses.
    `code` is all code of the project, to ask what it does with the configs it loads.
    """

    path: str
    source: Source
    documents: list[Document]
    broken: list[Broken]
    recognition: Recognition
    loader: str = UNKNOWN_LOADER
    read_by: tuple[Reader, ...] = ()
    uses: tuple[KeyUse, ...] = ()
    composed: Composed | None = None
    mentioned: Callable[[str, str], bool] | None = None
    code: ProjectCode | None = None
    versions: Mapping[str, str] = {}

    @property
    def judged(self) -> bool:
        """Whether the file rules speak about it: a training config, or a file that code loads."""
        return self.recognition.recognised or bool(self.read_by)


def why_none(config: ConfigFile) -> str:
    """Why a config has no recipe, in plain words."""
    if config.broken and is_template(config.source.text):
        return "a template, which something fills in"
    if config.broken:
        return f"line {config.broken[0].line} does not parse: {config.broken[0].message}"
    title = load_formats().formats[config.recognition.format].title if config.recognition.format else ""
    if not config.recognition.recognised:
        return config.recognition.reason
    if config.composed is not None and not config.composed.complete:
        return f"{title}, laid over a config that was not read"
    return f"{title}, a part of a run" if config.recognition.kind == "fragment" else title


def config_file(
    source: Source,
    documents: list[Document],
    broken: list[Broken],
    read_by: Sequence[Reader] = (),
    uses: Sequence[KeyUse] = (),
    *,
    declared: bool = False,
    composed: Composed | None = None,
) -> ConfigFile:
    """The view of a parsed file: recognised, and with the loader that its readers or its format name.

    `declared`: the settings say that it is a training config, whatever its keys look like.
    """
    recognition = recognise(documents, source.path)
    if composed is not None and not skipped_path(source.path):
        whole = recognise_whole(composed.document, complete=composed.complete)
        recognition = whole if whole.recognised else recognition
    if broken and not recognition.recognised:
        recognition = recognise_broken(source.text, source.path)
    if declared and not recognition.recognised:
        recognition = Recognition("generic", "recipe", "the settings name it")
    loader = _loader(documents, recognition, read_by)
    return ConfigFile(
        source.path, source, documents, broken, recognition, loader, tuple(read_by), tuple(uses), composed
    )


def _loader(documents: Sequence[Document], recognition: Recognition, read_by: Sequence[Reader]) -> str:
    """JSON and TOML type themselves; for YAML the agreeing readers decide, else the format."""
    if documents and documents[0].format != "yaml":
        return documents[0].format
    kinds = {reader.loader for reader in read_by}
    format_ = load_formats().formats.get(recognition.format)
    own = format_.loader if format_ is not None else UNKNOWN_LOADER
    if own in ("coerced", "literal-eval") or not kinds:
        return own
    return kinds.pop() if len(kinds) == 1 else UNKNOWN_LOADER
