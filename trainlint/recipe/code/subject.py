"""What a program trains on what: the model's published name, and the scale of the training data."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations, first_span
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.model import Value
from trainlint.recipe.reference import scale_of

_MAX_STEPS = 12
_MAX_JOINS = 4
_PATHS = ("os.path.", "pathlib.", "builtins.str")
_FULL_CLASSES = 1000
_FOLDERS = ("torchvision.datasets.ImageFolder", "torchvision.datasets.DatasetFolder")


def subject(
    seen: Observations, optimizers: Optimizers, loaders: Loaders, roles: list[Value]
) -> dict[str, Value]:
    """`model.name`, `loader.dataset` and `data.scale`, each present only as far as the code tells.

    `roles` are the roles of the program's loaders, in their order.
    """
    model = _model(seen, optimizers)
    facts = {"model.name": _model_name(seen, model, first_span(optimizers.calls))}
    training = [
        use.argument("dataset")
        for use, role in zip(loaders.uses, roles, strict=True)
        if role.value == "train"
    ]
    sets = [made for dataset in training if dataset is not None for made in made_data_sets(seen, dataset)]
    if sets:
        facts.update(_data(seen, sets, model))
    return facts


def _model(seen: Observations, optimizers: Optimizers) -> Resolved | None:
    """The object whose parameters the only optimizer holds."""
    if len(optimizers.calls) != 1:
        return None
    value = seen.argument(optimizers.calls[0], "params")
    for _ in range(_MAX_STEPS):
        if value is None or value.kind not in ("object", "part"):
            return value
        entry = seen.evaluator.entry(value.name)
        if value.items:
            value = value.items[0]
        elif entry is not None and entry.kind == "model-wrapper":
            value = seen.evaluator.binder.arguments(value).get(entry.fields.get("model", ""))
        else:
            return value
    return None


def _model_name(seen: Observations, model: Resolved | None, at: Span | None) -> Value:
    if model is None:
        return unknown_value("what the optimizer holds was not found", at)
    span = model.frame.span(model.term) if model.frame is not None else None
    entry = seen.evaluator.entry(model.name) if model.kind == "object" else None
    if entry is not None and entry.kind == "model-factory":
        parameter = entry.fields.get("name")
        if parameter is None:
            return derived(model.name.rpartition(".")[2], span)
        given = seen.evaluator.binder.arguments(model).get(parameter)
        named = None if given is None else given.default()
        if named is not None and named.kind == "const" and isinstance(named.value, str):
            return derived(named.value, span)
    if entry is None and model.kind != "instance":
        name = _looked_up(seen)
        if name is not None:
            return name
    return unknown_value("the model is not one of a library" if model.kind != "unknown" else model.name, span)


def _looked_up(seen: Observations) -> Value | None:
    """The name in `models.__dict__[args.arch]()`, where the program makes one model that way."""
    found = list(_named_by_key(seen))
    return found[0] if len({value.value for value in found}) == 1 else None


def _named_by_key(seen: Observations) -> Iterator[Value]:
    for call in seen.calls:
        callee = call.frame.term(call.frame.term(call.term).args[0])
        if callee.op != "item" or seen.happens(call.frame, call.event.conditions) is False:
            continue
        base = call.frame.term(callee.args[0])
        key = seen.evaluator.value(call.frame, callee.args[1]).default()
        if (
            base.name.rpartition(".")[2] != "__dict__"
            or key.kind != "const"
            or not isinstance(key.value, str)
        ):
            continue
        if (
            any("models" in words_of(text) for text in seen.texts(call.frame, callee.args[0]))
            or ".models" in base.name
        ):
            yield derived(key.value, call.span)


def made_data_sets(seen: Observations, dataset: Resolved) -> Iterator[Resolved]:
    """The data sets behind wrappers, splits and branches."""
    waiting = list(dataset.default().alternatives())
    for _ in range(_MAX_STEPS):
        if not waiting:
            return
        value = waiting.pop(0)
        entry = seen.evaluator.entry(value.name) if value.kind == "object" else None
        inner = None
        if value.kind == "part" or (entry is None and value.items):
            inner = value.items[0]
        elif entry is not None and entry.kind in ("dataset-wrapper", "split"):
            inner = seen.evaluator.binder.arguments(value).get(entry.fields.get("dataset", ""))
        if inner is not None:
            waiting += inner.default().alternatives()
        else:
            yield value


def _data(seen: Observations, sets: list[Resolved], model: Resolved | None) -> dict[str, Value]:
    first = sets[0]
    span = first.frame.span(first.term) if first.frame is not None else None
    scales = {_scale(seen, each, model) for each in sets}
    found: dict[str, Value] = {}
    if first.kind in ("object", "instance"):
        found["loader.dataset"] = derived(first.name.rpartition("::")[2].rpartition(".")[2], span)
    if len(scales) == 1 and "" not in scales:
        found["data.scale"] = derived(scales.pop(), span)
    else:
        found["data.scale"] = unknown_value("neither the data's name nor its path tells its scale", span)
    return found


def _scale(seen: Observations, dataset: Resolved, model: Resolved | None) -> str:
    """imagenet or small, by the knowledge of the data set, its class's name or its paths; "" for neither."""
    entry = seen.evaluator.entry(dataset.name) if dataset.kind == "object" else None
    if entry is not None and isinstance(entry.extra.get("scale"), str):
        return str(entry.extra["scale"])
    if dataset.kind not in ("object", "instance"):
        return ""
    texts = [dataset.name.rpartition("::")[2].rpartition(".")[2], *_strings(seen, dataset, _MAX_JOINS)]
    scale = scale_of(" ".join(texts))
    if not scale and dataset.name in _FOLDERS and _classes(seen, model) == _FULL_CLASSES:
        return "imagenet"
    return scale


def _strings(seen: Observations, made: Resolved, depth: int) -> Iterator[str]:
    """Text among the arguments of the call that made an object, through calls that join paths."""
    if made.frame is None or depth <= 0:
        return
    for argument in made.frame.term(made.term).args[1:]:
        value = seen.evaluator.value(made.frame, argument).default()
        if value.kind == "const" and isinstance(value.value, str):
            yield value.value
        elif value.kind == "object" and value.name.startswith(_PATHS):
            yield from _strings(seen, value, depth - 1)


def _classes(seen: Observations, model: Resolved | None) -> object:
    """How many classes the model is told to tell apart; None where it is not told."""
    if model is None or model.kind != "object":
        return None
    given = seen.evaluator.binder.arguments(model).get("num_classes")
    return None if given is None else given.default().value
