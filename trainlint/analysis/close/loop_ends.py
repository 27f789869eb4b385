"""The bindings that a loop leaves behind: those at its end, and those at each `break` and `continue`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlint.analysis.facts import Term

Bindings = Mapping[str, int]

MOST_JUMPS = 16


class LoopEnds:
    """Remembers, loop by loop, what was bound where a round was cut short."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = terms
        self._jumps: dict[int, list[dict[str, int]]] = {}

    def jump(self, loop: int, bindings: Bindings) -> None:
        """A `break` or `continue` of the loop is reached with these bindings."""
        known = self._jumps.setdefault(loop, [])
        if len(known) < MOST_JUMPS:
            known.append(dict(bindings))

    def bound_by_jumps(self, loop: int, bindings: Bindings) -> dict[str, int]:
        """Plain names that only a path to a jump binds, each as the first such path binds it."""
        found: dict[str, int] = {}
        for jump in self._jumps.get(loop, ()):
            for name, value in jump.items():
                if name not in bindings and "." not in name and "[" not in name:
                    found.setdefault(name, value)
        return found

    def changed(self, loop: int, name: str, before: int, after: int) -> list[int]:
        """What the rounds of a loop may leave a name at, other than what it held before.

        Each value comes once, that of the loop's end first. One that only says "changed in the loop" gives
        way to the change itself.
        """
        ends = [after, *(jump[name] for jump in self._jumps.get(loop, ()) if name in jump)]
        values = [value for value in dict.fromkeys(ends) if value != before]
        told = [value for value in values if not self._is_widened(value, before)]
        return told or values[:1]

    def _is_widened(self, value: int, before: int) -> bool:
        term = self._terms[value]
        return term.op == "loop" and term.args == (before,)
