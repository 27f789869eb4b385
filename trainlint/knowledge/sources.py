"""The fact files as people write them: one YAML file per framework, and `<framework>.<part>.yaml`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trainlint.knowledge.compiled_form import Constant, Fact

FRAMEWORKS = Path(__file__).parent / "frameworks"


class KnowledgeError(Exception):
    """A fact file that cannot be used; the message names the file and the reason."""


class OlderCall(msgspec.Struct, forbid_unknown_fields=True):
    """What differed before a version."""

    until: str
    call: str | None = None
    fields: dict[str, str] | None = None
    facts: dict[str, Fact] = {}


class NameFacts(msgspec.Struct, forbid_unknown_fields=True):
    """One function, class or method. The JSON Schema documents every key."""

    kind: str = ""
    call: str = ""
    fields: dict[str, str] = {}
    family: str = ""
    shape: str = ""
    seeds: list[str] = []
    random: bool | None = None
    style: str = ""
    regularizer: str = ""
    transfer: str = ""
    check: str = ""
    effect: str = ""
    effects: list[str] = []
    facts: dict[str, Fact] = {}
    versions: list[OlderCall] = []
    quiet: bool = False


class GroupFacts(NameFacts, forbid_unknown_fields=True, kw_only=True):
    """Facts that several names below one package share."""

    under: str
    names: list[str]


class NumericRow(msgspec.Struct, forbid_unknown_fields=True):
    """A transfer, and who has it. A method's parameters are the function's without the first."""

    transfer: str
    call: str
    functions: list[str] = []
    methods: list[str] = []
    method_call: str | None = None
    check: str = ""
    facts: dict[str, Constant] = {}


class FrameworkFile(msgspec.Struct, forbid_unknown_fields=True):
    """One file. Files of one framework are merged."""

    framework: str
    label: str = ""
    rank: int = 50
    backend: str = ""
    generator: str = ""
    seeding: str = ""
    packages: list[str] = []
    whole: bool = False
    conventions: dict[str, str] = {}
    aliases: dict[str, str] = {}
    names: dict[str, NameFacts] = {}
    groups: list[GroupFacts] = []
    methods: dict[str, dict[str, NameFacts]] = {}
    numeric: list[NumericRow] = []
    numeric_receiver: str = "tensor"
    renamed: dict[str, str] = {}
    inert: dict[str, list[str]] = {}
    active: dict[str, list[str]] = {}
    vocabulary: list[str] = []


def source_paths(folder: Path = FRAMEWORKS) -> list[Path]:
    """The fact files, in a fixed order: a framework's main file before its parts."""
    return sorted(folder.glob("*.yaml"), key=lambda path: path.name.removesuffix(".yaml").split("."))


def read_source(path: Path) -> FrameworkFile:
    """One fact file. Raises KnowledgeError naming the file and the place in it."""
    import yaml  # noqa: PLC0415

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
        return msgspec.convert(content, FrameworkFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise KnowledgeError(f"{path}: {error}") from None
