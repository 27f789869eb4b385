"""What the values of a unit are called where they are bound."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame


class BoundNames:
    """The names of values, by unit; each unit is looked through once."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], dict[int, list[str]]] = {}

    def of(self, frame: Frame, term: int) -> list[str]:
        """The name an expression is read by, or those its value is bound to."""
        record = frame.term(term)
        if record.op in ("param", "attr", "loop"):
            return [record.name]
        if record.op == "global":
            return [record.name.rpartition("::")[2]] if "::" in record.name else []
        place = (frame.facts.path, frame.facts.qualname)
        if place not in self._tables:
            table: dict[int, list[str]] = {}
            for event in frame.facts.events:
                if event.kind == "bind":
                    table.setdefault(event.term, []).append(event.name)
            for name, bound in frame.facts.bindings.items():
                table.setdefault(bound, []).append(name)
            self._tables[place] = table
        return self._tables[place].get(term, [])
