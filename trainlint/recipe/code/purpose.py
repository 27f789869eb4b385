"""What a run is for: fresh weights, or something else that exempts it from advice about recipes."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

TOY_EPOCHS = 5
TOY_STEPS = 5_000


def purpose_of(seen: Observations, training: Training, optimizers: Optimizers) -> Value:
    """`meta.purpose`: scratch only where everything that would say otherwise was read and does not."""
    for purpose in ("reinforcement", "search"):
        if imports_for(seen, purpose):
            return derived(purpose)
    if _adversarial(seen, optimizers):
        return derived("adversarial")
    if _teaches(seen):
        return derived("distill")
    for call in seen.calls:
        loaded = _loads_weights(seen, training, call)
        if loaded is not None:
            return loaded
    if _fits_tensors(seen, training, optimizers):
        return unknown_value("it optimizes tensors of its own, such as the pixels of an image: no network")
    return derived("scratch")


def _fits_tensors(seen: Observations, training: Training, optimizers: Optimizers) -> bool:
    """Whether every optimizer holds single tensors, and no data goes through the program in batches."""
    if training.fits or seen.made("loader") or not optimizers.calls:
        return False
    return all(_are_tensors(seen.argument(call, "params")) for call in optimizers.calls)


def _are_tensors(params: Resolved | None) -> bool:
    """Whether an optimizer is given a list of tensors, each made by a call that gives no parameters."""
    if params is None or params.kind != "sequence" or not params.items:
        return False
    leaves = [leaf for item in params.items for leaf in item.default().alternatives()]
    return all(leaf.kind == "object" and not leaf.name.endswith(".parameters") for leaf in leaves)


def imports_for(seen: Observations, purpose: str) -> bool:
    """Whether the program imports a package that only programs of a purpose use: reinforcement or search."""
    imported = set(seen.program.closure.external)
    roots = program_words(purpose)
    return any(name == root or name.startswith(root + ".") for name in imported for root in roots)


def _adversarial(seen: Observations, optimizers: Optimizers) -> bool:
    if len(optimizers.calls) + len(optimizers.unread) < 2:
        return False
    words = program_words("discriminators")
    names = [name for call in optimizers.calls for name in seen.names((call.site,))]
    return any(words & set(words_of(name)) or name.lower() in words for name in names)


def _teaches(seen: Observations) -> bool:
    names = {name for call in seen.calls for name in seen.names((call.site,))}
    return any({"teacher"} & set(words_of(name)) for name in names)


def _loads_weights(seen: Observations, training: Training, call: Call) -> Value | None:
    name = call.name.rpartition(".")[2]
    loads = name in program_words("pretrained") or (call.method and name == "load_state_dict")
    if not loads and not _may_ask_for_weights(call):
        return None
    happens = seen.runs(call)
    if happens is False or _for_evaluation(call) or training.is_over(call):
        return None
    if _stays_there(seen, training, call):
        return None
    if loads and (name != "load_state_dict" or not _is_optimizer(seen, call)):
        if happens:
            return derived("finetune", call.span)
        return unknown_value("weights may be loaded before training", call.span)
    return _asks_for_weights(seen, call)


def _for_evaluation(call: Call) -> bool:
    """Whether the call stands in code that tests: what it loads is not trained on."""
    words = {word for text in call.place for word in words_of(text.rpartition("/")[2])}
    return bool(words & program_words("eval"))


def _stays_there(seen: Observations, training: Training, call: Call) -> bool:
    """Whether a method's receiver is made and kept in a unit that does not train: another part of the program
    loads weights, such as the command that predicts."""
    if not call.method or call.place in training.units:
        return False
    frame = call.frame
    leaves = list(seen.evaluator.receiver(frame.facts, call.event).alternatives())
    sites = {leaf.site for leaf in leaves}
    if not leaves or None in sites or any((site.path, site.qualname) != call.place for site in sites if site):
        return False
    kept = [event.value for event in frame.facts.events if event.kind.startswith("store-")]
    leaving = [*kept, *(back.term for back in frame.facts.returns)]
    values = (seen.evaluator.value(frame, term) for term in leaving if term >= 0)
    parts = (part for value in values for part in (value, *value.items, *value.entries.values()))
    return not any(leaf.site in sites for part in parts for leaf in part.alternatives())


def _may_ask_for_weights(call: Call) -> bool:
    keys = call.frame.facts.terms[call.term].keys
    return "pretrained" in keys or (call.entry is not None and call.entry.kind == "model-factory")


def _asks_for_weights(seen: Observations, call: Call) -> Value | None:
    """A `pretrained=True`, `weights="DEFAULT"`, or the positional flag of older model functions."""
    record = call.frame.facts.terms[call.term]
    is_factory = call.entry is not None and call.entry.kind == "model-factory"
    for position, (key, argument) in enumerate(zip(record.keys, record.args[1:], strict=True)):
        if key == "pretrained" or (is_factory and (key == "weights" or (key == "" and position == 0))):
            given = seen.evaluator.value(call.frame, argument).default()
            if given.kind == "const":
                if given.value and (key or given.value is True):
                    return derived("finetune", call.span)
            elif given.kind == "external":
                return derived("finetune", call.span)
            elif given.kind != "absent" and key:
                return unknown_value(f"whether pretrained weights are used: {given.name}", call.span)
    return None


def _is_optimizer(seen: Observations, call: Call) -> bool:
    receiver = seen.evaluator.receiver(call.frame.facts, call.event)
    words = {
        word
        for text in seen.texts(call.frame, call.frame.facts.terms[call.term].args[0])
        for word in words_of(text)
    }
    if words & {"optimizer", "optim", "scheduler", "scaler", "sched"}:
        return True
    entry = seen.evaluator.entry(receiver.name) if receiver.kind == "object" else None
    return entry is not None and entry.kind in ("optimizer", "scheduler", "scaler")


def toy_run(seen: Observations, training: Training, facts: dict[str, Value]) -> Value:
    """`meta.toy`: a demonstration, by the number of its epochs or updates."""
    epochs = facts.get("train.epochs")
    if epochs is not None and epochs.known and isinstance(epochs.value, (int, float)):
        most = TOY_STEPS if training.is_full_batch() else TOY_EPOCHS
        return derived(epochs.value <= most, epochs.span)
    steps = facts.get("train.steps")
    if steps is not None and isinstance(steps.value, (int, float)) and not seen.made("loader"):
        return derived(steps.value <= TOY_STEPS, steps.span)
    return derived(False)
