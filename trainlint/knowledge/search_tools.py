"""How hyper-parameter searches are set up and run: search_tools.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class Halving(msgspec.Struct, frozen=True):
    """The parameters that lay out the brackets of successive halving, with their defaults.

    `least` and `most` are what a trial gets before the first and at the last cut. The factor must be at least
    `least_factor`, and larger than `above`; the least at least `smallest`. `bands`: the cuts are counted down
    from `most`.
    """

    least: str = ""
    least_default: float | None = None
    most: str = ""
    most_default: float | None = None
    factor: str = ""
    factor_default: float = 3
    least_factor: float = 0
    above: float = 0
    smallest: float = 0
    bands: bool = False


class Pruner(msgspec.Struct, frozen=True):
    """What stops bad trials. `off`: it stops none."""

    parameters: tuple[str, ...] = ()
    off: bool = False
    halving: Halving | None = None


class Sampler(msgspec.Struct, frozen=True):
    """What chooses the next trial. The names are those of its parameters.

    `inner` is another sampler it limits, `inner_seed` an object that may bring a seed; `startup` how many
    trials it draws at random first; `generator` see Search.
    """

    algorithm: str = ""
    name: str = ""
    parameters: tuple[str, ...] = ()
    seed: str = ""
    seeded_by_default: bool = False
    generator: str = "own"
    inner: str = ""
    inner_seed: str = ""
    parallel: str = ""
    startup: str = ""
    startup_default: int = 0
    space: str = ""


class Run(msgspec.Struct, frozen=True):
    """A method that runs a search which another call set up."""

    parameters: tuple[str, ...] = ()
    trials: str = ""
    parallel: str = ""
    objective: str = ""
    callbacks: str = ""


class Search(msgspec.Struct, frozen=True):
    """A call that sets up a search. The names are those of its parameters.

    `generator` is what it draws from without a seed: own (fresh entropy each time), python or numpy (the
    global generators), none (not on this machine). `settings` maps a parameter to the callable whose
    arguments count as the search's own; `mapping` is a parameter that holds everything in a mapping.
    `shared`: a parameter that lets several processes work on it. `networks`: it trains Keras models.
    """

    tool: str
    algorithm: str
    algorithm_name: str = ""
    parameters: tuple[str, ...] = ()
    sampler: str = ""
    pruner: str = ""
    seed: str = ""
    zero_is_none: bool = False
    generator: str = "own"
    trials: str = ""
    trials_default: int | None = None
    parallel: str = ""
    runner: str = ""
    space: str = ""
    objective: str = ""
    shared: str = ""
    many: str = ""
    stops: str = ""
    mapping: str = ""
    settings: dict[str, str] = {}
    runs: dict[str, Run] = {}
    halving: Halving | None = None
    networks: bool = False
    prunes: str = ""
    seeding: str = ""
    pruning: str = ""


class Reports(msgspec.Struct, frozen=True):
    """Calls that tell a search how a trial does: `methods` by bare name, `functions` by canonical name."""

    methods: dict[str, str]
    functions: dict[str, str]


class Mapped(msgspec.Struct, frozen=True):
    """The keys of a search that is written as a mapping."""

    method: str
    space: str
    pruner: str
    values: str
    algorithms: dict[str, str]
    halving: Halving


class NniKeys(msgspec.Struct, frozen=True):
    """The keys of an experiment of NNI, over its versions, and how its tuners choose the trials."""

    names: tuple[str, ...]
    trials: tuple[str, ...]
    parallel: tuple[str, ...]
    pruners: tuple[str, ...]
    pruning: str
    tuners: dict[str, str]


class Runner(msgspec.Struct, frozen=True):
    """An object that runs trials at once."""

    parameters: tuple[str, ...]
    parallel: str


class SearchTools(msgspec.Struct, frozen=True):
    """Everything known of search libraries, by canonical names after `aliases`.

    `trial_reads` are what one may ask a trial without telling it anything; `grid_values` list the values of
    a grid, `spaced_values` compute them; `networks` are packages whose estimators are networks. `product`
    takes the lists of a grid, `combinations` a mapping of them.
    """

    aliases: dict[str, str]
    searches: dict[str, Search]
    settings: dict[str, tuple[str, ...]]
    samplers: dict[str, Sampler]
    runners: dict[str, Runner]
    pruners: dict[str, Pruner]
    reports: Reports
    trial_reads: frozenset[str]
    grid_values: frozenset[str]
    spaced_values: dict[str, tuple[str, ...]]
    networks: tuple[str, ...]
    product: str
    combinations: str
    mapped: Mapped
    nni: NniKeys

    def canonical(self, name: str) -> str:
        """The name under which the facts are filed."""
        for _ in range(len(self.aliases)):
            head = name
            while head and head not in self.aliases:
                head = head.rpartition(".")[0]
            if not head:
                return name
            name = self.aliases[head] + name[len(head) :]
        return name


@cache
def search_tools() -> SearchTools:
    """The known libraries."""
    text = resources.files("trainlint.knowledge").joinpath("search_tools.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), SearchTools)
