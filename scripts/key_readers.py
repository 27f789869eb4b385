"""What each package's sources say of the keys of its configs: names, types, and new names of old keys."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from release_sources import ANY, Classes, Release, Types, last_name, texts_in

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_HOLDERS = frozenset({"cfg", "_cfg"})
_OF_MAPPINGS = frozenset({*dir({}), "setter"})
_VALIDATORS = frozenset({"model_validator", "root_validator", "validator"})
_RAW = frozenset({"data", "values"})
_ADVICE = re.compile(
    r"\buse\s+(?:of\s+)?[`'\"]?-{0,2}(\w+)[`'\"]?|\bin favor of\s+`?(\w+)|"
    r"\balias of\s+`?(\w+)|the use of `?-{0,2}(\w+)`? is preferred",
    re.IGNORECASE,
)
_NAMED_ADVICE = re.compile(
    r"[`'\"]?-{0,2}(\w+)[`'\"]? (?:argument |parameter )?is deprecated\b(.*)", re.IGNORECASE | re.DOTALL
)


@dataclasses.dataclass
class Read:
    """What a release says: key → types, old key → the key that took its place.

    `inner` are keys that its code asks for and no schema of it has.
    """

    keys: dict[str, Types]
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    inner: frozenset[str] = frozenset()


def axolotl_keys(release: Release) -> Read:
    """Fields of the input config and of the plugins' arguments, and what is looked for by name besides."""
    classes = Classes(release)
    plugins = [
        name
        for path, names in classes.modules.items()
        if path.startswith("axolotl/integrations/") and path.endswith("args.py")
        for name in names
    ]
    nodes = [node for name in (*plugins, "AxolotlInputConfig") for node in classes.with_bases(name)]
    spoken = {*_read_by_name(release), *(key for node in nodes for key in _validated(node))}
    read = _of_classes(classes, [*plugins, "AxolotlInputConfig"])
    inner = frozenset(spoken - read.keys.keys())
    return Read({**dict.fromkeys(inner, ANY), **read.keys}, read.renamed, inner)


def _read_by_name(release: Release) -> Iterator[str]:
    """Keys that modules look for in what the file became: `cfg.x`, `cfg.get("x")`, `"x" in cfg`."""
    for path, tree in release.trees:
        if "DictDefault" in release.texts[path]:
            yield from filter(_KEY.fullmatch, _lookups(tree, _HOLDERS))


def _lookups(tree: ast.AST, holders: frozenset[str]) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and last_name(node.value) in holders:
            if id(node) not in called and node.attr not in _OF_MAPPINGS:
                yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks = node.func.attr in ("get", "pop", "setdefault")
            if asks and last_name(node.func.value) in holders and node.args:
                yield from _text(node.args[0])
        elif isinstance(node, ast.Subscript) and last_name(node.value) in holders:
            yield from _text(node.slice)
        elif isinstance(node, ast.Compare) and last_name(node.comparators[0]) in holders:
            yield from _text(node.left) if isinstance(node.ops[0], ast.In | ast.NotIn) else ()


