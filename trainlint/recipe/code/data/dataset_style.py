"""Who decides the order in which a data set is read: the loader (map), or the data set itself."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Observations

_SAME_KIND = frozenset(
    "map filter select shuffle sort shard train_test_split with_transform with_format rename_column"
    " rename_columns remove_columns select_columns cast cast_column add_column class_encode_column"
    " flatten_indices".split()
)
"""Methods of a data set that give one of the same kind."""


class DatasetStyles:
    """The styles of a program's data sets."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def of(self, value: Resolved, depth: int = 0) -> str:
        """map, iterable or arrays; "" where it is not known what kind of data set a value is."""
        if depth > 6:
            return ""
        if value.kind == "object":
            return self._object_style(value, depth)
        if value.kind == "part":
            return self.of(value.items[0], depth + 1)
        if value.kind == "instance":
            return self._class_style(value.name)
        if value.kind == "sequence" and value.items:
            return "map"
        return ""

    def _object_style(self, value: Resolved, depth: int) -> str:
        entry = self.seen.evaluator.entry(value.name)
        if entry is not None and entry.style:
            return "" if self._streams(value, entry) else entry.style
        if entry is not None and entry.kind in ("dataset-wrapper", "split"):
            inner = self.seen.evaluator.binder.arguments(value).get(entry.fields.get("dataset", ""))
            return self.of(inner, depth + 1) if inner is not None else ""
        if value.items and value.name.rpartition(".")[2] in _SAME_KIND:
            return self.of(value.items[0], depth + 1)
        return ""

    def _streams(self, value: Resolved, entry: Entry) -> bool:
        """Whether a data set may come sample by sample: `load_dataset(…, streaming=True)`."""
        parameter = entry.fields.get("streaming")
        if parameter is None:
            return False
        arguments = self.seen.evaluator.binder.arguments(value)
        given = arguments.get(parameter)
        return not arguments.complete if given is None else given.value is not False

    def _class_style(self, name: str) -> str:
        path, _, qualname = name.partition("::")
        program = self.seen.program
        for where, owner in program.lineage(path, qualname):
            unit = program.index.unit(where, owner)
            for base in unit.bases if unit is not None else ():
                target = program.index.resolve(where, owner, base)
                entry = self.seen.evaluator.entry(target.absolute) if target.kind == "external" else None
                if entry is not None and entry.style:
                    return entry.style
        has_item = program.resolve(path, qualname, "__getitem__")[0] == "function"
        has_iter = program.resolve(path, qualname, "__iter__")[0] == "function"
        return "map" if has_item and not has_iter else ""
