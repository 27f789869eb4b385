"""The file that an expression names: a literal, `Path(__file__).parent / "a.yaml"`, what `open` was given."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Term

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

MAX_DEPTH = 12
_JOINS = frozenset({"os.path.join", "posixpath.join", "pathlib.Path.joinpath"})
_PARENTS = frozenset({"os.path.dirname", "posixpath.dirname"})
_HERE = frozenset({"os.getcwd", "pathlib.Path.cwd", "hydra.utils.get_original_cwd"})


class FileNames:
    """Folds path expressions to a path relative to the project, or as it is written."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def of(self, frame: Frame, index: int, depth: int = 0) -> str | None:
        """The path that an expression, or the file object it makes, stands for; None where it is not known.

        What starts at `__file__` or the working folder is relative to the project's root.
        """
        if depth > MAX_DEPTH:
            return None
        term = frame.term(index)
        if term.op == "unknown" and term.name == "name __file__":
            return frame.facts.path
        if term.op == "call":
            return self._call(frame, term, depth)
        if term.op == "enter":
            return self.of(frame, term.args[0], depth + 1)
        if term.op == "attr" and term.name == "parent":
            inner = self.of(frame, term.args[0], depth + 1)
            return None if inner is None else posixpath.dirname(inner)
        if term.op == "item" and frame.term(term.args[0]).name == "parents":
            return self._ancestor(frame, term, depth)
        if term.op == "bin" and term.name == "/":
            return self._joined([self.of(frame, side, depth + 1) for side in term.args])
        if term.op == "global" and "::" in term.name:
            return self._variable(term.name, depth)
        return self._value(frame, index, depth)

    def _call(self, frame: Frame, term: Term, depth: int) -> str | None:
        name = frame.term(term.args[0]).name
        absolute = self.evaluator.knowledge.canonical(name)
        if absolute in _HERE:
            return ""
        callee = frame.term(term.args[0])
        parts = [self.of(frame, argument, depth + 1) for argument in term.args[1:]]
        if absolute in _JOINS:
            return self._joined(parts)
        if callee.op == "attr" and callee.name == "joinpath":
            return self._joined([self.of(frame, callee.args[0], depth + 1), *parts])
        if absolute in _PARENTS:
            return None if not parts or parts[0] is None else posixpath.dirname(parts[0])
        if callee.op == "attr":
            # `.open()`, `.read()`, `.resolve()`, `.as_posix()` of a path or an open file.
            return self.of(frame, callee.args[0], depth + 1)
        return parts[0] if parts and callee.op == "global" and "::" not in callee.name else None

    def _ancestor(self, frame: Frame, term: Term, depth: int) -> str | None:
        inner = self.of(frame, frame.term(term.args[0]).args[0], depth + 1)
        level = frame.term(term.args[1]).value
        if inner is None or not isinstance(level, int) or level < 0:
            return None
        for _ in range(level + 1):
            inner = posixpath.dirname(inner)
        return inner

    def _variable(self, name: str, depth: int) -> str | None:
        path, _, qualname = name.partition("::")
        module = self.evaluator.root(path, "")
        if module is None or qualname not in module.facts.bindings:
            return None
        return self.of(module, module.facts.bindings[qualname], depth + 1)

    def _value(self, frame: Frame, index: int, depth: int) -> str | None:
        value = self.evaluator.value(frame, index).default()
        if value.kind == "const" and isinstance(value.value, str):
            return value.value
        if value.kind == "object" and value.frame is not None and value.frame is not frame:
            return self.of(value.frame, value.term, depth + 1)
        return None

    def _joined(self, parts: Sequence[str | None]) -> str | None:
        known = [part for part in parts if part is not None]
        return posixpath.normpath(posixpath.join(*known)) if known and len(known) == len(parts) else None
