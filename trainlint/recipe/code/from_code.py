"""A program's recipe from its code: loaders, optimizers, schedule, length, seeds, regularisation, purpose."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.alternatives import agreed_facts
from trainlint.recipe.code.data.batches import batch_facts
from trainlint.recipe.code.data.counterparts import preparations
from trainlint.recipe.code.data.encodings import fit_elements
from trainlint.recipe.code.data.fit_data import FitData
from trainlint.recipe.code.data.holdouts import holdouts
from trainlint.recipe.code.data.imbalance import class_weights
from trainlint.recipe.code.data.loader_facts import LoaderFacts
from trainlint.recipe.code.data.loader_pairs import keep_pairs_together
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.data.made_up import trains_on_made_up_data
from trainlint.recipe.code.data.pipeline_order import shuffled_pipelines
from trainlint.recipe.code.data.pipeline_shuffles import pipeline_shuffles
from trainlint.recipe.code.data.pixels import pixel_range
from trainlint.recipe.code.data.samplers import Samplers
from trainlint.recipe.code.data.selection import selection
from trainlint.recipe.code.data.spelled_out import trains_on_spelled_out_data
from trainlint.recipe.code.data.splits import splits
from trainlint.recipe.code.data.worker_seeds import worker_elements
from trainlint.recipe.code.debugging import debugger_elements
from trainlint.recipe.code.fine_tuning import fine_tuning
from trainlint.recipe.code.flags import flag_elements
from trainlint.recipe.code.heads import Heads
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.length import run_length
from trainlint.recipe.code.loop.all_faults import loop_faults
from trainlint.recipe.code.model.all_faults import output_faults
from trainlint.recipe.code.model.batch_norms import batch_norm
from trainlint.recipe.code.observe import Call, Observations, first_span
from trainlint.recipe.code.optimization.accelerated import accumulated, counted_steps
from trainlint.recipe.code.optimization.chains import Chains
from trainlint.recipe.code.optimization.half_parameters import add_precision
from trainlint.recipe.code.optimization.momentum import complete_momentum
from trainlint.recipe.code.optimization.networks import Networks, parameters_of
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.optimization.scaling import Scaling
from trainlint.recipe.code.optimization.schedulers import scheduler_elements
from trainlint.recipe.code.optimization.update_order import UpdateOrder
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.purpose import purpose_of, toy_run
from trainlint.recipe.code.recurrence import recurrence
from trainlint.recipe.code.regularizers import regularizers
from trainlint.recipe.code.run_records import recorded
from trainlint.recipe.code.search.searches import loop_searches
from trainlint.recipe.code.seeds.reproducibility import reproducibility
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.code.subject import subject
from trainlint.recipe.code.trainers.facts import put, trained_by
from trainlint.recipe.code.trainers.lightning_facts import lightning_facts
from trainlint.recipe.code.training import Training, may_train
from trainlint.recipe.derived import derive
from trainlint.recipe.model import Recipe, Value
from trainlint.recipe.rate.cadence import Cadences
from trainlint.recipe.rate.schedule import schedule_facts

MAX_VISITED = 64
_RATE_WORDS = frozenset("batch batchsize bs world gpus ngpu ngpus devices replicas nprocs".split())


def code_recipe(program: Program) -> Recipe | None:
    """The recipe of an entry file; None where nothing in its reach trains."""
    if not may_train(program):
        return None
    seen = Observations(program)
    try:
        return _recipe(program, seen)
    finally:
        seen.release()


def _recipe(program: Program, seen: Observations) -> Recipe | None:
    training = Training(seen)
    if not training.trains:
        return None
    optimizers = Optimizers(seen, training)
    lightning = lightning_facts(seen, training)
    seen.counted.update(counted_steps(seen))
    if lightning is not None and lightning.sites is not None:
        optimizers.keep(lightning.sites)
    loaders = Loaders(seen, training)
    framework = _framework(seen, optimizers)
    if framework is None:
        return None
    at = _statement(seen, training, optimizers)
    if at is None:
        return None
    facts: dict[str, Value] = {
        "meta.framework": derived(framework, at),
        "meta.kind": derived("program", at),
        "meta.trains": derived(True, at),
    }
    optimizer_elements = optimizers.elements()
    complete_momentum(seen, optimizers, optimizer_elements)
    add_precision(seen, optimizers.calls, optimizer_elements)
    networks = Networks(seen)
    for call, element in zip(optimizers.calls, optimizer_elements, strict=True):
        element["optimizer.network"] = networks.network(call)
        if parameters_of(seen, call) is not None:
            element["optimizer.undivided"] = derived(True, call.span)
    loader_elements = loaders.elements()
    fit_data = FitData(loaders, training)
    fitted = fit_data.elements(loader_elements)
    keep_pairs_together(loaders, loader_elements)
    LoaderFacts(loaders).complete(loader_elements)
    facts.update(selection(loaders, loader_elements))
    facts.update(class_weights(seen))
    facts.update(pixel_range(seen, loader_elements))
    facts.update(run_length(seen, training))
    primary = optimizer_elements[0] if len(optimizer_elements) == 1 and not optimizers.unread else {}
    trained = trained_by(seen, training, primary)
    if trained is not None:
        put(facts, trained.facts)
    if lightning is not None:
        put(facts, lightning.facts)
    facts["meta.purpose"] = purpose_of(seen, training, optimizers)
    facts["meta.toy"] = toy_run(seen, training, facts)
    made_up = trains_on_made_up_data(seen, training, _training_sets(loaders, loader_elements))
    if made_up or trains_on_spelled_out_data(seen, training, fit_data.samples()):
        facts["meta.toy"] = derived(True, at)
    seeding = Seeding(seen, seen.evaluator.knowledge.backend(framework), at, training)
    facts.update(reproducibility(seen, training, seeding))
    facts["repro.seeding"] = derived(_seeding_call(seen, optimizers, framework), at)
    facts.update(batch_facts(seen, training, [*loader_elements, *fitted]))
    together = accumulated(seen)
    if together is not None:
        facts["batch.grad_accum"] = together
    devices = program.launch.devices()
    if devices is not None:
        facts["batch.devices"] = devices
    facts.update(subject(seen, optimizers, loaders, [element["loader.role"] for element in loader_elements]))
    facts.update(regularizers(seen))
    facts.update(batch_norm(seen, networks, optimizers.calls))
    facts.update(fine_tuning(seen, training, optimizers))
    batched = facts["batch.per_device"].known or "train" in {
        element["loader.role"].value for element in loader_elements
    }
    facts.update(recurrence(seen, optimizers, batched, at))
    facts.update(primary or dict.fromkeys(("optimizer.name", "optimizer.lr"), optimizers.unsettled()))
    rate = schedule_facts(seen, training, optimizers, primary, facts)
    facts.update(rate.facts)
    if primary:
        primary.update({path: value for path, value in rate.facts.items() if path.startswith("optimizer.")})
        facts.update(_rate_from_batch(seen, optimizers.calls[0], facts["batch.per_device"]))
        if rate.follows_batch:
            facts["batch.lr_from_batch"] = derived(True, first_span(optimizers.calls))
    if trained is not None:
        put(facts, trained.facts)
        primary.update({path: facts[path] for path in primary if path in trained.facts})
    if lightning is not None:
        put(facts, lightning.facts)
        facts.update(lightning.without(primary, bool(optimizers.schedules)))
    derive(facts, "device")
    if len(optimizer_elements) > 1 and not optimizers.unread:
        # Said, but judged by none: what holds for one network of several is not known to be a choice.
        facts.update(agreed_facts(optimizer_elements))
    _switches(facts, seen, optimizers)
    _follow_batch(facts)
    groups = {
        "optimizers": optimizer_elements,
        "loaders": [*loader_elements, *(fitted or shuffled_pipelines(seen))],
    }
    if trained is not None:
        groups["optimizers"] += trained.optimizers
        groups["loaders"] += trained.loaders
    groups["fits"] = fit_elements(seen)
    groups["splits"] = splits(seen, seeding, facts)
    groups["heads"] = Heads(seen, optimizers, loaders).elements(loader_elements)
    order = UpdateOrder(seen)
    groups["schedulers"] = scheduler_elements(seen, Cadences(seen, training, facts).of)
    groups["clips"] = order.clips()
    groups["steps"] = order.schedule_steps()
    scaling = Scaling(seen, order, training)
    groups["updates"] = scaling.updates()
    groups["scalers"] = scaling.scalers()
    groups["flags"] = flag_elements(seen)
    facts["train.recorded"] = recorded(seen, training, at)
    groups["debuggers"] = debugger_elements(seen, training)
    groups["workers"] = worker_elements(seen)
    groups["samplers"] = Samplers(loaders, training).elements()
    groups["preparations"] = preparations(loaders, loader_elements)
    groups["chains"] = Chains(seen).elements()
    groups["searches"] = loop_searches(seen, training)
    groups["shuffles"] = pipeline_shuffles(seen)
    groups["holdouts"] = holdouts(seen, fit_data)
    groups["loops"] = loop_faults(seen, training, optimizers, loaders, loader_elements)
    groups["outputs"] = output_faults(seen)
    files = (*program.closure.paths, *sorted(program.configs_read()))
    curve = trained.curve if trained is not None else rate.curve
    return Recipe(program.entry, "program", at, facts, groups, files, curve)


def _training_sets(loaders: Loaders, elements: list[dict[str, Value]]) -> list[Resolved | None]:
    """The data sets of the loaders that are known to feed the training."""
    pairs = zip(loaders.uses, elements, strict=True)
    return [use.argument("dataset") for use, element in pairs if element["loader.role"].value == "train"]


def _framework(seen: Observations, optimizers: Optimizers) -> str | None:
    """The framework that takes the steps: the optimizer's, else the trainer's, else the one used most."""
    for call in (*optimizers.calls, *seen.made("trainer", "optimizer-factory")):
        if call.entry is not None:
            return seen.evaluator.knowledge.backend(call.entry.framework)
    counts: dict[str, int] = {}
    for call in seen.calls:
        if call.method or not call.name or "::" in call.name:
            continue
        framework = seen.evaluator.knowledge.framework(call.name)
        if framework is not None:
            backend = seen.evaluator.knowledge.backend(framework)
            counts[backend] = counts.get(backend, 0) + 1
    trained = [name for name in ("torch", "tensorflow", "paddle", "jax") if counts.get(name)]
    return max(trained, key=lambda name: counts[name]) if trained else None


def _seeding_call(seen: Observations, optimizers: Optimizers, framework: str) -> str:
    """How one seeds this program: as the optimizer's own library would write it."""
    knowledge = seen.evaluator.knowledge
    for call in optimizers.calls:
        if call.entry is not None and knowledge.backend(call.entry.framework) == framework:
            return knowledge.seeding(call.entry.framework)
    return knowledge.seeding(framework)


