"""What the knowledge says of config formats: recognition, fields, absence, effects, loaders, spellings."""

from __future__ import annotations

import functools
import re
from functools import cached_property

import msgspec

Scalar = None | bool | int | float | str

_NAME_NOISE = re.compile(r"[^a-z0-9]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@functools.lru_cache(maxsize=8192)
def key_word(key: str) -> str:
    """A key as the vocabulary spells it: `batchSize`, `batch-size` and `BATCH_SIZE` are all batch_size."""
    if not key.isupper():
        key = _CAMEL.sub("_", key)
    return key.lower().replace("-", "_").replace(" ", "_")


def name_word(name: str) -> str:
    """A class or option name as the vocabulary spells it: `torch.optim.SGD` is sgd."""
    return _NAME_NOISE.sub("", name.rpartition(".")[2].lower())


class Absent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds when a field is not written: a state, a value, and the key paths that must exist for it."""

    state: str
    value: Scalar = None
    unit: str = ""
    needs: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    reason: str = ""


class Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Plain keys that mean a field only directly below one of these sections."""

    sections: tuple[str, ...]
    names: tuple[str, ...]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sections": "in"}):
    """Where one recipe path is written.

    `at` are key paths, the first present one wins; `names` are keys that mean the field below the sections
    `in`. `type`: number, flag, text, name (looked up in `vocabulary`), switch (only its off-values say
    something) or presence. `off_values` and, with `off_zero`, zero switch the field off; `off_is` is what an
    off-value means instead. `scope` says whom a batch is for: device, global, or "" where the key does not
    tell. `several` picks among many places.
    """

    to: str
    type: str
    at: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    inside: Inside | None = None
    vocabulary: str = ""
    group: str = ""
    unit: str = ""
    scale: float = 1.0
    scope: str = ""
    off_values: tuple[Scalar, ...] = ()
    off_zero: bool = False
    off_is: str = ""
    several: str = ""
    absent: Absent | None = None


class Assigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """What an effect sets: a value, or the value written at the key path `from`."""

    value: Scalar = None
    unit: str = ""
    source: str = ""


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of the value at a key path. The bounds are met by numbers only."""

    const: Scalar | msgspec.UnsetType = msgspec.UNSET
    present: bool | None = None
    maximum: float | None = None
    minimum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sets": "set"}):
    """What the framework does under a condition, whatever is written. `at` is the key path to point at."""

    when: dict[str, Condition]
    sets: dict[str, Assigned]
    state: str
    reason: str
    at: str = ""


class Signs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys whose set value is a sign: by key path, or by name anywhere in the training sections."""

    at: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class PurposeSign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purpose that the presence of key paths gives away."""

    purpose: str
    present: tuple[str, ...]


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recognition by words: the group that must be there with a number, and how many of the others."""

    needs: str
    groups: tuple[str, ...]
    least: int


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"id": "format"}, dict=True):
    """One config format. Without fields it is only recognised: the file rules judge it, it gives no recipe.

    `loader` is the kind (see Loaders) that reads its files; `keys` is open, closed or shared (classes of the
    project add keys). `documents` are the languages its files are written in. Where `complete` rows are
    given, a config that holds none of them whole is a part of one. `adapter` names the code that reads what
    fields cannot say. `package` is the trainer's own, whose sources in a project say more than any table.
    `key_tables` hold the keys it knows: at its root, and, with `key_sections`, in a section (`Optimizer`) by
    the value of one of its keys (`name`), or whatever it holds (""). A key of `other_schema` brings keys of
    its own, unless its values begin with what stands there.
    """

    id: str
    title: str
    framework: str
    loader: str
    keys: str = "open"
    documents: tuple[str, ...] = ("yaml", "json", "toml")
    fingerprint: tuple[tuple[str, ...], ...] = ()
    complete: tuple[tuple[str, ...], ...] = ()
    adapter: str = ""
    package: str = ""
    key_tables: tuple[str, ...] = ()
    key_sections: dict[str, str] = {}
    other_schema: dict[str, str] = {}
    inherits: tuple[str, ...] = ()
    vocabulary: Vocabulary | None = None
    sections: dict[str, tuple[str, ...]] = {}
    other_phases: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    resume: Signs = Signs()
    purposes: tuple[PurposeSign, ...] = ()
    effects: tuple[Effect, ...] = ()
    numbers: tuple[str, ...] = ()
    quoted_numbers: tuple[str, ...] = ()
    rate_scaling: tuple[str, ...] = ()
    ordered_data: tuple[str, ...] = ()

    @cached_property
    def number_words(self) -> frozenset[str]:
        """Every key whose value is used as a number."""
        fields = (field for field in self.fields if field.type == "number")
        return frozenset({*self.numbers, *(name for field in fields for name in field.names)})

    @cached_property
    def quoted_number_words(self) -> frozenset[str]:
        """Keys whose value is used as a number even where it is quoted."""
        fields = (field for field in self.fields if field.to in self.quoted_numbers)
        return frozenset(name for field in fields for name in field.names)

    @cached_property
    def group_words(self) -> dict[str, frozenset[str]]:
        """Recognition group → its keys."""
        words: dict[str, set[str]] = {}
        for field in self.fields:
            if field.group:
                words.setdefault(field.group, set()).update(field.names)
        return {group: frozenset(names) for group, names in words.items()}

    @cached_property
    def groups_of_word(self) -> dict[str, tuple[str, ...]]:
        """Key word → the recognition groups it belongs to."""
        groups: dict[str, tuple[str, ...]] = {}
        for group, words in self.group_words.items():
            for word in words:
                groups[word] = (*groups.get(word, ()), group)
        return groups

    @cached_property
    def fields_of_word(self) -> dict[str, tuple[Field, ...]]:
        """Key word → the fields it may mean, in their order."""
        fields: dict[str, tuple[Field, ...]] = {}
        for field in self.fields:
            inside = field.inside.names if field.inside is not None else ()
            for word in dict.fromkeys((*field.names, *inside)):
                fields[word] = (*fields.get(word, ()), field)
        return fields

    @cached_property
    def section_words(self) -> dict[str, frozenset[str]]:
        """Word of a parent key → the sections it may open."""
        sections: dict[str, set[str]] = {}
        for section, words in self.sections.items():
            for word in words:
                sections.setdefault(word, set()).add(section)
        return {word: frozenset(names) for word, names in sections.items()}


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Root keys that stand together; those in `sequences` hold a list."""

    keys: tuple[str, ...]
    sequences: tuple[str, ...] = ()


class Inheritance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that names the files a config is laid over.

    `cut_by` are keys that, with that value, make a mapping replace the base's instead of merging with it.
    """

    key: str
    cut_by: dict[str, bool] = {}


class RecognitionFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every format shares: what is no training config, what is part of one, what a run is for."""

    skip_paths: tuple[str, ...]
    skip_shapes: tuple[Shape, ...]
    largest: int
    sweep_shapes: tuple[Shape, ...]
    inheritance: tuple[str, ...]
    inheritance_ways: tuple[Inheritance, ...]
    fragment_folders: tuple[str, ...]
    dynamic_markers: tuple[str, ...]
    dynamic_values: tuple[str, ...]
    purposes: dict[str, tuple[str, ...]]
    purpose_keys: dict[str, tuple[str, ...]]
    data_scales: dict[str, tuple[str, ...]]
    without_batch_norm: tuple[str, ...]


class LoaderKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a kind of loader reads: a key written twice counts `last` or is an `error`."""

    duplicates: str


class Loaders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Loader kinds, and the kind behind each callee's absolute name."""

    kinds: dict[str, LoaderKind]
    callees: dict[str, str]
    yaml_loaders: tuple[str, ...]


class Spelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One canonical name: how configs spell it, and what follows from it ("" or None where nothing does)."""

    spellings: tuple[str, ...]
    family: str = ""
    coupled: bool | None = None
    schedule_free: bool = False
    shape: str = ""


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The vocabularies of name fields."""

    optimizers: dict[str, Spelling]
    schedules: dict[str, Spelling]

    def find(self, vocabulary: str, written: str) -> tuple[str, Spelling] | None:
        """The canonical name and facts behind a written one ("torch.optim.SGD"); None where unknown."""
        return self._tables[vocabulary].get(name_word(written))

    @cached_property
    def _tables(self) -> dict[str, dict[str, tuple[str, Spelling]]]:
        return {"optimizers": _by_spelling(self.optimizers), "schedules": _by_spelling(self.schedules)}


def _by_spelling(names: dict[str, Spelling]) -> dict[str, tuple[str, Spelling]]:
    return {spelling: (name, facts) for name, facts in names.items() for spelling in facts.spellings}