def _validated(node: ast.ClassDef) -> Iterator[str]:
    """Keys that the validators of a class look for in what was written."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and _VALIDATORS.intersection(
            map(_decorator, each.decorator_list)
        ):
            yield from filter(_KEY.fullmatch, _lookups(each, _RAW))


def _decorator(node: ast.expr) -> str:
    return last_name(node.func) if isinstance(node, ast.Call) else last_name(node)


def _text(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def llamafactory_keys(release: Release) -> Read:
    """Fields of its own argument classes."""
    classes = Classes(release)
    own = [name for path, names in classes.modules.items() if "/hparams/" in path for name in names]
    return _of_classes(classes, own)


def transformers_keys(release: Release) -> Read:
    """Fields of TrainingArguments and its kin."""
    return _of_classes(Classes(release), ["TrainingArguments", "Seq2SeqTrainingArguments"])


def trl_keys(release: Release) -> Read:
    """Fields of the settings of its trainers and scripts."""
    classes = Classes(release)
    names = [name for found in classes.modules.values() for name in found]
    return _of_classes(classes, [name for name in names if name.endswith(("Config", "Arguments"))])


def _of_classes(classes: Classes, names: Iterable[str]) -> Read:
    nodes = {id(node): node for name in names for node in classes.with_bases(name)}
    found = {key: types for name in names for key, types in classes.fields(name).items()}
    return Read(found, _advised(nodes.values(), found))


def _advised(nodes: Iterable[ast.ClassDef], keys: Iterable[str]) -> dict[str, str]:
    """Old key → new key, where the sources say of a field that another one is to be used."""
    known = set(keys)
    found: dict[str, str] = {}
    for node in nodes:
        for statement in ast.walk(node):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Call):
                old = last_name(statement.target) if isinstance(statement.target, ast.Name) else ""
                for text in _deprecations(statement.value):
                    found.setdefault(old, _advice(text, known - {old}))
            elif isinstance(statement, ast.Constant) and isinstance(statement.value, str):
                match = _NAMED_ADVICE.search(statement.value)
                if match and match[1] in known:
                    found.setdefault(match[1], _advice(match[2], known - {match[1]}))
    return {old: new for old, new in found.items() if new and old in known}


def _deprecations(call: ast.Call) -> Iterator[str]:
    """What a field's definition says of its being deprecated; of `new_param`, as a sentence."""
    for keyword in call.keywords:
        if keyword.arg == "new_param":
            yield from (f"use {text}" for text in texts_in(keyword.value))
        elif keyword.arg == "deprecated":
            yield from texts_in(keyword.value)
        else:
            yield from (text for text in texts_in(keyword.value) if "deprecated" in text.lower())


def _advice(text: str, known: set[str]) -> str:
    """The key that a text names first as the one to use, "" where that is none."""
    match = _ADVICE.search(text)
    name = next(filter(None, match.groups())) if match else ""
    return name if name in known else ""


_TOLERANT = ("deprecat", "align", "get_cfg")
"""Parts of the names of functions that name keys which are no fields and still pass."""

_KINDS = {
    "CFG_FLOAT_KEYS": "number",
    "CFG_FRACTION_KEYS": "number",
    "CFG_INT_KEYS": "integer",
    "CFG_BOOL_KEYS": "boolean",
}