def _statement(seen: Observations, training: Training, optimizers: Optimizers) -> Span | None:
    """The place that stands for the program in findings about an absence.

    The optimizer, else the trainer, else the backward pass; where that is in another file, the call in the
    entry that leads to it.
    """
    calls = [
        *optimizers.calls,
        *optimizers.unread,
        *seen.made("trainer"),
        *training.fits,
        *seen.made("optimizer-chain", "gradient-step"),
        *seen.methods("backward", "minimize", "apply_gradients"),
    ]
    placed = [call for call in calls if call.span is not None]
    for call in placed:
        if call.place[0] == seen.program.entry:
            return call.span
    for call in placed:
        span = _in_entry(seen, call)
        if span is not None:
            return span
    return first_span(placed)


def _in_entry(seen: Observations, call: Call) -> Span | None:
    """The call in the entry file through which a call elsewhere is reached."""
    waiting = [call.place]
    visited = set(waiting)
    while waiting:
        path, qualname = waiting.pop(0)
        for frame, index in seen.program.call_sites(path, qualname):
            place = (frame.facts.path, frame.facts.qualname)
            if place[0] == seen.program.entry:
                return frame.span(index)
            if place not in visited and len(visited) < MAX_VISITED:
                visited.add(place)
                waiting.append(place)
    return None


