"""How long a program trains: epochs from the loop around the data, or steps."""

from __future__ import annotations

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved
from trainlint.analysis.facts import Loop, Parameter
from trainlint.knowledge.base import Entry
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.resumed import first_round
from trainlint.recipe.code.rounds import ALL_EPOCHS, batches_taken, epochs_in
from trainlint.recipe.code.training import Training
from trainlint.recipe.code.while_loops import counts_inner_rounds, fresh, while_count
from trainlint.recipe.model import State, Value

_RANGES = frozenset(
    {"builtins.range", "tqdm.trange", "tqdm.auto.trange", "six.moves.range", "six.moves.xrange"}
)

_ROUND_WORDS = frozenset({"epoch", "epochs", "ep", "iteration", "iterations", "iter"})
_STEP_WORDS = frozenset("iter iters iterations niter niters step steps updates".split())


def run_length(seen: Observations, training: Training) -> dict[str, Value]:
    """`train.epochs` and `train.steps`, as far as the loops and trainers say."""
    for call in training.fits:
        found = _from_trainer(seen, call)
        if found is not None:
            return _each_round(seen, call, found)
    named: list[Value] = []
    whole: list[Value] = []
    outer: list[Value] = []
    steps: list[Value] = []
    for frame, index, loop in training.loops():
        count = loop_count(seen, frame, loop)
        target = loop.target if loop.kind == "for" else _while(seen, frame, loop)[0]
        if count is None:
            taken = batches_taken(seen, frame, loop)
            steps += [] if taken is None else [taken]
            continue
        if "epoch" in target.lower():
            named.append(count)
        elif count.unit == ALL_EPOCHS:
            whole.append(count)
        elif loop.parent < 0 or not training.loop_trains(frame.facts, loop.parent):
            nested = training.depth(frame.facts, index) >= 1 and not (
                _updates(seen, frame, index)
                or _goes_through_parts(seen, training, frame, index)
                or (loop.kind == "while" and counts_inner_rounds(frame, loop))
            )
            (outer if nested else steps).append(count)
    found = {}
    epochs = named or outer
    if whole and not named:
        mixed = unknown_value("several training loops of different length", whole[0].span)
        found["train.epochs"] = mixed if steps or outer else _agreed(whole, "epochs")
    elif epochs:
        found["train.epochs"] = _agreed(epochs, "epochs")
    elif steps:
        found["train.steps"] = _agreed(steps, "steps")
    else:
        reason = "no loop over a known number of epochs was found"
        found["train.epochs"] = unknown_value(reason, training.first_loop())
    return found


def _each_round(seen: Observations, call: Call, found: dict[str, Value]) -> dict[str, Value]:
    """The length of a run that is fitted in a loop: `for epoch in range(40): model.fit(x, y, epochs=1)`."""
    if call.event.loop < 0 or set(found) != {"train.epochs"} or not found["train.epochs"].known:
        return found
    each = found["train.epochs"]
    loop = call.frame.facts.loops[call.event.loop]
    count = loop_count(seen, call.frame, loop)
    if _ROUND_WORDS.isdisjoint(words_of(loop.target)):
        several = each.value == 1 and (count is None or count.value != 1)
        return {"train.epochs": unknown_value("it is fitted in a loop", call.span)} if several else found
    if count is None or not count.known:
        return {"train.epochs": count or unknown_value("how often it is fitted", call.span)}
    assert isinstance(each.value, int | float) and isinstance(count.value, int | float)
    return {"train.epochs": Value(each.value * count.value, State.DERIVED, "epochs", count.span)}


def _updates(seen: Observations, frame: Frame, loop: int) -> bool:
    """Whether each round of a loop makes an update itself: loops within it then gather gradients."""
    for event in seen.program.events(frame.facts):
        if event.kind == "call" and event.loop == loop and seen.call_of(frame, event).name == "step":
            for made in seen.evaluator.receiver(frame.facts, event).alternatives():
                entry = seen.evaluator.entry(made.name) if made.kind == "object" else None
                if entry is not None and entry.kind in ("optimizer", "scaler"):
                    return True
    return False


def _goes_through_parts(seen: Observations, training: Training, frame: Frame, loop: int) -> bool:
    """Whether the training loops within a loop go through a written list, or count inside a loop over steps:
    the data sets or networks that a step takes in turn, not the batches of an epoch."""
    inner = [
        each
        for index, each in enumerate(frame.facts.loops)
        if each.parent == loop and training.loop_trains(frame.facts, index)
    ]
    sources = [seen.evaluator.value(frame, each.source) for each in inner]
    if not sources or any(each.kind != "sequence" and _range(seen, each) is None for each in sources):
        return False
    texts = seen.texts(frame, frame.facts.loops[loop].source)
    counted = bool(_STEP_WORDS & {word for text in texts for word in words_of(text)})
    return counted or all(each.kind == "sequence" for each in sources)


