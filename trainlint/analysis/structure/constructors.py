"""Constructors of modules that keep layers before the framework's own constructor has run, or without it."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Event
from trainlint.analysis.structure.scene import Found, Scene
from trainlint.analysis.structure.weights import made_by
from trainlint.knowledge.structure import structure_facts

_REGISTERING = frozenset(
    {"add_module", "register_module", "register_parameter", "register_buffer", "add_sublayer"}
)
_OWN_WAYS = frozenset({"__setattr__", "__new__", "__getattr__", "__init_subclass__"})
_GENERATED = frozenset({"dataclass", "attrs", "define", "attr.s", "attr.dataclass"})


def detect(scene: Scene) -> Iterator[Found]:
    """At most one fault: the first layer that is kept too early."""
    if scene.method != "__init__" or not scene.owner or _is_made_otherwise(scene):
        return
    framework = scene.framework()
    if not framework:
        return
    for event in scene.facts.events:
        if _initialises(scene, event):
            return
        kept = _keeps(scene, event, framework)
        if kept >= 0:
            later = any(_initialises(scene, each) for each in scene.facts.events)
            if framework == "keras" and later:
                return
            yield _fault(scene, framework, kept, event, later=later)
            return


def _fault(scene: Scene, framework: str, kept: int, event: Event, *, later: bool) -> Found:
    found = Found("missing-super-init", kept, "late" if later else "none")
    owner = scene.index.unit(scene.path, scene.owner)
    frames = structure_facts().frames
    bases = [each for each in scene.index.lineage(scene.path, scene.owner)[1:] if each.kind != "class"]
    direct = owner is not None and len(owner.bases) == 1 and len(bases) == 1 and bases[0].absolute in frames
    found.facts = {
        "attribute": event.name or "a layer",
        "class": scene.owner.rpartition(".")[2],
        "framework": framework,
        "order": "before" if later else "without",
        "fixable": "yes" if direct and not later and not event.conditions and event.loop < 0 else "no",
    }
    found.texts = {"layer": kept}
    return found


def _is_made_otherwise(scene: Scene) -> bool:
    """Whether the class gets its constructor, or the way it keeps attributes, from elsewhere."""
    owner = scene.index.unit(scene.path, scene.owner)
    if (
        owner is None
        or owner.metaclass
        or any(each.rpartition(".")[2] in _GENERATED for each in owner.decorators)
    ):
        return True
    return any(name.rpartition(".")[2] in _OWN_WAYS for _, name in scene.methods())


def _initialises(scene: Scene, event: Event) -> bool:
    """Whether a call may run the framework's constructor: any `__init__`, and what is given the instance."""
    if event.kind != "call":
        return False
    term = scene.terms[event.term]
    callee = scene.terms[term.args[0]]
    if "__init__" in callee.name or callee.name in ("__setstate__", "__setattr__"):
        return True
    if callee.op == "attr" and scene.is_self(callee.args[0]) and callee.name not in _REGISTERING:
        target = scene.index.method(scene.path, scene.owner, callee.name)
        unit = scene.index.unit(target.path, target.qualname) if target.kind == "function" else None
        return unit is None or any("__init__" in call for call in unit.calls)
    return any(scene.is_self(each) for each in term.args[1:]) and callee.name != "builtins.isinstance"


def _keeps(scene: Scene, event: Event, framework: str) -> int:
    """The layer or parameter that an event keeps in the instance, -1 where it keeps none."""
    if event.nested >= 0:
        return -1
    if event.kind == "store-attr" and scene.is_self(event.term):
        if framework != "keras":
            return event.value if _is_made(scene, event.value) else -1
        name = scene.callee(event.value)
        layer = name.startswith("keras.layers.") and name.rpartition(".")[2][:1].isupper()
        return event.value if layer else -1
    return -1


def _is_made(scene: Scene, index: int) -> bool:
    """Whether a value is a module or a parameter for certain: what the framework refuses this early."""
    if made_by(scene, index):
        return True
    name = scene.callee(index)
    entry = scene.knowledge.lookup(name) if name and "::" not in name else None
    simple = name.rpartition(".")[2]
    return (
        entry is not None and entry.kind == "layer" and name.startswith("torch.nn.") and simple[:1].isupper()
    )