def _rate_from_batch(seen: Observations, call: Call, batch: Value) -> dict[str, Value]:
    """Whether the rate's expression reads the batch or the number of devices."""
    value = seen.argument(call, "lr")
    if value is None:
        return {"batch.lr_from_batch": derived(False, call.span)}
    words = {word for text in value.words for word in words_of(text)}
    written = {origin.span for origin in value.origins if origin.span is not None}
    follows = bool(words & _RATE_WORDS) or (value.derived and batch.span in written)
    if value.kind != "const" and not follows:
        return {"batch.lr_from_batch": unknown_value("the rate is not known", call.span)}
    return {"batch.lr_from_batch": derived(follows, call.span)}


def _switches(facts: dict[str, Value], seen: Observations, optimizers: Optimizers) -> None:
    """Whether every regulariser of the run, a heavy weight decay among them, hangs on an option or config."""
    active = facts.get("reg.any")
    if active is None or active.value is not True:
        return
    unread = seen.unread.value("switch")
    if unread is not None:
        facts["reg.all_switchable"] = unread
        return
    switchable = facts.get("reg.all_switchable")
    from_layers = any(f"reg.{name}" in facts for name in ("dropout", "label_smoothing", "mixup", "drop_path"))
    by_layers = switchable is None or not from_layers or switchable.value is not False
    decay = facts.get("reg.weight_decay")
    by_decay = True
    if decay is not None and decay.known and decay.value and len(optimizers.calls) == 1:
        given = seen.argument(optimizers.calls[0], "weight_decay")
        by_decay = given is None or bool(given.option) or given.kind == "choice" or bool(given.keys)
    facts["reg.all_switchable"] = derived(by_layers and by_decay, active.span)


def _follow_batch(facts: dict[str, Value]) -> None:
    follows = facts.get("batch.lr_from_batch")
    if follows is not None and follows.value is not False:
        for path in ("rate.scaling_ratio", "rate.expected"):
            facts.pop(path, None)
