"""What a config's run is for: from scratch, fine-tuning, resuming, distilling, a smoke test, …"""

from __future__ import annotations

import re

from trainlint.knowledge.format_model import key_word
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.fields import Reading, is_set
from trainlint.recipe.config.tree import Found, find_all, walk_entries
from trainlint.recipe.model import Link, State, Value

_WORD_END = re.compile(r"[^a-z0-9]+")


def purpose_of(reading: Reading, facts: dict[str, Value]) -> Value:
    """The purpose and the place that gives it away; unknown where what decides it is filled in later."""
    resumed = _resumed(reading)
    if resumed is not None:
        return _said(reading, "resume", resumed, "continues an earlier run")
    signs = _format_sign(reading) or _key_sign(reading)
    if signs is not None:
        purpose, found = signs
        return _said(reading, purpose, found, f"`{found.path[-1]}` says so")
    named = _path_purpose(reading.document.path)
    if named:
        return Value(
            named, State.DERIVED, span=reading.span(reading.document.root), reason=f"the path says {named}"
        )
    pretrained = facts.get("model.pretrained")
    if pretrained is not None and pretrained.state is State.EXPLICIT:
        return Value("finetune", State.DERIVED, span=pretrained.span, reason="pretrained weights are loaded")
    if pretrained is not None and pretrained.state in (State.DYNAMIC, State.UNKNOWN):
        return Value(span=pretrained.span, reason="whether pretrained weights are loaded is not known")
    if _is_hub_name(facts.get("model.name")):
        return Value(reason="the model's name may stand for trained weights")
    return Value("scratch", State.DERIVED, span=None, reason="nothing in the config names earlier weights")


def _said(reading: Reading, purpose: str, found: Found, label: str) -> Value:
    span = reading.span(found.entry.key if found.entry else found.value)
    return Value(purpose, State.DERIVED, span=span, chain=(Link(span, label),), reason=label)


def _resumed(reading: Reading) -> Found | None:
    signs = reading.format.resume
    root = reading.document.root
    at = [found for path in signs.at for found in find_all(root, path)]
    if signs.names:
        at.extend(found for found in walk_entries(root) if key_word(str(found.path[-1])) in signs.names)
    return is_set(reading, at)


def _format_sign(reading: Reading) -> tuple[str, Found] | None:
    for sign in reading.format.purposes:
        for path in sign.present:
            found = is_set(reading, find_all(reading.document.root, path))
            if found is not None:
                return sign.purpose, found
    return None


def _key_sign(reading: Reading) -> tuple[str, Found] | None:
    """Keys that no ordinary supervised run has. Formats with key paths of their own say so in `purposes`."""
    if not reading.format.sections:
        return None
    keys = load_formats().recognition.purpose_keys
    for found in walk_entries(reading.document.root):
        word = key_word(str(found.path[-1]))
        for purpose, words in keys.items():
            if word in words and is_set(reading, [found]) is not None:
                return purpose, found
    return None


def _path_purpose(path: str) -> str:
    parts = path.lower().rsplit(".", 1)[0].split("/")
    spelled = "/".join(f"_{_WORD_END.sub('_', part)}_" for part in parts)
    for purpose, words in load_formats().recognition.purposes.items():
        if any(f"_{word}_" in spelled for word in words):
            return purpose
    return ""


def _is_hub_name(name: Value | None) -> bool:
    return name is not None and isinstance(name.value, str) and "/" in name.value