def ultralytics_keys(release: Release) -> Read:
    """Keys of the default config, with the types that the checks name, and the old names that pass."""
    found: dict[str, Types] = {}
    for path, text in release.texts.items():
        if path.endswith("cfg/default.yaml"):
            found.update({match[1]: ANY for match in re.finditer(r"^([a-z][a-z0-9_]*):", text, re.MULTILINE)})
    renamed: dict[str, str] = {}
    for path, tree in release.trees:
        if not path.endswith("cfg/__init__.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and last_name(node.targets[0]) in _KINDS:
                kind = _KINDS[last_name(node.targets[0])]
                found.update({key: frozenset({kind, "null"}) for key in texts_in(node.value) if key in found})
            elif isinstance(node, ast.FunctionDef) and any(part in node.name for part in _TOLERANT):
                tolerated = {*_lookups(node, frozenset({"custom", "overrides", "cfg"})), *_listed(node)}
                for key in filter(_KEY.fullmatch, tolerated):
                    found.setdefault(key, ANY)
                renamed.update(_replaced(node))
    return Read(found, {old: new for old, new in renamed.items() if old in found and new in found})


def _listed(function: ast.FunctionDef) -> Iterator[str]:
    """Names in sets and mappings that a function gives a name to."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Set):
                yield from texts_in(node.value)
            elif isinstance(node.value, ast.Dict):
                yield from (text for key in node.value.keys if key is not None for text in _text(key))


def _replaced(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Old and new names: `custom["new"] = custom.pop("old")`, `{"old": ("new", …)}`."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            for new in _text(target.slice):
                yield from ((old, new) for old in _lookups(node.value, frozenset({"custom"})) if old != new)
        elif isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if key is not None and isinstance(value, ast.Tuple):
                    yield from ((old, new) for old in _text(key) for new in _text(value.elts[0]))


_SWALLOWS = "**"

_ZERO = {
    "zero_optimization": "DeepSpeedZeroConfig",
    "zero_optimization.offload_param": "DeepSpeedZeroOffloadParamConfig",
    "zero_optimization.offload_optimizer": "DeepSpeedZeroOffloadOptimizerConfig",
}
"""Sections of a DeepSpeed config whose classes refuse what is no field of them."""


def deepspeed_keys(release: Release) -> Read:
    """What the engine looks for, and the fields of the sections that refuse others."""
    classes = Classes(release)
    constants = {name: text for _, tree in release.trees for name, text in _constants(tree)}
    names = {key for _, tree in release.trees for key in _asked(tree, constants)}
    names.update(classes.fields("DeepSpeedMonitorConfig"))
    found: dict[str, Types] = {name: ANY for name in sorted(names) if _KEY.fullmatch(name)}
    found[_SWALLOWS] = ANY
    renamed: dict[str, str] = {}
    for section, name in _ZERO.items():
        read = _of_classes(classes, [name])
        found.update({f"{section}.{key}": types for key, types in read.keys.items()})
        renamed.update({f"{section}.{old}": new for old, new in read.renamed.items()})
    return Read(found, renamed)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names in capitals and their texts: `TRAIN_BATCH_SIZE = "train_batch_size"`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and last_name(node.targets[0]).isupper():
            yield from ((last_name(node.targets[0]), text) for text in _text(node.value))


def _asked(tree: ast.Module, constants: Mapping[str, str]) -> Iterator[str]:
    """Keys that are looked for in the config, which is called param_dict: by a text, or a constant's name."""
    holder = frozenset({"param_dict"})
    yield from _lookups(tree, holder)
    for node in ast.walk(tree):
        asked: ast.expr | None = None
        if isinstance(node, ast.Subscript) and last_name(node.value) in holder:
            asked = node.slice
        elif isinstance(node, ast.Compare) and _stands_for(node.comparators[0]) in holder:
            asked = node.left
        elif isinstance(node, ast.Call) and len(node.args) > 1 and last_name(node.args[0]) in holder:
            asked = node.args[1]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
            asked = node.args[0] if last_name(node.func.value) in holder else None
        elif (
            isinstance(node, ast.FunctionDef) and len(node.args.args) > 1 and node.args.args[0].arg in holder
        ):
            asked = node.args.defaults[0] if node.args.defaults else None
        if asked is not None and last_name(asked) in constants:
            yield constants[last_name(asked)]


def _stands_for(node: ast.expr) -> str:
    """The name of a mapping, or of the one whose keys a call gives (`param_dict.keys()`)."""
    inner = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else node
    return last_name(inner)


def paddleclas_keys(release: Release) -> Read:
    """`Optimizer.<name>.<key>`: parameters of each optimizer, and what building takes out before.

    `**` stands where an optimizer swallows what it does not know.
    """
    common = ("name", "lr", "regularizer", "clip_norm", "scope", "weight_decay")
    found: dict[str, Types] = {}
    for path, tree in release.trees:
        if not path.endswith("ppcls/optimizer/optimizer.py"):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                        names = [argument.arg for argument in (*each.args.args, *each.args.kwonlyargs)]
                        wanted = {key for key in (*names, *common) if key != "self"}
                        if each.args.kwarg is not None:
                            wanted.add(_SWALLOWS)
                        found.update({f"Optimizer.{node.name}.{key}": ANY for key in wanted})
    return Read(found)


READERS: dict[str, Callable[[Release], Read]] = {
    "axolotl": axolotl_keys,
    "deepspeed": deepspeed_keys,
    "llamafactory": llamafactory_keys,
    "paddleclas": paddleclas_keys,
    "transformers": transformers_keys,
    "trl": trl_keys,
    "ultralytics": ultralytics_keys,
}
"""Package → how its sources are read. The table has the package's name."""

FILES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(READERS, (".py", "default.yaml")),
    "transformers": ("training_args.py", "training_args_seq2seq.py"),
    "paddleclas": ("optimizer/optimizer.py",),
    "deepspeed": ("config.py", "constants.py", "config_utils.py", "offload_config.py"),
}
"""The endings of the files that matter."""
