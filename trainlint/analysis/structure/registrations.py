"""The ways by which a framework may learn of a layer after all: names, calls, other methods, other code."""

from __future__ import annotations

from trainlint.analysis.facts import Event, UnitFacts
from trainlint.analysis.structure.collections import MOST_TERMS, history
from trainlint.analysis.structure.scene import Scene

_OWN_WAYS = frozenset(
    "parameters named_parameters modules named_modules children named_children state_dict _apply to cuda "
    "train __getattr__ __setattr__ configure_optimizers sublayers".split()
)
"""Methods with which a class tells its framework by itself what belongs to it."""

_OPAQUE = frozenset({"len", "print", "range", "isinstance", "str", "repr", "type"})
_HARMLESS = _OPAQUE | {"enumerate", "zip", "reversed", "list", "tuple", "dict"}
_HARMLESS_METHODS = frozenset(
    {"append", "extend", "insert", "update", "keys", "values", "items", "debug", "info"}
)
_ASKING = frozenset({"parameters", "named_parameters", "modules", "children", "trainable_parameters"})
_CHANGING = _ASKING | {"requires_grad_", "eval"}
_REGISTERING = frozenset({"add_module", "register_module", "register_parameter", "apply"})
_MOST_ASKED = 60


def tells_by_itself(scene: Scene) -> bool:
    """Whether the unit's class says by methods of its own what belongs to it."""
    return any(name.rpartition(".")[2] in _OWN_WAYS for _, name in scene.methods())


def is_registered(scene: Scene, attribute: str, container: int, layers: list[int]) -> bool:
    """Whether the layers, or the collection in the attribute, are also handed to something that may register
    them."""
    chain = history(scene, container)
    wanted = {*chain, *layers}
    for event in scene.facts.events:
        if event.kind == "call":
            if event.term not in layers and _hands_on(scene, event.term, wanted, layers):
                return True
        elif _keeps_elsewhere(scene, event, attribute, wanted, chain):
            return True
    return _is_registered_in_another_method(scene, attribute)


def _hands_on(scene: Scene, call: int, wanted: set[int], layers: list[int]) -> bool:
    """Whether a call is given one of the terms, or freezes one of the layers."""
    term = scene.terms[call]
    if _is_harmless(scene, call):
        return False
    if any(_contains(scene, each, wanted) for each in term.args[1:]):
        return True
    callee = scene.terms[term.args[0]]
    return callee.op == "attr" and callee.name == "requires_grad_" and callee.args[0] in layers


def _keeps_elsewhere(scene: Scene, event: Event, attribute: str, wanted: set[int], chain: set[int]) -> bool:
    """Whether a store keeps one of the terms in another attribute or collection."""
    if event.kind == "store-attr":
        kept = event.value in wanted or scene.terms[event.value].op == "item"
        return event.name != attribute and kept and _contains(scene, event.value, wanted)
    if event.kind != "store-item" or event.term in chain:
        return False
    return event.value in wanted - chain and scene.attribute(event.term) != attribute


def _is_harmless(scene: Scene, call: int) -> bool:
    callee = scene.terms[scene.terms[call].args[0]]
    if callee.op == "global":
        return callee.name.removeprefix("builtins.") in _HARMLESS
    return callee.op == "attr" and callee.name in _HARMLESS_METHODS


def _contains(scene: Scene, index: int, wanted: set[int]) -> bool:
    """Whether an expression is made with one of these terms, those inside of calls that keep none apart."""
    waiting, seen = [index], set[int]()
    while waiting and len(seen) < MOST_TERMS:
        here = waiting.pop()
        if here in wanted:
            return True
        if here in seen:
            continue
        seen.add(here)
        term = scene.terms[here]
        if not (term.op == "call" and scene.name(term.args[0]).removeprefix("builtins.") in _OPAQUE):
            waiting += term.args
    return False


def _is_registered_in_another_method(scene: Scene, attribute: str) -> bool:
    """Whether another method of the class hands the attribute on, or gives it another value."""
    for path, qualname in scene.methods():
        facts = scene.facts_of(path, qualname)
        if facts is None or facts is scene.facts or not facts.params:
            continue
        reads, other = reads_of(facts, attribute), scene.beside(facts)
        for event in facts.events:
            if event.kind == "store-attr" and event.name == attribute:
                return True
            if event.kind == "call" and reads and _registers(other, event.term, reads):
                return True
    return False


def _registers(scene: Scene, call: int, reads: set[int]) -> bool:
    """Whether a call may register what an attribute holds, or asks it for its parameters."""
    term = scene.terms[call]
    callee = scene.terms[term.args[0]]
    if _is_harmless(scene, call):
        return False
    if callee.op == "attr":
        if callee.name in _REGISTERING:
            return any(_contains(scene, each, reads) for each in term.args[1:])
        return callee.name in _CHANGING and _contains(scene, callee.args[0], reads)
    return callee.op == "global" and any(
        each in reads or (scene.terms[each].op == "star" and scene.terms[each].args[0] in reads)
        for each in term.args[1:]
    )


def reads_of(facts: UnitFacts, attribute: str) -> set[int]:
    """The terms of a method that read an attribute of its own instance."""
    first = facts.params[0].name if facts.params else ""
    return {
        index
        for index, term in enumerate(facts.terms)
        if term.op == "attr"
        and term.name == attribute
        and facts.terms[term.args[0]].op == "param"
        and facts.terms[term.args[0]].name == first
    }


def uses_in_forward(scene: Scene, attribute: str) -> list[tuple[UnitFacts, int]]:
    """Where the forward pass reads the attribute: in `forward`, and in methods that it calls."""
    uses = []
    for place in scene.reached_methods("forward", "__call__", "training_step").values():
        facts = scene.facts_of(*place)
        if facts is not None:
            uses += [(facts, index) for index in sorted(reads_of(facts, attribute))]
    return uses


def is_asked_for(scene: Scene, attribute: str) -> bool:
    """Whether code outside of the class asks the kept layers for their parameters."""
    asked = 0
    for path in scene.index.paths():
        outline = scene.index.by_path(path)
        for unit in outline.units if outline is not None else ():
            if not any(call.rpartition(".")[2] in _ASKING for call in unit.calls):
                continue
            asked += 1
            if asked > _MOST_ASKED:
                return False
            facts = scene.facts_of(path, unit.qualname)
            if facts is not None and _reads_of_another(facts, attribute):
                return True
    return False


def _reads_of_another(facts: UnitFacts, attribute: str) -> bool:
    """Whether a unit reads the attribute of an object that is not the unit's own instance."""
    own = reads_of(facts, attribute) if "." in facts.qualname else set()
    return any(
        term.op == "attr" and term.name == attribute and index not in own
        for index, term in enumerate(facts.terms)
    )
