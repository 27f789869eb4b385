"""Whether the parameters that an optimizer updates are float16 themselves, with no float32 copy of them."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations, overlap
from trainlint.recipe.code.optimization.networks import Networks
from trainlint.recipe.model import Link, Value

HALF = "float16"

_HALVES = frozenset({"torch.float16", "torch.half"})
_TO_HALF = ("half",)
_CASTS = ("to", "type")
_BACK = frozenset({"float", "double", "bfloat16"})
_LOADERS = ("from_pretrained", "from_config")
_LOADED_IN = ("torch_dtype", "dtype")
_TRAINERS = frozenset({"Trainer", "Fabric"})
_COPIES = frozenset(
    "initialize FP16_Optimizer FP16Optimizer prepare_model_for_kbit_training prepare_model_for_int8_training "
    "get_peft_model master_params prep_param_lists network_to_half convert_network DeepSpeedEngine".split()
)
"""What keeps a float32 copy of half weights, or trains others: nothing is known of what is updated then."""


def add_precision(seen: Observations, calls: list[Call], elements: list[dict[str, Value]]) -> None:
    """Add `optimizer.eps` and `optimizer.precision` to every optimizer that computes in its weights'
    precision; `elements` go in step with `calls`."""
    for call, element in zip(calls, elements, strict=True):
        if call.entry is None or "eps" not in call.entry.fields or not call.name.startswith("torch.optim."):
            continue
        element["optimizer.precision"] = _precision(seen, call)


def _precision(seen: Observations, call: Call) -> Value:
    link = _made_half(seen, call)
    if link is None:
        return absent(call.span)
    copied = next((each for each in seen.calls if each.name.rpartition(".")[2] in _COPIES), None)
    if copied is not None:
        return unknown_value(f"{copied.name.rpartition('.')[2]} may keep a float32 copy", copied.span)
    if _is_given(seen, call, "fused"):
        return unknown_value("a fused step computes in float32", call.span)
    return derived(HALF, link.span, (link,))


def _is_given(seen: Observations, call: Call, name: str) -> bool:
    given = seen.arguments(call).get(name)
    return given is not None and not (given.kind == "const" and not given.value)


def _made_half(seen: Observations, optimizer: Call) -> Link | None:
    """What makes the weights float16: the default of all tensors, a trainer, or a cast of each model."""
    everywhere = _by_default(seen) or _by_trainer(seen)
    if everywhere is not None:
        return everywhere
    models = list(Networks(seen).trained(optimizer))
    links = [_of_model(seen, optimizer, model) for model in models]
    return links[0] if links and all(links) else None


def _by_default(seen: Observations) -> Link | None:
    for call in seen.calls:
        if call.name == "torch.set_default_dtype" and seen.runs(call) is True and _names_half(seen, call):
            return _link(call.span, "all tensors are float16 from here on")
    return None


def _by_trainer(seen: Observations) -> Link | None:
    """Lightning's `precision="16-true"`, which casts the module itself."""
    for call in seen.calls:
        if call.name.rpartition(".")[2] not in _TRAINERS or "lightning" not in call.name:
            continue
        given = seen.arguments(call).get("precision") if call.entry is not None else None
        if given is not None and given.default().value == "16-true":
            return _link(call.span, "the trainer makes the weights float16")
    return None


def _of_model(seen: Observations, optimizer: Call, model: Resolved) -> Link | None:
    """The last cast of a model before its optimizer is made, if it is one to float16 that always runs."""
    last: Link | None = None
    if model.kind == "object" and model.name.rpartition(".")[2] in _LOADERS:
        last = _loaded_half(seen, model)
    for call in _casts(seen, model):
        if not _comes_before(call, optimizer, model):
            continue
        if seen.runs(call) is not True:
            return None
        if call.name in _TO_HALF or (call.name in _CASTS and _names_half(seen, call)):
            last = _link(call.span, "the weights become float16")
        elif call.name in _BACK or (call.name in _CASTS and _may_cast(seen, call)):
            last = None
    return last


def _casts(seen: Observations, model: Resolved) -> Iterator[Call]:
    found = seen.methods(*_TO_HALF, *_CASTS, *sorted(_BACK))
    for call in sorted(found, key=lambda each: (each.place, each.term)):
        receiver = seen.evaluator.receiver(call.frame.facts, call.event)
        if any(
            leaf.identity and overlap(leaf.identity, model.identity) and leaf.kind == model.kind
            for leaf in receiver.alternatives()
        ):
            yield call


def _comes_before(call: Call, optimizer: Call, model: Resolved) -> bool:
    """Whether a cast certainly happens before the optimizer is made: above it, or where the model is made."""
    if call.place == optimizer.place:
        return call.term < optimizer.term
    made = model.site
    return made is not None and call.place == (made.path, made.qualname)


def _loaded_half(seen: Observations, model: Resolved) -> Link | None:
    call = next((each for each in seen.calls if each.site == model.site), None)
    if call is None:
        return None
    term = call.frame.term(call.term)
    for key, argument in zip(term.keys, term.args[1:], strict=True):
        if key in _LOADED_IN and _is_half(seen.evaluator.value(call.frame, argument)):
            return _link(call.span, "loaded as float16")
    return None


def _names_half(seen: Observations, call: Call) -> bool:
    return any(_is_half(value) for value in _given(seen, call))


def _may_cast(seen: Observations, call: Call) -> bool:
    """Whether a `.to(…)` may name a precision: it is given more than devices."""
    return any(
        value.kind not in ("const", "object") and "device" not in value.name for value in _given(seen, call)
    )


def _given(seen: Observations, call: Call) -> list[Resolved]:
    arguments = call.frame.term(call.term).args[1:]
    return [seen.evaluator.value(call.frame, argument) for argument in arguments]


def _is_half(value: Resolved) -> bool:
    known = value.default()
    return known.name in _HALVES or (known.kind == "const" and known.value in ("float16", "fp16"))


def _link(span: Span | None, label: str) -> Link | None:
    return None if span is None else Link(span, label)
