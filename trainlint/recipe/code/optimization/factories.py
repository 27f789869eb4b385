"""Optimizers and schedules that a library's factory makes by name: `create_optimizer_v2(model, "sgd")`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations

_OF_FACTORY = frozenset({"params", "arguments", "lr", "weight_decay", "momentum"})
"""What a factory passes on to the optimizer, under the factory's own parameters."""


def made_optimizers(seen: Observations) -> Iterator[Call]:
    """The calls of factories whose optimizer is known, each as a call that makes that optimizer."""
    for call in seen.made("optimizer-factory"):
        described = _described(seen, call)
        if described is not None and call.entry is not None:
            yield Call(call.frame, call.event, call.name, _combined(call.entry, described), method=False)


def _described(seen: Observations, call: Call) -> Entry | None:
    """What is known of the optimizer a factory is asked for; None where its name or its kind is not known."""
    table = call.entry.extra.get("optimizers") if call.entry is not None else None
    name = asked_for(seen, call)
    if not isinstance(table, dict) or name is None:
        return None
    return seen.evaluator.entry(str(table.get(name.lower(), "")))


def _combined(factory: Entry, described: Entry) -> Entry:
    """The optimizer's facts under the factory's parameters; its own rate holds where none is given."""
    fields = {
        field: parameter
        for field, parameter in factory.fields.items()
        if field in _OF_FACTORY and (field in ("params", "arguments") or field in described.fields)
    }
    attributes = factory.extra.get("attributes")
    options = {
        field: name
        for field, name in (attributes.items() if isinstance(attributes, dict) else ())
        if field in _OF_FACTORY and field in described.fields
    }
    extra = {**described.extra, "attributes": options} if options else described.extra
    params = tuple(
        msgspec.structs.replace(param, default=described.default("lr"))
        if param.name == fields.get("lr") and param.default is None
        else param
        for param in factory.params
    )
    return msgspec.structs.replace(
        described, name=factory.name, params=params, fields=fields, renamed={}, extra=extra
    )


def asked_for(seen: Observations, call: Call) -> str | None:
    """The name a factory is given in a default run, else its default; None where it is not known."""
    if call.entry is None or not seen.complete(call):
        return None
    given = seen.argument(call, "name")
    value = call.entry.default("name") if given is None else given.default().value
    return value if isinstance(value, str) else None


def shape_of(seen: Observations, call: Call) -> str:
    """The shape of the schedule that a call makes, a factory by the name it is given; "" for unknown."""
    if call.entry is None or call.entry.shape:
        return call.entry.shape if call.entry is not None else ""
    shapes, name = call.entry.extra.get("shapes"), asked_for(seen, call)
    return str(shapes.get(name, "")) if isinstance(shapes, dict) and name is not None else ""


def unnamed(seen: Observations, call: Call) -> str:
    """Why the kind of what a factory makes is not known: the argument that names it."""
    simple = call.name.rpartition("::")[2].rpartition(".")[2]
    given = seen.argument(call, "name")
    if call.entry is None or "name" not in call.entry.fields:
        return f"{simple}(…) was not read"
    if given is None and not seen.complete(call):
        return f"{simple}(…) is named by a starred argument"
    shown = given.default() if given is not None else None
    if shown is not None and shown.kind == "const":
        return f"{simple}({shown.value!r}) is not described"
    what = "branches give different values" if shown is not None and shown.kind == "choice" else ""
    return (
        f"{simple}({call.entry.fields['name']}=…): {what or (shown.name if shown is not None else 'no name')}"
    )
