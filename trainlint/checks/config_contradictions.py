"""Judging settings of a config against each other: what its trainer refuses together."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trainlint.checks.config_hits import fact, is_retired, off, place
from trainlint.findings import Span
from trainlint.knowledge.contradictions import Contradiction, Demand, contradictions, contradictions_of
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.scalars import is_dynamic, loader_for, typed
from trainlint.recipe.config.tree import Found, value_node
from trainlint.recipe.model import Hit, Link, Value
from trainlint.text.document import Document
from trainlint.text.scalars import Scalar

_SHOWN = 60
_FILLED = "…"
"""The value of a list or mapping that holds anything: it is set, and no value that a row asks for."""

_NOTHING = (None, "", "none", "null", False, 0)


class _Setting(msgspec.Struct, frozen=True):
    """What stands at a key path. `found` is None where nothing does, `key` the path as it is written there.

    `known` is false where something fills the value in later.
    """

    key: str
    found: Found | None = None
    value: Scalar = None
    known: bool = True


def contradictory_settings(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every group of settings that the config's trainer refuses together."""
    rows = contradictions_of(config.recognition.format)
    if not rows or config.recognition.kind == "sweep" or is_retired(config.path):
        return
    for document, complete in _wholes(config):
        read = _Settings(document, loader_for(document, config.loader), complete=complete)
        told: set[str] = set()
        for row in rows:
            if row.at not in told and read.clashes(row) and not _is_all_of_a_base(document, row, read):
                told.add(row.at)
                yield _hit(config, document, row, read)


def _wholes(config: ConfigFile) -> Iterator[tuple[Document, bool]]:
    """The documents with their bases merged in, and whether what they leave out is known to be left out."""
    if config.composed is not None:
        yield config.composed.document, config.composed.complete
        return
    for document in config.documents:
        yield document, config.recognition.kind == "recipe"


class _Settings:
    """The settings of one document."""

    def __init__(self, document: Document, loader: str, *, complete: bool) -> None:
        self.document = document
        self.loader = loader
        self.complete = complete

    def at(self, path: str) -> _Setting:
        """What stands at a key path, under its newest name or an older one."""
        for name in (path, *contradictions().aliases.get(path, ())):
            found = value_node(self.document.root, name.split("."))
            if found is None:
                continue
            if found.value.kind != "scalar":
                filled = bool(found.value.items or found.value.children)
                return _Setting(name, found, _FILLED if filled else None)
            if is_dynamic(found.value):
                return _Setting(name, found, known=False)
            return _Setting(name, found, typed(found.value, self.loader).value)
        return _Setting(path, known=self.complete)

    def clashes(self, row: Contradiction) -> bool:
        """Whether all that the row asks for holds."""
        return all(self._meets(path, demand) for path, demand in row.when.items()) and self._related(row)

    def _meets(self, path: str, demand: Demand) -> bool:
        setting = self.at(path)
        if not setting.known:
            return False
        if setting.found is None:
            return demand.absent or demand.or_absent
        return not demand.absent and _fits(setting.value, demand)

    def _related(self, row: Contradiction) -> bool:
        values = [self.at(path).value for path in row.between]
        if row.relation == "differ":
            return values[0] != values[1]
        numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
        if len(numbers) < len(values):
            return False
        if row.relation == "not-a-multiple":
            return numbers[0] % numbers[1] != 0
        if row.relation == "not-a-product":
            product = 1
            for number in numbers[1:]:
                product *= number
            return numbers[0] % product != 0
        return True


def _fits(value: Scalar, demand: Demand) -> bool:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    low = value.lower() if isinstance(value, str) else value
    holds = [
        not demand.true or value is True,
        demand.const is msgspec.UNSET or (value == demand.const and _alike(value, demand.const)),
        not demand.one_of or low in demand.one_of,
        not demand.not_in or (isinstance(low, str) and low not in demand.not_in),
        not demand.set or low not in _NOTHING,
        demand.above is None or (number is not None and number > demand.above),
        demand.at_most is None or (number is not None and number <= demand.at_most),
    ]
    return all(holds)


def _alike(value: Scalar, wanted: object) -> bool:
    """`0` and `false` are equal to Python, not here."""
    return isinstance(value, bool) == isinstance(wanted, bool)


def _is_all_of_a_base(document: Document, row: Contradiction, read: _Settings) -> bool:
    """Whether one base says it all: then it is told there, once."""
    settings = [read.at(path) for path in row.when]
    files = {_file(each) for each in settings}
    return (
        all(each.found is not None for each in settings)
        and len(files) == 1
        and files.isdisjoint({"", document.path})
    )


def _hit(config: ConfigFile, document: Document, row: Contradiction, read: _Settings) -> Hit:
    main = read.at(row.at)
    others = [read.at(path) for path in row.beside or row.when if path != row.at]
    written = [each for each in others if each.found is not None]
    left_out = [path for path in row.when if read.at(path).found is None]
    at = _place(document, main)
    facts = {
        "key": fact(main.key, at),
        "written": fact(_shown(main), at),
        "beside": _listed([f"`{_shown(each)}`" for each in written], at),
        "without": _listed([f"`{each.key}`" for each in others if each.found is None], at),
        "why": fact(row.why, at),
        "hint": fact(row.hint, at),
        "elsewhere": fact(any(_is_spoken_of(config, path) for path in left_out), at),
    }
    related = tuple(Link(_place(document, each), _shown(each)) for each in written)
    chains = config.composed.chains if config.composed is not None else {}
    ways = tuple(link for each in (main, *written) for link in chains.get(_file(each), ()))
    return Hit(at, facts, (*related, *ways), evidence="; ".join(_shown(each) for each in (main, *written)))


def _is_spoken_of(config: ConfigFile, path: str) -> bool:
    """Whether code of the project speaks of a key that the config leaves out: it may be set there."""
    return config.mentioned is not None and config.mentioned("", path.rpartition(".")[2])


def _shown(setting: _Setting) -> str:
    node = setting.found.value if setting.found is not None else None
    if node is None or node.kind != "scalar":
        return setting.key
    return f"{setting.key}: {node.raw[:_SHOWN]}"


def _listed(parts: list[str], at: Span) -> Value:
    """ "a and b"; off for nothing."""
    text = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
    return fact(text, at) if text else off(at)


def _place(document: Document, setting: _Setting) -> Span:
    return place(document, setting.found.value if setting.found is not None else document.root)


def _file(setting: _Setting) -> str:
    """The base that wrote a setting, "" for the config's own."""
    return setting.found.value.path if setting.found is not None else ""