def _agreed(values: list[Value], unit: str) -> Value:
    known = [value for value in values if value.known]
    if len(known) < len(values):
        return next(value for value in values if not value.known)
    if any(value.value != known[0].value for value in known):
        return unknown_value("several training loops of different length", known[0].span)
    return Value(known[0].value, known[0].state, unit, known[0].span, known[0].chain)


def loop_count(seen: Observations, frame: Frame, loop: Loop) -> Value | None:
    """How often a loop runs by the range it goes through, in epochs; None for a loop over something else.

    In ALL_EPOCHS where it counts the batches of so many epochs.
    """
    source = seen.evaluator.value(frame, loop.source)
    if loop.kind == "while":
        return _while(seen, frame, loop)[1]
    span = frame.span(loop.source)
    made = _range(seen, source)
    if made is None:
        return None
    arguments = seen.evaluator.binder.arguments(made)
    first, second = arguments.get("start"), arguments.get("stop")
    start, stop = (None, first) if second is None else (first, second)
    if stop is None:
        return None
    end = arguments.terms.get("start" if second is None else "stop")
    value = stop if start is None else _from_start(seen, arguments, stop.default(), start)
    value = value.default()
    if not value.is_number:
        epochs = None if end is None else epochs_in(seen, *end)
        if epochs is not None:
            return epochs
        return unknown_value(value.name or "the loop's range is not known", span)
    where = next((origin.span for origin in stop.default().origins if origin.span is not None), span)
    state = State.DERIVED if value.derived else State.EXPLICIT
    return Value(value.value, state, "epochs", where)


def _from_start(seen: Observations, arguments: Arguments, stop: Resolved, start: Resolved) -> Resolved:
    """How far it is to the end of a range from where a fresh run starts."""
    begin = first_round(seen, *arguments.terms["start"]) if "start" in arguments.terms else fresh(start)
    return seen.evaluator.operators.arithmetic("-", stop, begin, Origin(None, ""))


def _while(seen: Observations, frame: Frame, loop: Loop) -> tuple[str, Value | None]:
    """The counter's name and the number of rounds of a `while` loop."""
    found = while_count(seen, frame, loop)
    if found is None:
        named = "epoch" in " ".join(seen.texts(frame, loop.source))
        return "epoch" if named else "", unknown_value("a while loop") if named else None
    name, rounds, bound = found
    span = frame.span(bound)
    if not rounds.is_number:
        return name, unknown_value(rounds.name or f"the bound of {name} is not known", span)
    return name, Value(rounds.value, State.DERIVED if rounds.derived else State.EXPLICIT, "epochs", span)


def _range(seen: Observations, value: Resolved, depth: int = 0) -> Resolved | None:
    if value.kind == "part" and value.name == "comprehension" and value.frame is not None and depth <= 4:
        filtered = value.frame.term(value.term).value is True
        return None if filtered else _range(seen, value.items[1], depth + 1)
    if value.kind != "object" or value.frame is None or depth > 4:
        return None
    if value.name in _RANGES:
        return value
    for argument in value.frame.term(value.term).args[1:2]:
        return _range(seen, seen.evaluator.value(value.frame, argument), depth + 1)
    return None


def _from_trainer(seen: Observations, call: Call) -> dict[str, Value] | None:
    receiver = seen.evaluator.receiver(call.frame.facts, call.event)
    for made in receiver.alternatives():
        entry = seen.evaluator.entry(made.name) if made.kind == "object" else None
        if entry is not None and entry.kind == "trainer":
            parameter = entry.fields.get("epochs")
            if parameter is None:
                method = seen.evaluator.knowledge.method(call.name, framework=entry.framework)
                if method is not None and "epochs" in method.fields:
                    return _from_method(seen, call, method)
                return {"train.epochs": unknown_value("the trainer's length is not known", call.span)}
            given = seen.evaluator.binder.arguments(made).get(parameter)
            return {"train.epochs": leaf(given, call, default=entry.default("epochs"), unit="epochs")}
    method = seen.evaluator.knowledge.method(call.name, receiver="keras-model")
    return None if method is None else _from_method(seen, call, method)


def _from_method(seen: Observations, call: Call, method: Entry) -> dict[str, Value]:
    params = [Parameter(param.name, param.kind, param.has_default) for param in method.params]
    given = seen.evaluator.binder.bind(call.frame, call.term, params).get("epochs")
    return {"train.epochs": leaf(given, call, default=method.default("epochs"), unit="epochs")}
