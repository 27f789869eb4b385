"""Which keys a closed config schema knows: python scripts/key_tables.py FOLDER…

Writes `trainlint/knowledge/keys/<format>.json` from the releases found in the folders: wheels, source
archives or unpacked trees called `name-version`. Their sources are parsed, nothing of them is imported.
For every key the table says which types its field takes, and which of the releases do not know it.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

TARGET = Path(__file__).parent.parent / "trainlint" / "knowledge" / "keys"

_ARCHIVE = re.compile(r"(?P<name>[A-Za-z0-9_.]+?)-(?P<version>\d+(?:\.\d+)+)(?:-.*\.whl|\.tar\.gz|)$")
_SIMPLE = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "None": "null"}
_CONTAINERS = {
    "list": "array",
    "List": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
    "Dict": "object",
}
_TRANSPARENT = frozenset({"Optional", "Union", "Annotated"})

Types = frozenset[str]
ANY: Types = frozenset()
"""No types: the field takes anything, or more than can be told from its annotation."""


@dataclasses.dataclass
class Release:
    """One release of a package: the texts of its Python files by their path in the package."""

    name: str
    version: str
    texts: dict[str, str]

    def trees(self) -> Iterator[tuple[str, ast.Module]]:
        """The parsed modules; those that do not parse are left out."""
        for path, text in sorted(self.texts.items()):
            if path.endswith(".py"):
                try:
                    yield path, ast.parse(text)
                except SyntaxError:
                    continue


def releases(folders: list[Path]) -> Iterator[Release]:
    """The releases below some folders."""
    for folder in folders:
        for path in sorted(folder.iterdir()):
            match = _ARCHIVE.fullmatch(path.name)
            if match and match["name"] in PACKAGES:
                yield Release(match["name"], match["version"], dict(_texts(path, match["name"])))


_FILES = {
    "transformers": ("training_args.py", "training_args_seq2seq.py"),
    "paddleclas": ("optimizer/optimizer.py",),
}
"""The endings of the files that matter, where they are few of many."""


def _texts(path: Path, name: str) -> Iterator[tuple[str, str]]:
    wanted = _FILES.get(name, (".py", "default.yaml"))
    if path.is_dir():
        for file in path.rglob("*"):
            if file.as_posix().endswith(wanted):
                yield file.relative_to(path).as_posix(), file.read_text(encoding="utf-8", errors="replace")
    elif path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith(wanted):
                    yield entry, archive.read(entry).decode("utf-8", "replace")
    else:
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                stream = archive.extractfile(member) if member.name.endswith(wanted) else None
                inside = member.name.partition("/")[2].removeprefix("src/")
                if stream is not None and inside.startswith(f"{name}/"):
                    yield inside, stream.read().decode("utf-8", "replace")


class Classes:
    """The classes of a release by name, for the fields they have with those of their bases."""

    def __init__(self, release: Release) -> None:
        self._found: dict[str, ast.ClassDef] = {}
        self.modules: dict[str, list[str]] = {}
        for path, tree in release.trees():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._found.setdefault(node.name, node)
                    self.modules.setdefault(path, []).append(node.name)

    def fields(self, name: str, seen: frozenset[str] = frozenset()) -> dict[str, Types]:
        """Field → its types, the class's own before those of its bases."""
        node = self._found.get(name)
        if node is None or name in seen:
            return {}
        found: dict[str, Types] = {}
        for base in reversed(node.bases):
            found.update(self.fields(_last_name(base), seen | {name}))
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                types = types_of(statement.annotation)
                found[statement.target.id] = types
                for alias in _aliases(statement.value):
                    found[alias] = types
        return {key: types for key, types in found.items() if not key.startswith("_")}


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _aliases(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg in ("alias", "validation_alias"):
                yield from (
                    each.value
                    for each in ast.walk(keyword.value)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def types_of(node: ast.expr | None) -> Types:
    """The JSON types an annotation allows; ANY where that cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return types_of(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return ANY
    if isinstance(node, ast.Constant) and node.value is None:
        return frozenset({"null"})
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([node.left, node.right])
    if isinstance(node, ast.Name):
        kind = _SIMPLE.get(node.id) or _CONTAINERS.get(node.id)
        return frozenset({kind}) if kind else ANY
    if isinstance(node, ast.Subscript):
        outer = _last_name(node.value)
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "Optional":
            inner = types_of(inside[0])
            return inner | {"null"} if inner else ANY
        if outer == "Union":
            return _either(inside)
        if outer == "Annotated":
            return types_of(inside[0])
        if outer in _CONTAINERS:
            return frozenset({_CONTAINERS[outer]})
    return ANY


def _either(nodes: list[ast.expr]) -> Types:
    kinds = [types_of(node) for node in nodes]
    return frozenset().union(*kinds) if all(kinds) else ANY


def read_keys(release: Release, holders: frozenset[str]) -> dict[str, Types]:
    """Keys that code looks for by name in what a config became: `cfg.x`, `cfg.get("x")`, `data["x"]`."""
    found: dict[str, Types] = {}
    for _, tree in release.trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _last_name(node.value) in holders:
                found[node.attr] = ANY
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if _last_name(node.func.value) in holders and node.args:
                    found.update(_text(node.args[0]))
            elif isinstance(node, ast.Subscript) and _last_name(node.value) in holders:
                found.update(_text(node.slice))
            elif isinstance(node, ast.Compare) and _last_name(node.comparators[0]) in holders:
                found.update(_text(node.left))
    return found


def _text(node: ast.expr) -> dict[str, Types]:
    return {node.value: ANY} if isinstance(node, ast.Constant) and isinstance(node.value, str) else {}


def axolotl_keys(release: Release) -> dict[str, Types]:
    """Fields of the input config and of the plugins' arguments, and what the code reads besides."""
    classes = Classes(release)
    found = read_keys(release, frozenset({"cfg", "data", "config", "_cfg"}))
    for path, names in classes.modules.items():
        if path.startswith("axolotl/integrations/") and path.endswith("args.py"):
            for name in names:
                found.update(classes.fields(name))
    found.update(classes.fields("AxolotlInputConfig"))
    return found


def llamafactory_keys(release: Release) -> dict[str, Types]:
    """Fields of its own argument classes."""
    classes = Classes(release)
    own = [name for path, names in classes.modules.items() if "/hparams/" in path for name in names]
    return {key: types for name in own for key, types in classes.fields(name).items()}


def transformers_keys(release: Release) -> dict[str, Types]:
    """Fields of TrainingArguments and its kin."""
    classes = Classes(release)
    return {**classes.fields("TrainingArguments"), **classes.fields("Seq2SeqTrainingArguments")}


_TOLERANT = ("deprecat", "align", "get_cfg")
"""Parts of the names of functions that name keys which are no fields and still pass."""


def trl_keys(release: Release) -> dict[str, Types]:
    """Fields of the settings of its trainers and scripts."""
    classes = Classes(release)
    names = [name for found in classes.modules.values() for name in found]
    own = [name for name in names if name.endswith(("Config", "Arguments"))]
    return {key: types for name in own for key, types in classes.fields(name).items()}


def ultralytics_keys(release: Release) -> dict[str, Types]:
    """Keys of the default config, with the types that the checks name, and the names that were dropped."""
    found: dict[str, Types] = {}
    for path, text in release.texts.items():
        if path.endswith("cfg/default.yaml"):
            found.update({match[1]: ANY for match in re.finditer(r"^([a-z][a-z0-9_]*):", text, re.MULTILINE)})
    kinds = {
        "CFG_FLOAT_KEYS": "number",
        "CFG_FRACTION_KEYS": "number",
        "CFG_INT_KEYS": "integer",
        "CFG_BOOL_KEYS": "boolean",
    }
    for path, tree in release.trees():
        if not path.endswith("cfg/__init__.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and _last_name(node.targets[0]) in kinds:
                kind = kinds[_last_name(node.targets[0])]
                for each in ast.walk(node.value):
                    if isinstance(each, ast.Constant) and each.value in found:
                        found[str(each.value)] = frozenset({kind, "null"})
            elif isinstance(node, ast.FunctionDef) and any(part in node.name for part in _TOLERANT):
                for each in ast.walk(node):
                    if (
                        isinstance(each, ast.Constant)
                        and isinstance(each.value, str)
                        and each.value.isidentifier()
                    ):
                        found.setdefault(each.value, ANY)
    return found


def paddleclas_keys(release: Release) -> dict[str, Types]:
    """`Optimizer.<name>.<key>`: parameters of each optimizer, and what building takes out before.

    `**` stands where an optimizer swallows what it does not know.
    """
    common = ("name", "lr", "regularizer", "clip_norm", "scope", "weight_decay")
    found: dict[str, Types] = {}
    for path, tree in release.trees():
        if not path.endswith("ppcls/optimizer/optimizer.py"):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                        names = [argument.arg for argument in (*each.args.args, *each.args.kwonlyargs)]
                        wanted = {key for key in (*names, *common) if key != "self"}
                        if each.args.kwarg is not None:
                            wanted.add("**")
                        found.update({f"Optimizer.{node.name}.{key}": ANY for key in wanted})
    return found


PACKAGES: dict[str, tuple[str, Callable[[Release], dict[str, Types]]]] = {
    "axolotl": ("axolotl", axolotl_keys),
    "llamafactory": ("llamafactory", llamafactory_keys),
    "transformers": ("transformers", transformers_keys),
    "trl": ("trl", trl_keys),
    "ultralytics": ("ultralytics", ultralytics_keys),
    "paddleclas": ("paddleclas", paddleclas_keys),
}


def main(argv: list[str] | None = None) -> int:
    """Write a table for each package of which releases were found; 2 where there is none."""
    folders = [Path(each) for each in (argv if argv is not None else sys.argv[1:])]
    tables: dict[str, dict[str, dict[str, Types]]] = {}
    for release in releases(folders):
        format_, reader = PACKAGES[release.name]
        keys = reader(release)
        print(f"{release.name} {release.version}: {len(keys)} keys")
        if keys:
            tables.setdefault(format_, {})[release.version] = keys
    TARGET.mkdir(exist_ok=True)
    for format_, versions in tables.items():
        text = json.dumps(table(format_, versions), indent=1, ensure_ascii=False, sort_keys=False)
        (TARGET / f"{format_}.json").write_text(text + "\n", encoding="utf-8")
    return 0 if tables else 2


def table(format_: str, versions: dict[str, dict[str, Types]]) -> dict[str, object]:
    """The table of one format: the releases, oldest first, and every key with its types and the releases
    that do not know it."""
    ordered = sorted(versions, key=lambda version: [int(part) for part in version.split(".")])
    keys: dict[str, dict[str, list[str]]] = {}
    for key in sorted({key for version in ordered for key in versions[version]}):
        held = [versions[version][key] for version in ordered if key in versions[version]]
        entry: dict[str, list[str]] = {}
        if all(held):
            entry["types"] = sorted(frozenset().union(*held))
        absent = [version for version in ordered if key not in versions[version]]
        if absent:
            entry["absent"] = absent
        keys[key] = entry
    return {"format": format_, "versions": ordered, "keys": keys}


if __name__ == "__main__":
    sys.exit(main())
