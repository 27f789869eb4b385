"""Where a framework is installed, the calls in its fact files are held to its real signatures."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import msgspec
import pytest

from trainlint.knowledge.base import Entry, Param, load_knowledge
from trainlint.knowledge.sources import read_source, source_paths

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional-only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "normal",
    inspect.Parameter.VAR_POSITIONAL: "star",
    inspect.Parameter.KEYWORD_ONLY: "keyword-only",
    inspect.Parameter.VAR_KEYWORD: "double-star",
}
_WITHOUT_SIGNATURE = {
    "torch.nn.LSTM": "takes *args and passes them to RNNBase",
    "torch.nn.GRU": "takes *args and passes them to RNNBase",
    "torch.nn.RNN": "takes *args and passes them to RNNBase",
    "torch.utils.data.Sampler": "its data source was dropped",
    "torch.set_deterministic": "gone",
    "torchvision.models.get_model": "hands its keywords on",
    "torch.no_grad": "a decorator of two forms",
    "torch.enable_grad": "a decorator of two forms",
}
_INSTALLED = {"torch": "2.13", "torchvision": "0.29", "sklearn": "1.9"}


def _names(framework: str) -> list[str]:
    sources = [read_source(path) for path in source_paths()]
    names: list[str] = []
    for source in sources:
        if source.framework == framework:
            names += source.names
            names += [f"{group.under}.{name}" for group in source.groups for name in group.names]
    return [name for name in names if name.partition(".")[0] == framework and not name.endswith(".*")]


def _resolve(name: str) -> object:
    parts = name.split(".")
    found: object = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], 2):
        if isinstance(found, ModuleType) and not hasattr(found, part):
            importlib.import_module(".".join(parts[:depth]))
        found = getattr(found, part)
    return found


def _real(target: object) -> list[Param]:
    params = []
    for param in inspect.signature(target).parameters.values():  # type: ignore[arg-type]
        if param.name == "self":
            continue
        default: object = msgspec.UNSET
        if isinstance(param.default, (bool, int, float, str, type(None))) and param.default == param.default:
            default = param.default
        has_default = param.default is not inspect.Parameter.empty
        params.append(Param(param.name, _KINDS[param.kind], has_default, default))  # type: ignore[arg-type]
    return params


def _differences(entry: Entry, real: list[Param]) -> list[str]:
    written = [(param.name, param.kind, param.has_default) for param in entry.params]
    found = [(param.name, param.kind, param.has_default) for param in real]
    if written != found:
        return [f"{entry.name}: written {written}, real {found}"]
    return [
        f"{entry.name}({ours.name}): written {ours.default!r}, real {theirs.default!r}"
        for ours, theirs in zip(entry.params, real, strict=True)
        if theirs.default is not msgspec.UNSET
        and ours.default is not msgspec.UNSET
        and ours.default != theirs.default
    ]


@pytest.mark.parametrize("framework", sorted(_INSTALLED))
def test_calls_agree_with_the_installed_framework(framework: str) -> None:
    module = pytest.importorskip(framework)
    if not module.__version__.startswith(_INSTALLED[framework]):
        pytest.skip(f"checked against {framework} {_INSTALLED[framework]}, installed is {module.__version__}")
    knowledge = load_knowledge()
    differences: list[str] = []
    compared = 0
    for name in _names(framework):
        entry = knowledge.lookup(name)
        assert entry is not None
        if not entry.params or name in _WITHOUT_SIGNATURE:
            continue
        try:
            real = _real(_resolve(name))
        except ValueError:
            continue
        compared += 1
        differences += _differences(entry, real)
    assert not differences, "\n".join(differences)
    assert compared
