"""Config formats as data: what is asked of the files under `formats/`, from their compiled form."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import msgspec

from trainlint.knowledge.format_model import Format, Loaders, Names, RecognitionFacts

_PACKAGE = Path(__file__).parent
SOURCES = _PACKAGE / "formats"
_COMPILED_FILE = _PACKAGE / "compiled" / "formats.json"


class CompiledFormats(msgspec.Struct, frozen=True):
    """Everything under `formats/` in one file.

    `stamp` names the sources it was made from (empty: made for a wheel).
    """

    stamp: dict[str, tuple[int, int]]
    formats: dict[str, Format]
    recognition: RecognitionFacts
    loaders: Loaders
    names: Names


class FormatKnowledge:
    """Answers what is known of config formats.

    `fingerprinted` are the formats recognised by keys, in order of name.
    """

    def __init__(self, compiled: CompiledFormats) -> None:
        self.formats = compiled.formats
        self.recognition = compiled.recognition
        self.loaders = compiled.loaders
        self.names = compiled.names
        self.fingerprinted = tuple(each for each in compiled.formats.values() if each.fingerprint)
        self.generic = compiled.formats["generic"]

    def loader_of(self, callee: str, loader_class: str = "") -> str | None:
        """The loader kind behind a callee's absolute name ("yaml.safe_load"), None where it reads no config.

        `loader_class` is the class handed to PyYAML's `load` ("yaml.SafeLoader"); one of the project's own
        may resolve numbers in its own way, so its kind is "unknown".
        """
        kind = self.loaders.callees.get(callee)
        own_class = loader_class.rpartition(".")[2] not in ("", *self.loaders.yaml_loaders)
        return "unknown" if kind == "pyyaml" and own_class else kind

    def refuses_duplicates(self, loader: str) -> bool:
        """Whether loading fails on a key written twice, instead of keeping the last."""
        kind = self.loaders.kinds.get(loader)
        return kind is not None and kind.duplicates == "error"


@functools.lru_cache(maxsize=1)
def load_formats() -> FormatKnowledge:
    """The format knowledge; compiled afresh (and kept, where the folder can be written) if a source changed.

    Raises KnowledgeError when a file of a checkout does not follow the schema.
    """
    stamp = _stamp() if _in_checkout() else {}
    compiled = _read(_COMPILED_FILE)
    if compiled is None or compiled.stamp != stamp:
        from trainlint.knowledge.format_sources import compile_formats, write_formats  # noqa: PLC0415

        compiled = compile_formats(SOURCES, stamp)
        with contextlib.suppress(OSError):
            write_formats(compiled, _COMPILED_FILE)
    return FormatKnowledge(compiled)


def _read(path: Path) -> CompiledFormats | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CompiledFormats)
    except (OSError, msgspec.DecodeError):
        return None


def _in_checkout() -> bool:
    return (_PACKAGE.parent.parent / "pyproject.toml").is_file()


def _stamp() -> dict[str, tuple[int, int]]:
    """Size and change time of the format files and of the code that shapes the compiled form."""
    paths = [*SOURCES.glob("*.yaml"), *_PACKAGE.glob("format*.py")]
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(paths)}
