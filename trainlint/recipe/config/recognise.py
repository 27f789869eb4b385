"""Telling a training config from every other YAML, JSON or TOML file. Near-certain, or nothing."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import translate

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.knowledge.format_model import Format, Shape, key_word
from trainlint.knowledge.formats import FormatKnowledge, load_formats
from trainlint.recipe.config.scalars import is_dynamic, is_number_text
from trainlint.recipe.config.sweep_shapes import hydra_space, nni_space
from trainlint.recipe.config.tree import find_all, walk_entries, walk_keys
from trainlint.text.document import Document, Node

_FRAMEWORKS = frozenset({"torch", "tensorflow", "keras", "jax", "paddle", "numpy"})
_TEMPLATE_MARKS = ("{{", "{%", "<%")
_READABLE_LINE = re.compile(r"""^([ ]*)(?:-[ ]+)?["']?([A-Za-z_$][\w.$-]*)["']?[ ]*[:=](?:[ ]+(.*))?$""")


class Recognition(msgspec.Struct, frozen=True):
    """What a config file is. `format` is the id of a format, "" where none is recognised.

    `kind`: recipe (an entry config), fragment (a part, or a config that takes values from elsewhere), sweep,
    none. `reason` says in plain words what decided.
    """

    format: str = ""
    kind: str = "none"
    reason: str = ""

    @property
    def recognised(self) -> bool:
        """Whether the file is a training config of any kind."""
        return self.kind != "none"


def may_be_config(path: str, text: str) -> bool:
    """A cheap look before parsing: whether a YAML, JSON or TOML file can be recognised at all.

    False only for files that `recognise` turns down whatever they parse to.
    """
    knowledge = load_formats()
    if len(text) > knowledge.recognition.largest or skipped_path(path):
        return False
    if any(all(step in text for step in steps) for steps in _telling_rows(knowledge)):
        return True
    return _telling_words(knowledge).search(text) is not None


def may_be_python_config(outline: Outline) -> bool:
    """Whether a Python file can be a config, by the names its top level binds and those it imports.

    A file with functions or classes, or that imports a framework whole, is one only where it names its bases.
    """
    names = outline.symbols
    if skipped_path(outline.path):
        return False
    if "_base_" in names or any(each.local == "read_base" for each in outline.imports):
        return True
    if outline.main_guard or any(kind in ("function", "class") for kind in names.values()):
        return False
    if any(each.target in _FRAMEWORKS for each in outline.imports):
        return False
    formats = (each for each in load_formats().fingerprinted if "python" in each.documents)
    return any(all(key.split(".")[0] in names for key in row) for each in formats for row in each.fingerprint)


@functools.lru_cache(maxsize=4)
def _telling_rows(knowledge: FormatKnowledge) -> tuple[tuple[str, ...], ...]:
    """The keys of every fingerprint, the rarest (longest) first."""
    rows = {
        tuple(sorted({step for key in row for step in key.split(".")}, key=len, reverse=True))
        for each in knowledge.fingerprinted
        if "python" not in each.documents
        for row in each.fingerprint
    }
    return tuple(sorted(rows))


@functools.lru_cache(maxsize=4)
def _telling_words(knowledge: FormatKnowledge) -> re.Pattern[str]:
    """A key that names a base, a file that is included, or a word for the rate."""
    ways = "|".join(re.escape(way.key) for way in knowledge.recognition.inheritance_ways)
    rates = (re.escape(word).replace("_", "[_ -]?") for word in knowledge.generic.group_words["rate"])
    loose = "|".join(sorted(rates))
    return re.compile(
        rf"""(?m:^["']?(?:{ways})["']?[ ]*:)|:[ ]+!include[ :]|(?i:(?<![a-z0-9])(?:{loose})(?![a-z0-9]))"""
    )


def recognise(documents: Sequence[Document], path: str) -> Recognition:
    """What a parsed file is.

    `path` is relative to the project root. The first document that is recognised decides.
    """
    if skipped_path(path):
        return Recognition(reason="its name or folder belongs to another kind of file")
    for document in documents:
        found = _recognise_root(document.root, path, document.format)
        if found.recognised:
            return found
    return Recognition(reason="no training config that trainlint knows")


def recognise_whole(document: Document, *, complete: bool) -> Recognition:
    """What a config is together with its bases. `complete`: every one of them was read."""
    found = _recognise_root(document.root, document.path, document.format)
    if found.kind == "recipe" and not complete:
        return msgspec.structs.replace(found, kind="fragment", reason="a config it is based on was not read")
    return found


def _recognise_root(root: Node, path: str, language: str) -> Recognition:
    knowledge = load_formats()
    facts = knowledge.recognition
    keys = frozenset(root.keys())
    if root.kind != "mapping" or any(_has_shape(root, keys, shape) for shape in facts.skip_shapes):
        return Recognition(reason="it is shaped like another kind of file")
    if any(_has_shape(root, keys, shape) for shape in facts.sweep_shapes):
        return _sweep(root, knowledge)
    for each in knowledge.fingerprinted:
        if language in each.documents and any(_holds(root, keys, row) for row in each.fingerprint):
            return Recognition(each.id, _kind(root, keys, path, each), f"its keys are {each.title}'s")
    if language in knowledge.generic.documents and _speaks_of_training(root, knowledge.generic):
        kind = _kind(root, keys, path, knowledge.generic)
        return Recognition("generic", kind, "a learning rate among training keys")
    return _sweep(root, knowledge) if nni_space(root) is not None or hydra_space(root) else Recognition()


def _holds(root: Node, keys: Collection[str], row: Sequence[str]) -> bool:
    """Whether every key path of a row is there."""
    if any(_first_step(key) not in keys for key in row):
        return False
    return all("." not in key or find_all(root, key) for key in row)


@functools.lru_cache(maxsize=1024)
def _first_step(key: str) -> str:
    return key.partition(".")[0]


def _sweep(root: Node, knowledge: FormatKnowledge) -> Recognition:
    rates = knowledge.generic.group_words["rate"]
    if any(key_word(_last_part(str(found.path[-1]))) in rates for found in walk_entries(root)):
        return Recognition("generic", "sweep", "a search over training values")
    return Recognition()


def _last_part(key: str) -> str:
    """The parameter that a search names by its way in another config: `model.optimizer.lr`."""
    return key.replace("/", ".").rpartition(".")[2]


def _kind(root: Node, keys: Collection[str], path: str, recognised: Format) -> str:
    facts = load_formats().recognition
    if not recognised.fields:
        return "fragment"
    folders = path.split("/")[:-1]
    if any(folder in facts.fragment_folders for folder in folders):
        return "fragment"
    if any(key in keys for key in (*facts.inheritance, *recognised.inherits)):
        return "fragment"
    if recognised.complete and not any(_holds(root, keys, row) for row in recognised.complete):
        return "fragment"
    return "recipe"


def _speaks_of_training(root: Node, generic: Format) -> bool:
    if generic.vocabulary is None:
        return False
    words = generic.groups_of_word
    groups: set[str] = set()
    for key, node in walk_keys(root):
        for group in words.get(key_word(key), ()):
            if group not in groups and _tells(node, group):
                groups.add(group)
                if _enough(groups, generic):
                    return True
    return False


def _enough(groups: Iterable[str], generic: Format) -> bool:
    vocabulary = generic.vocabulary
    if vocabulary is None:
        return False
    found = set(groups)
    return vocabulary.needs in found and len(found.intersection(vocabulary.groups)) >= vocabulary.least


def _tells(node: Node, group: str) -> bool:
    """Whether a value fits its key: a number where the key wants one.

    Names and sections may hold anything.
    """
    if group in ("optimizer", "schedule"):
        return True
    if node.kind != "scalar":
        return False
    return is_number_text(node.raw) or is_dynamic(node)


def _has_shape(root: Node, keys: Collection[str], shape: Shape) -> bool:
    if any(key not in keys for key in shape.keys):
        return False
    nodes = (root.get(key) for key in shape.sequences)
    return all(node is not None and node.kind == "sequence" for node in nodes)


def skipped_path(path: str) -> bool:
    """Whether a file's name or one of its folders belongs to another kind of file."""
    pattern = _skip_pattern()
    return any(pattern.fullmatch(part) for part in path.split("/"))


@functools.lru_cache(maxsize=1)
def _skip_pattern() -> re.Pattern[str]:
    return re.compile("|".join(translate(each) for each in load_formats().recognition.skip_paths))


def is_template(text: str) -> bool:
    """Whether something fills a text in before it is a config: `{{ … }}`, `{% … %}` or `<% … %>` stand in
    it."""
    return any(mark in text for mark in _TEMPLATE_MARKS)


def recognise_broken(text: str, path: str) -> Recognition:
    """What a file that does not parse looks like, by the keys of its readable lines.

    Templates (`{{ … }}`, `<% … %>`) are no configs until something fills them in.
    """
    knowledge = load_formats()
    facts = knowledge.recognition
    if len(text) > facts.largest or skipped_path(path) or is_template(text):
        return Recognition(reason="it is a template, or belongs to another kind of file")
    keys = _readable_keys(text)
    top = {key for indent, key, _ in keys if indent == 0}
    if any(all(key in top for key in shape.keys) for shape in facts.skip_shapes):
        return Recognition(reason="it is shaped like another kind of file")
    for each in knowledge.fingerprinted:
        if "python" not in each.documents and any(all(key in top for key in row) for row in each.fingerprint):
            return Recognition(
                each.id, "recipe" if each.fields else "fragment", f"its keys are {each.title}'s"
            )
    words = [(key_word(key), value) for _, key, value in keys]
    groups = {
        group
        for group, names in knowledge.generic.group_words.items()
        for word, value in words
        if word in names and (group in ("optimizer", "schedule") or is_number_text(value))
    }
    if _enough(groups, knowledge.generic):
        return Recognition("generic", "recipe", "a learning rate among training keys")
    return Recognition(reason="no training config that trainlint knows")


def _readable_keys(text: str) -> list[tuple[int, str, str]]:
    keys = []
    for line in text.splitlines():
        match = _READABLE_LINE.match(line)
        if match:
            value = (match[3] or "").split(" #")[0].strip().rstrip(",").strip("\"'")
            keys.append((len(match[1]), match[2], value))
    return keys
