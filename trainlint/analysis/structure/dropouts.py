"""Dropout that evaluation cannot turn off: functions that drop unless they are told not to."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Event
from trainlint.analysis.structure.scene import Found, Scene
from trainlint.knowledge.roles import words_of
from trainlint.knowledge.structure import structure_facts

_ATTENTION = "torch.nn.functional.scaled_dot_product_attention"
_WANTED = frozenset(
    "mc montecarlo monte bayes bayesian uncertainty stochastic ensemble always prenet augment augmentation "
    "noise corrupt mixup simcse".split()
)
"""Words of names where dropout in evaluation, or as an augmentation, is meant."""

_MODES = frozenset(
    {"training", "train", "is_training", "is_train", "deterministic", "eval", "mode", "testing"}
)
_TRAINING_METHODS = frozenset({"training_step", "train_step", "loss", "compute_loss", "calc_loss"})
_DEPTH = 6


def detect(scene: Scene) -> Iterator[Found]:
    """The functional dropouts of a module's forward pass that drop in evaluation, too."""
    if scene.framework() not in ("torch", "paddle") or not _runs_in_evaluation(scene):
        return
    known = structure_facts().dropouts
    for number, event in enumerate(scene.facts.events):
        if event.kind != "call" or event.nested >= 0 or _depends_on_mode(scene, event):
            continue
        name = scene.callee(event.term)
        if name in known and not scene.is_starred(event.term):
            parameter, position, given = known[name]
            if scene.argument(event.term, parameter, position) < 0 and _may_drop(scene, event.term):
                yield _fault(scene, number, name, parameter, given)
        elif name == _ATTENTION:
            rate = scene.argument(event.term, "dropout_p", 4)
            if rate >= 0 and (scene.number(rate) or _kept_rate(scene, rate)) > 0:
                yield _fault(scene, number, name, "", "")


def _kept_rate(scene: Scene, rate: int) -> float:
    """The number that the constructor keeps in an attribute, or the default of the parameter it keeps; 0
    where that is not known, or where it is kept in several places."""
    attribute = scene.attribute(rate)
    if not attribute:
        return 0
    kept = []
    for place in scene.methods():
        facts = scene.facts_of(*place)
        for event in facts.events if facts is not None else ():
            if facts is not None and event.kind == "store-attr" and event.name == attribute:
                term = facts.terms[event.value]
                given = facts.defaults.get(term.name, -1) if term.op == "param" else event.value
                kept.append(facts.terms[given].value if given >= 0 else None)
    number = kept[0] if len(kept) == 1 else None
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else 0


def _fault(scene: Scene, event: int, name: str, parameter: str, given: str) -> Found:
    form = "attention" if name == _ATTENTION else "functional"
    found = Found("always-on-dropout", scene.facts.events[event].term, form, event=event)
    instance = scene.facts.params[0].name
    found.facts = {
        "function": name.rpartition(".")[2],
        "parameter": parameter or "dropout_p",
        "given": given.replace("self.", f"{instance}.") or f"… if {instance}.training else 0.0",
    }
    return found


def _runs_in_evaluation(scene: Scene) -> bool:
    """Whether the method is part of the forward pass, and nothing says that its dropout is meant to stay."""
    names = (scene.owner, scene.method, scene.path.rpartition("/")[2].removesuffix(".py"))
    if any(_WANTED.intersection(words_of(name)) for name in names):
        return False
    if scene.method in _TRAINING_METHODS:
        return False
    return scene.method in ("forward", "__call__") or scene.method in scene.reached_methods("forward")


def _may_drop(scene: Scene, call: int) -> bool:
    """Whether the rate is not known to be 0, nor computed from the mode."""
    rate = scene.argument(call, "p", 1)
    if rate < 0:
        return True
    return scene.number(rate) != 0 and scene.terms[rate].op != "if" and not _names_mode(scene, rate, 0)


def _depends_on_mode(scene: Scene, event: Event) -> bool:
    return any(_names_mode(scene, condition.term, 0) for condition in event.conditions)


def _names_mode(scene: Scene, index: int, depth: int) -> bool:
    """Whether an expression reads something that is named like the mode."""
    term = scene.terms[index]
    if depth > _DEPTH:
        return True
    if term.op in ("attr", "param") and (
        term.name in _MODES or {"training", "train"} & set(words_of(term.name))
    ):
        return True
    return any(_names_mode(scene, each, depth + 1) for each in term.args)
