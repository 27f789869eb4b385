"""Telling a training config from every other YAML, JSON or TOML file. Near-certain, or nothing."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from fnmatch import translate

import msgspec

from trainlint.knowledge.format_model import Format, Shape, key_word
from trainlint.knowledge.formats import FormatKnowledge, load_formats
from trainlint.recipe.config.scalars import is_dynamic, is_number_text
from trainlint.recipe.config.tree import Found, find_all, walk_entries
from trainlint.text.document import Document, Node

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
    """A cheap look before parsing: whether a file can be recognised at all.

    False only for files that `recognise` turns down whatever they parse to.
    """
    knowledge = load_formats()
    if len(text) > knowledge.recognition.largest or _skipped_path(path):
        return False
    return _telling_words(knowledge).search(text) is not None


@functools.lru_cache(maxsize=4)
def _telling_words(knowledge: FormatKnowledge) -> re.Pattern[str]:
    words = {row[0].split(".")[0] for each in knowledge.fingerprinted for row in each.fingerprint}
    rates = knowledge.generic.group_words["rate"]
    loose = {re.escape(word).replace("_", "[_ -]?") for word in rates}
    return re.compile("|".join([*map(re.escape, sorted(words)), "(?i:" + "|".join(sorted(loose)) + ")"]))


def recognise(documents: Sequence[Document], path: str) -> Recognition:
    """What a parsed file is.

    `path` is relative to the project root. The first document that is recognised decides.
    """
    if _skipped_path(path):
        return Recognition(reason="its name or folder belongs to another kind of file")
    for document in documents:
        found = _recognise_root(document.root, path)
        if found.recognised:
            return found
    return Recognition(reason="no training config that trainlint knows")


def _recognise_root(root: Node, path: str) -> Recognition:
    knowledge = load_formats()
    facts = knowledge.recognition
    if root.kind != "mapping" or any(_has_shape(root, shape) for shape in facts.skip_shapes):
        return Recognition(reason="it is shaped like another kind of file")
    if any(_has_shape(root, shape) for shape in facts.sweep_shapes):
        return _sweep(root, knowledge)
    for each in knowledge.fingerprinted:
        if any(all(find_all(root, key) for key in row) for row in each.fingerprint):
            return Recognition(each.id, _kind(root, path, each), f"its keys are {each.title}'s")
    if _speaks_of_training(root, knowledge.generic):
        return Recognition(
            "generic", _kind(root, path, knowledge.generic), "a learning rate among training keys"
        )
    return Recognition()


def _sweep(root: Node, knowledge: FormatKnowledge) -> Recognition:
    rates = knowledge.generic.group_words["rate"]
    if any(key_word(str(found.path[-1])) in rates for found in walk_entries(root)):
        return Recognition("generic", "sweep", "a search over training values")
    return Recognition()


def _kind(root: Node, path: str, recognised: Format) -> str:
    facts = load_formats().recognition
    if not recognised.fields:
        return "fragment"
    folders = path.split("/")[:-1]
    inherits = {*facts.inheritance, *recognised.inherits}
    if any(folder in facts.fragment_folders for folder in folders) or not inherits.isdisjoint(root.keys()):
        return "fragment"
    return "recipe"


def _speaks_of_training(root: Node, generic: Format) -> bool:
    vocabulary = generic.vocabulary
    if vocabulary is None:
        return False
    groups: set[str] = set()
    for found in walk_entries(root):
        for group, words in generic.group_words.items():
            if key_word(str(found.path[-1])) in words and _tells(found, group):
                groups.add(group)
    return _enough(groups, generic)


def _enough(groups: Iterable[str], generic: Format) -> bool:
    vocabulary = generic.vocabulary
    if vocabulary is None:
        return False
    found = set(groups)
    return vocabulary.needs in found and len(found.intersection(vocabulary.groups)) >= vocabulary.least


def _tells(found: Found, group: str) -> bool:
    """Whether a value fits its key: a number where the key wants one.

    Names and sections may hold anything.
    """
    if group in ("optimizer", "schedule"):
        return True
    node = found.value
    if node.kind != "scalar":
        return False
    return is_number_text(node.raw) or is_dynamic(node)


def _has_shape(root: Node, shape: Shape) -> bool:
    if not set(shape.keys).issubset(root.keys()):
        return False
    nodes = (root.get(key) for key in shape.sequences)
    return all(node is not None and node.kind == "sequence" for node in nodes)


def _skipped_path(path: str) -> bool:
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
    if len(text) > facts.largest or _skipped_path(path) or is_template(text):
        return Recognition(reason="it is a template, or belongs to another kind of file")
    keys = _readable_keys(text)
    top = {key for indent, key, _ in keys if indent == 0}
    if any(all(key in top for key in shape.keys) for shape in facts.skip_shapes):
        return Recognition(reason="it is shaped like another kind of file")
    for each in knowledge.fingerprinted:
        if any(all(key in top for key in row) for row in each.fingerprint):
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
