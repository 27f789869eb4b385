"""What code does with the configs it loads: keys asked for by name, and parts that go where nobody looks."""

from __future__ import annotations

import ast
import textwrap

import pytest

from trainlint.recipe.config.project_reads import ProjectCode
from trainlint.recipe.config.reads import project_reads
from trainlint.recipe.config.reads_flow import Path, Reads
from trainlint.text.source import source_of


def reads(*files: str) -> Reads:
    return project_reads(
        (f"f{number}.py", ast.parse(textwrap.dedent(file))) for number, file in enumerate(files)
    )


def asked(found: Reads) -> set[Path]:
    return {keys for _, keys in found.asked}


def whole(found: Reads) -> set[Path]:
    return {keys for _, keys in found.whole}


LOAD = "import yaml\ncfg = yaml.safe_load(open('c.yaml'))\n"


ASKED: dict[str, tuple[str, set[Path]]] = {
    "a key": ("x = cfg['lr']", {("lr",)}),
    "below a name": ("t = cfg['train']\nx = t['lr']", {("train",), ("train", "lr")}),
    "get": ("x = cfg.get('lr', 0.1)", {("lr",)}),
    "asked whether it is there": ("if 'lr' in cfg:\n    pass", {("lr",)}),
    "an attribute": (
        "from box import Box\ncfg = Box(cfg)\nx = cfg.train.lr",
        {("train",), ("train", "lr")},
    ),
    "through self": (
        "class T:\n    def __init__(self, c):\n        self.c = c\n    def go(self):\n"
        "        return self.c['lr']\nT(cfg)",
        {("lr",)},
    ),
    "a keyword": ("def f(a, *, c):\n    return c['lr']\nf(1, c=cfg)", {("lr",)}),
    "spread over parameters": (
        "def f(lr, size):\n    pass\nf(**cfg['m'])",
        {("m",), ("m", "lr"), ("m", "size")},
    ),
    "getattr by name": ("x = getattr(cfg, 'lr', 0.1)", {("lr",)}),
    "of two": (
        "c = cfg['a'] if cfg['b'] else cfg['d']\nc['e']",
        {("a",), ("b",), ("d",), ("a", "e"), ("d", "e")},
    ),
}


@pytest.mark.parametrize(("code", "expected"), ASKED.values(), ids=ASKED)
def test_keys_that_are_asked_for(code: str, expected: set[Path]) -> None:
    found = reads(LOAD + code)
    assert asked(found) == expected
    assert whole(found) <= {keys for keys in expected if keys}


HANDED_ON: dict[str, tuple[str, Path]] = {
    "handed to a library": ("import torch\ntorch.optim.SGD(p, **cfg['optim'])", ("optim",)),
    "all of it": ("import lib\nlib.run(cfg)", ()),
    "looped over": ("for key in cfg:\n    pass", ()),
    "its items": ("x = list(cfg['a'].items())", ("a",)),
    "by a name that is not written out": ("x = cfg[name]", ()),
    "a comprehension": ("x = {k: v for k, v in cfg['a'].items()}", ("a",)),
    "in a dict": ("x = {'cfg': cfg}", ()),
    "in a list": ("x = [cfg['a']]", ("a",)),
    "a lambda": ("f = lambda: cfg", ()),
    "parameters that take anything": ("def f(**k):\n    pass\nf(**cfg)", ()),
    "more arguments": ("def f(*a):\n    pass\nf(cfg)", ()),
    "yielded": ("def f():\n    yield cfg", ()),
    "merged": ("x = cfg | {}", ()),
    "unpacked": ("a, b = cfg['pair']", ("pair",)),
    "matched": ("match cfg:\n    case _:\n        pass", ()),
    "raised": ("raise ValueError(cfg)", ()),
    "a default": ("def f(c=cfg):\n    pass", ()),
    "vars": ("vars(cfg)", ()),
    "getattr": ("getattr(cfg, name)", ()),
}


@pytest.mark.parametrize(("code", "expected"), HANDED_ON.values(), ids=HANDED_ON)
def test_parts_that_are_handed_on(code: str, expected: Path) -> None:
    assert expected in whole(reads(LOAD + code))


@pytest.mark.parametrize(
    "code",
    [
        "print(cfg)",
        "logging.info('%s', cfg)",
        "wandb_run.config.log(cfg)",
        "json.dump(cfg, out)",
        "len(cfg)",
        "f'{cfg}'",
        "cfg['lr'] = 0.1",
        "cfg.update(lr=1)",
        "if cfg:\n    pass",
    ],
)
def test_showing_or_changing_a_config_hands_nothing_on(code: str) -> None:
    assert () not in whole(reads(LOAD + code))


def test_it_is_followed_from_file_to_file() -> None:
    settings = (
        "import yaml\ndef load(path):\n    with open(path) as f:\n        return yaml.safe_load(f)\n"
        "CFG = load('c.yaml')"
    )
    user = "from f0 import CFG, load\nimport f0\nx = CFG['a']\ny = f0.CFG['b']\nz = load('c.yaml')['c']"
    assert asked(reads(settings, user)) == {("a",), ("b",), ("c",)}


def test_a_global_name_is_seen_by_every_function() -> None:
    setup = "import yaml\ndef setup():\n    global cfg\n    cfg = yaml.safe_load(f)\n"
    code = setup + "def use():\n    return cfg['lr']"
    assert asked(reads(code)) == {("lr",)}


def test_recursion_settles() -> None:
    found = reads(LOAD + "def f(c, n):\n    return f(c['inner'], n - 1) if n else c['lr']\nf(cfg, 3)")
    assert not found.settled


@pytest.mark.parametrize("code", ["eval(text)", "exec(text)", "globals()['x']", "locals()"])
def test_what_runs_text_makes_it_unknown(code: str) -> None:
    assert ProjectCode([source_of("a.py", LOAD + code)], [], set()).reads is None


def test_eval_of_a_model_is_no_such_thing() -> None:
    assert ProjectCode([source_of("a.py", LOAD + "model.eval()")], [], set()).reads is not None


def test_code_that_is_nested_too_deep_makes_it_unknown() -> None:
    deep = "x = cfg" + "['a']" * 3000
    assert ProjectCode([source_of("a.py", LOAD + deep)], [], set()).reads is None


def test_code_that_does_not_parse_makes_it_unknown() -> None:
    assert ProjectCode([source_of("a.py", LOAD), source_of("b.py", "print 'x'")], [], set()).reads is None


def test_calls_that_load_nobody_knows_what_count_for_every_config() -> None:
    code = source_of("a.py", LOAD + "other = yaml.safe_load(f)\nrun(other)")
    project = ProjectCode([code], [], {("a.py", 2)}).reads
    assert project is not None
    found = project.of({("a.py", 2)})
    assert found is not None
    assert not found.is_closed(("lr",))
    assert project.of({("a.py", 99)}) is None


def test_words_of_scripts_count_and_a_file_that_cannot_be_read_hides_all() -> None:
    script = source_of("run.sh", "python train.py --warm_up 5")
    assert "warm_up" in (ProjectCode([source_of("a.py", LOAD)], [script], set()).words or ())
    assert ProjectCode([source_of("a.py", LOAD), None], [], set()).words is None
