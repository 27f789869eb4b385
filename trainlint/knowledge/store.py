"""Where the compiled knowledge is kept: made at wheel build, remade in a checkout when a source changed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from trainlint.knowledge.compiled_form import Compiled

_PACKAGE = Path(__file__).parent
COMPILED = _PACKAGE / "compiled"
_MAKERS = ("compiled_form.py", "compiler.py", "signatures.py", "sources.py")
_COMPILED_FILE = COMPILED / "knowledge.json"


def load_compiled() -> Compiled:
    """The compiled knowledge; compiled afresh (and kept, where the folder can be written) after a change.

    Raises KnowledgeError when a fact file does not follow the schema.
    """
    stamp = _stamp() if _in_checkout() else {}
    kept = _read(_COMPILED_FILE)
    if kept is not None and kept.stamp == stamp:
        return kept
    from trainlint.knowledge.compiler import compile_sources, write_compiled  # noqa: PLC0415
    from trainlint.knowledge.sources import source_paths  # noqa: PLC0415

    compiled = compile_sources(source_paths(), stamp)
    with contextlib.suppress(OSError):
        write_compiled(compiled, COMPILED)
    return compiled


def _read(path: Path) -> Compiled | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Compiled)
    except (OSError, msgspec.DecodeError):
        return None


def _in_checkout() -> bool:
    return (_PACKAGE.parent.parent / "pyproject.toml").is_file()


def _stamp() -> dict[str, tuple[int, int]]:
    """Size and change time of everything the compiled form is made from: the fact files and the compiler."""
    paths = [*_PACKAGE.glob("frameworks/*.yaml"), *(_PACKAGE / name for name in _MAKERS)]
    stamp = {}
    for path in sorted(paths):
        status = path.stat()
        stamp[path.name] = (status.st_size, status.st_mtime_ns)
    return stamp
