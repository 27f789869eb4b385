"""Layers and parameters that a module keeps in a plain list or dict, where its framework does not look."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Event, UnitFacts
from trainlint.analysis.structure.collections import (
    before_loop,
    beginning,
    has_text_keys,
    held_calls,
    is_collection,
)
from trainlint.analysis.structure.registrations import (
    is_asked_for,
    is_registered,
    reads_of,
    tells_by_itself,
    uses_in_forward,
)
from trainlint.analysis.structure.scene import Found, Scene
from trainlint.analysis.structure.weights import MODULE, PARAMETER, made_by
from trainlint.knowledge.structure import structure_facts

_PLAIN_ONLY = frozenset(
    {"get", "setdefault", "pop", "index", "remove", "sort", "count", "copy", "reverse", "clear"}
)
"""Methods that the collections of the frameworks do not have, or that do something else there."""

Uses = list[tuple[UnitFacts, int]]


def detect(scene: Scene) -> Iterator[Found]:
    """One fault for each attribute that holds layers or parameters and is used in the forward pass."""
    framework = scene.framework()
    if framework not in ("torch", "paddle") or tells_by_itself(scene):
        return
    for attribute, container in _kept(scene).items():
        layers = [each for each in held_calls(scene, container) if made_by(scene, each)]
        if not layers or _is_one_literal(scene, container):
            continue
        if is_registered(scene, attribute, container, layers):
            continue
        uses = uses_in_forward(scene, attribute)
        if uses and not is_asked_for(scene, attribute):
            yield _fault(scene, framework, attribute, container, layers, uses)


def _kept(scene: Scene) -> dict[str, int]:
    """The attributes of `self` that this unit leaves holding a plain collection, with its last term."""
    kept: dict[str, int] = {}
    for event in scene.facts.events:
        if event.nested >= 0:
            continue
        if event.kind == "store-attr" and scene.is_self(event.term):
            kept[event.name] = event.value
        elif event.kind == "store-item":
            _note_item(scene, event, kept)
    return {name: term for name, term in kept.items() if is_collection(scene, term)}


def _note_item(scene: Scene, event: Event, kept: dict[str, int]) -> None:
    """`self.x[key] = layer`: the collection is what it was before, and the layer."""
    for name, term in kept.items():
        if before_loop(scene, term) == before_loop(scene, event.term) or scene.attribute(event.term) == name:
            stored = (
                index
                for index in range(len(scene.terms) - 1, -1, -1)
                if scene.terms[index].op == "setitem" and scene.terms[index].args[2] == event.value
            )
            kept[name] = next(stored, term)


def _is_one_literal(scene: Scene, container: int) -> bool:
    """Whether it is a display of one element: the way to keep a network out of the module on purpose."""
    term = scene.terms[container]
    return term.op in ("list", "tuple", "set") and len(term.args) == 1


def _fault(
    scene: Scene, framework: str, attribute: str, container: int, layers: list[int], uses: Uses
) -> Found:
    start = beginning(scene, container)
    what = PARAMETER if {made_by(scene, each) for each in layers} == {PARAMETER} else MODULE
    mapping = scene.terms[start].op == "dict" or scene.terms[start].name == "dict"
    containers = structure_facts().containers[framework]
    holder = (containers.parameters if what == PARAMETER else containers.modules)[mapping]
    made = scene.terms[scene.terms[layers[0]].args[0]].name
    exact = _is_written_whole(scene, start, container, attribute, mapping=mapping) and not any(
        _asks_for_more(facts, attribute, mapping=mapping) for facts, _ in uses
    )
    found = Found("unregistered-modules", start, what)
    found.facts = {
        "attribute": attribute,
        "layer": made.rpartition("::")[2].rpartition(".")[2],
        "holder": holder,
        "shown": holder.rpartition(".")[2],
        "where": uses[0][0].qualname.rpartition(".")[2],
        "fixable": "yes" if exact else "no",
    }
    found.trace = [(layers[0], "made here, and known to this attribute only")]
    facts, term = uses[0]
    place = scene.place_of(facts.path, facts.qualname, term)
    if facts.path == scene.path and place is not None:
        found.elsewhere.append((place, "used in the forward pass"))
    return found


def _is_written_whole(scene: Scene, start: int, container: int, attribute: str, *, mapping: bool) -> bool:
    """Whether the collection is written where it is assigned, as a list or dict of nothing but layers."""
    term = scene.terms[start]
    display = term.op in ("list", "dict") or (term.op == "comp" and term.name in ("list", "dict"))
    stored = [e for e in scene.facts.events if e.kind == "store-attr" and e.name == attribute]
    written = bool(stored) and stored[0].value == start
    if not display or not written or (mapping and not has_text_keys(scene, container)):
        return False
    return all(made_by(scene, each) for each in held_calls(scene, container))


def _asks_for_more(facts: UnitFacts, attribute: str, *, mapping: bool) -> bool:
    """Whether a method uses the attribute as only a plain list or dict can be used."""
    reads = reads_of(facts, attribute)
    for term in facts.terms:
        if term.op == "attr" and term.args[0] in reads and term.name in _PLAIN_ONLY:
            return True
        if (term.op == "bin" or (term.op == "cmp" and not mapping)) and not reads.isdisjoint(term.args):
            return True
    return False
