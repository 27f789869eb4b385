"""The framework facts: every file follows the schema, every name resolves, lookups answer as documented."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainlint.knowledge import store
from trainlint.knowledge.base import Entry, Knowledge, load_knowledge
from trainlint.knowledge.compiler import COMPILED_NAME, compile_knowledge, compile_sources
from trainlint.knowledge.signatures import parse_call
from trainlint.knowledge.sources import FRAMEWORKS, FrameworkFile, KnowledgeError, read_source, source_paths
from trainlint.knowledge.versions import is_before

SOURCES = source_paths()
SCHEMA = json.loads((FRAMEWORKS.parent / "framework.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge(compile_sources(SOURCES))


def written(tmp_path: Path, text: str, name: str = "x.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def every_name(source: FrameworkFile) -> list[str]:
    names = [*source.names, *(f"{group.under}.{name}" for group in source.groups for name in group.names)]
    return names + [name for row in source.numeric for name in row.functions]


# --- the files


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_file_follows_the_schema(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(content))
    assert not errors, [f"{list(error.absolute_path)}: {error.message[:120]}" for error in errors]


def test_schema_and_structs_know_the_same_keys() -> None:
    assert set(SCHEMA["properties"]) == set(FrameworkFile.__struct_fields__)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_file_is_named_after_its_framework(path: Path) -> None:
    framework = read_source(path).framework
    assert framework == "common" or path.name.split(".")[0] == framework


def test_names_belong_to_a_package_of_their_framework(knowledge: Knowledge) -> None:
    for path in SOURCES:
        source = read_source(path)
        for name in every_name(source):
            assert knowledge.framework(name) == source.framework, f"{path.name}: {name}"


def test_names_are_filed_under_their_canonical_spelling(knowledge: Knowledge) -> None:
    for path in SOURCES:
        for name in every_name(read_source(path)):
            assert knowledge.canonical(name) == name, f"{path.name}: an alias hides {name}"


def test_aliases_lead_to_names(knowledge: Knowledge) -> None:
    sources = [read_source(path) for path in SOURCES]
    known = [name for source in sources for name in every_name(source)]
    prefixes = {name.rsplit(".", depth)[0] for name in known for depth in range(name.count(".") + 1)} | set(
        known
    )
    for source in sources:
        for alias in source.aliases:
            target = knowledge.canonical(alias)
            assert target in prefixes, f"{source.framework}: {alias} → {target}"


def test_conventions_lead_to_known_packages(knowledge: Knowledge) -> None:
    assert knowledge.conventions["nn"] == "torch.nn"
    for name, target in knowledge.conventions.items():
        assert knowledge.framework(target) is not None, name


def test_every_field_names_a_parameter(knowledge: Knowledge) -> None:
    for path in SOURCES:
        for name in every_name(read_source(path)):
            entry = knowledge.lookup(name)
            assert entry is not None
            for field, parameter in entry.fields.items():
                assert entry.param(parameter) is not None, f"{name}: {field}"
            assert not entry.regularizer or entry.regularizer in entry.fields, name


def test_optimizers_and_schedules_say_what_they_are(knowledge: Knowledge) -> None:
    for path in SOURCES:
        for name in every_name(read_source(path)):
            entry = knowledge.lookup(name)
            assert entry is not None
            if entry.kind == "optimizer" and not name.endswith(".*"):
                assert entry.family and entry.extra.get("name"), name
                assert "lr" in entry.fields or name.startswith("torch_optimizer"), name
            if entry.kind in ("scheduler", "schedule") and not name.endswith(".*"):
                assert entry.shape, name


# --- lookups


def test_lookup_of_an_optimizer_through_an_alias(knowledge: Knowledge) -> None:
    entry = knowledge.lookup("torch.optim.sgd.SGD")
    assert entry is not None
    assert (entry.name, entry.kind, entry.family, entry.framework) == (
        "torch.optim.SGD",
        "optimizer",
        "sgd",
        "torch",
    )
    assert entry.default("momentum") == 0
    assert entry.default("params") is msgspec.UNSET


def test_unknown_names_give_none(knowledge: Knowledge) -> None:
    assert knowledge.lookup("torch.optim.nothing.Such") is None
    assert knowledge.lookup("project.module.SGD") is None
    assert knowledge.lookup("") is None
    assert knowledge.framework("project.module") is None


def test_a_package_row_answers_for_its_unlisted_names(knowledge: Knowledge) -> None:
    entry = knowledge.lookup("torch.optim.lr_scheduler.BrandNewLR")
    assert entry is not None
    assert (entry.kind, entry.shape) == ("scheduler", "")
    assert entry.name == "torch.optim.lr_scheduler.BrandNewLR"


def test_longest_alias_prefix_wins(knowledge: Knowledge) -> None:
    assert knowledge.canonical("pytorch_lightning.seed_everything") == "lightning.pytorch.seed_everything"
    assert knowledge.canonical("tensorflow.keras.optimizers.legacy.Adam") == "keras.optimizers.Adam"
    assert knowledge.canonical("torch.nn.modules.loss.CrossEntropyLoss") == "torch.nn.CrossEntropyLoss"


def test_alias_cycles_end(tmp_path: Path) -> None:
    path = written(tmp_path, "framework: x\npackages: [a, b]\naliases: {a.x: b.x, b.x: a.x}\n")
    assert Knowledge(compile_sources([path])).canonical("a.x.y") in ("a.x.y", "b.x.y")


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("torch.random.manual_seed", {"torch"}),
        ("torch.cuda.manual_seed_all", {"torch-cuda"}),
        ("numpy.random.seed", {"numpy"}),
        ("random.seed", {"python"}),
        ("pytorch_lightning.utilities.seed.seed_everything", {"torch", "numpy", "python"}),
        ("transformers.trainer_utils.set_seed", {"torch", "numpy", "python"}),
        ("transformers.Trainer", {"torch", "numpy", "python"}),
        ("accelerate.utils.set_seed", {"torch", "numpy", "python"}),
        ("tensorflow.compat.v1.set_random_seed", {"tensorflow"}),
        ("tensorflow.keras.utils.set_random_seed", {"tensorflow", "keras", "numpy", "python"}),
        ("jax.random.PRNGKey", {"jax"}),
        ("paddle.seed", {"paddle"}),
        ("torch.seed", set()),
    ],
)
def test_seeds(knowledge: Knowledge, name: str, seeds: set[str]) -> None:
    entry = knowledge.lookup(name)
    assert entry is not None
    assert set(entry.seeds) == seeds


def test_methods_by_receiver_and_framework(knowledge: Knowledge) -> None:
    steps = {
        method.receiver: method.effect for method in knowledge.methods("step") if method.framework == "torch"
    }
    assert steps == {"optimizer": "step", "scheduler": "schedule", "scaler": "step"}
    first = knowledge.method("step")
    assert first is not None and first.receiver == "optimizer"
    scheduler = knowledge.method("step", receiver="scheduler")
    assert scheduler is not None and scheduler.effect == "schedule"
    assert knowledge.method("step", framework="numpy") is None
    assert knowledge.method("no_such_method") is None


def test_labels_backends_and_generators(knowledge: Knowledge) -> None:
    assert knowledge.label("torch") == "PyTorch"
    assert knowledge.label("unheard-of") == "unheard-of"
    assert knowledge.backend("lightning") == "torch"
    assert knowledge.generator("lightning") == "torch"
    assert knowledge.generator("tensorflow") == "tensorflow"
    assert knowledge.generator("python") == ""


def test_vocabulary_holds_what_is_telling(knowledge: Knowledge) -> None:
    telling = {
        "SGD",
        "DataLoader",
        "manual_seed",
        "param_groups",
        "backward",
        "zero_grad",
        "StepLR",
        "add_argument",
    }
    assert telling <= knowledge.vocabulary
    assert {"sqrt", "rsqrt", "Dropout", "CrossEntropyLoss", "_LRScheduler"} <= knowledge.vocabulary
    assert (
        not {"*", "Linear", "view", "float", "len", "print", "", "update", "compile"} & knowledge.vocabulary
    )


@pytest.mark.parametrize(
    ("name", "effect", "inert"),
    [
        ("numpy.mean", "seed", True),
        ("numpy", "order", True),
        ("numpy.random.anything", "order", False),
        ("numpy.random.seed", "seed", False),
        ("yaml.safe_load", "optimizer", True),
        ("importlib.import_module", "seed", False),
        ("builtins.exec", "schedule", False),
        ("builtins.print", "schedule", True),
        ("torch.nn.functional.relu", "schedule", True),
        ("torch.optim.Unheard", "schedule", False),
        ("torch.hub.load", "seed", False),
        ("transformers.Trainer", "schedule", False),
        ("transformers.AutoTokenizer", "seed", True),
        ("transformers.optimization.get_new_schedule", "schedule", False),
        ("torch_geometric.nn.lr_scheduler.CosineWithWarmupLR", "schedule", False),
        ("accelerate.utils.DummyScheduler", "schedule", False),
        ("somebodys.package", "seed", False),
        ("wandb.init", "seed", True),
        ("clearml.Task.init", "seed", False),
        ("torch.manual_seed", "an effect nobody declared", False),
    ],
)
def test_inert(knowledge: Knowledge, name: str, effect: str, inert: bool) -> None:
    assert knowledge.inert(name, effect) is inert


# --- binding


def entry_of(call: str, renamed: dict[str, str] | None = None) -> Entry:
    return Entry("f", "builtin", "x", params=parse_call(call), renamed=renamed or {})


def test_bind_counts_positional_arguments_first() -> None:
    assert Knowledge.bind(entry_of("params, lr=0.1, *, foreach=None"), 2, ["foreach"]) == {
        "params": 0,
        "lr": 1,
        "foreach": 2,
    }


def test_bind_gives_a_star_parameter_its_first_argument() -> None:
    assert Knowledge.bind(entry_of("*arrays, test_size=None"), 3, ["test_size"]) == {
        "arrays": 0,
        "test_size": 3,
    }
    assert Knowledge.bind(entry_of("*arrays"), 0, []) == {}


def test_bind_keeps_unknown_keywords_and_renames_known_ones() -> None:
    assert Knowledge.bind(entry_of("**kwargs"), 0, ["lr"]) == {"lr": 0}
    assert Knowledge.bind(entry_of("input, dim=None", {"axis": "dim"}), 1, ["axis"]) == {"input": 0, "dim": 1}


def test_bind_ignores_surplus_positional_arguments() -> None:
    assert Knowledge.bind(entry_of("a, *, b=1"), 3, []) == {"a": 0}


@given(st.integers(0, 6), st.lists(st.sampled_from("abcdwz"), unique=True, max_size=4))
def test_bind_maps_to_arguments_that_exist(positional: int, keywords: list[str]) -> None:
    bound = Knowledge.bind(entry_of("a, b=1, /, c=2, *rest, d=3, **more"), positional, keywords)
    assert all(0 <= index < positional + len(keywords) for index in bound.values())
    assert len(set(bound.values())) == len(bound)


# --- signatures and versions


def test_parse_call_reads_kinds_and_constants() -> None:
    params = {
        param.name: param
        for param in parse_call("a, /, b=-1.5, c=(1, 2), d=..., *rest, e='x', f=None, **more")
    }
    assert [param.kind for param in params.values()] == [
        "positional-only",
        "normal",
        "normal",
        "normal",
        "star",
        "keyword-only",
        "keyword-only",
        "double-star",
    ]
    assert params["b"].default == -1.5
    assert params["c"].default == [1, 2]
    assert params["d"].has_default and params["d"].default is msgspec.UNSET
    assert params["f"].has_default and params["f"].default is None
    assert not params["a"].has_default


@pytest.mark.parametrize("text", ["a b", "a=1, b", "*, **k", ")", "a): pass\ndef g("])
def test_parse_call_refuses_what_is_no_parameter_list(text: str) -> None:
    with pytest.raises(ValueError, match="no parameter list"):
        parse_call(text)


@pytest.mark.parametrize(
    ("version", "until", "before"),
    [
        ("2.1", "2.2", True),
        ("2.1.9+cu121", "2.2", True),
        ("2.2", "2.2.0", False),
        ("2.10", "2.9", False),
        ("v1.13rc1", "1.13", False),
        ("", "1.0", False),
        ("nightly", "1.0", False),
    ],
)
def test_is_before(version: str, until: str, before: bool) -> None:
    assert is_before(version, until) is before


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), min_size=1, max_size=4)
)
def test_is_before_is_a_strict_order(one: list[int], other: list[int]) -> None:
    left, right = ".".join(map(str, one)), ".".join(map(str, other))
    assert not (is_before(left, right) and is_before(right, left))
    assert not is_before(left, left)


def test_older_versions_have_their_own_call(tmp_path: Path) -> None:
    text = """
        framework: x
        packages: [x]
        names:
          x.f:
            kind: optimizer
            call: "p, lr=0.1"
            fields: {lr: lr}
            versions:
              - {until: "1.0", call: "p, rate=1", fields: {lr: rate}}
              - {until: "2.0", call: "p, lr"}
    """
    compiled = compile_sources([written(tmp_path, text)])

    def default(versions: dict[str, str]) -> object:
        entry = Knowledge(compiled, versions).lookup("x.f")
        assert entry is not None
        return entry.default("lr")

    assert default({"x": "0.9"}) == 1
    assert default({"x": "1.5"}) is msgspec.UNSET
    assert default({"x": "2.0"}) == 0.1
    assert default({}) == 0.1


# --- compiling


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("framework: x\nnames: {x.f: {kind: loss, fields: {lr: lr}}}", "lr names lr, which is no parameter"),
        ("framework: x\nnames: {x.f: {kind: loss, call: 'a b'}}", "no parameter list"),
        ("framework: x\nnames: {x.f: {call: 'a'}}", "x.f has no kind"),
        ("framework: x\nnames: {x.f: {kind: loss, colour: red}}", "colour"),
        ("framework: x\ninert: {colour: [x]}", "colour is no effect"),
        ("framework: [", "x.yaml"),
        ("- 1", "Expected `object`"),
        ("framework: x\ngroups: [{under: x, names: [f, f], kind: loss}]", "x.f is described twice"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        compile_sources([written(tmp_path, text)])
    assert reason in str(caught.value)
    assert "x.yaml" in str(caught.value)


def test_contradicting_parts_are_refused(tmp_path: Path) -> None:
    one = written(tmp_path, "framework: x\npackages: [p]", "x.yaml")
    other = written(tmp_path, "framework: y\npackages: [p]", "y.yaml")
    with pytest.raises(KnowledgeError, match=r"y\.yaml: p already stands for 'x', not 'y'"):
        compile_sources([one, other])


def test_undecodable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"framework: \xff\xfe")
    with pytest.raises(KnowledgeError, match=r"x\.yaml"):
        compile_sources([path])


def test_wheel_file_answers_like_the_sources(tmp_path: Path, knowledge: Knowledge) -> None:
    target = compile_knowledge(tmp_path / "compiled")
    assert target.name == COMPILED_NAME
    again = Knowledge(msgspec.json.decode(target.read_bytes(), type=type(compile_sources([]))))
    assert again.vocabulary == knowledge.vocabulary
    for name in ("torch.optim.Adam", "torch.nn.Dropout", "numpy.random.shuffle", "torch.sqrt"):
        assert again.lookup(name) == knowledge.lookup(name)
    assert compile_knowledge(tmp_path / "twice").read_bytes() == target.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [COMPILED_NAME]


def test_checkout_recompiles_after_a_change_and_survives_a_broken_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "COMPILED", tmp_path)
    monkeypatch.setattr(store, "_COMPILED_FILE", tmp_path / COMPILED_NAME)
    first = store.load_compiled()
    kept = (tmp_path / COMPILED_NAME).read_bytes()
    assert store.load_compiled() == first
    (tmp_path / COMPILED_NAME).write_bytes(b"{broken")
    assert store.load_compiled().vocabulary == first.vocabulary
    assert (tmp_path / COMPILED_NAME).read_bytes() == kept


def test_read_only_checkout_still_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = written(tmp_path, "", "file")
    monkeypatch.setattr(store, "COMPILED", blocked / "compiled")
    monkeypatch.setattr(store, "_COMPILED_FILE", blocked / "compiled" / COMPILED_NAME)
    assert "SGD" in store.load_compiled().vocabulary


def test_loading_twice_gives_the_same_object() -> None:
    assert load_knowledge({"torch": "2.1"}) is load_knowledge({"torch": "2.1"})
    assert load_knowledge() is load_knowledge({})
