"""The simulated rate: PyTorch's own numbers where it is installed, known points, what curves look like."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.recipe.rate.curve import MAX_POINTS, Curve, sampled, simulate
from trainlint.recipe.rate.shapes import CurveError, Quantities, Schedule, build, chained

STEPS = 130
BASE = 0.4


def warmed(epoch: int) -> float:
    return min(1.0, (epoch + 1) / 5) * 0.9**epoch


class Case(NamedTuple):
    """A shape, the scheduler that has it, and both spellings of its quantities."""

    shape: str
    name: str
    arguments: dict[str, Any]
    quantities: Quantities


CYCLE: Quantities = {"base_lr": 0.01, "max_lr": 0.3}
ONE_CYCLE: Quantities = {"max_lr": 0.5, "start_divisor": 25.0, "final_divisor": 1e4}
CASES = [
    Case("step", "StepLR", {"step_size": 7, "gamma": 0.3}, {"every": 7, "factor": 0.3}),
    Case(
        "multistep",
        "MultiStepLR",
        {"milestones": [0, 30, 30, 90]},
        {"milestones": (0, 30, 30, 90), "factor": 0.1},
    ),
    Case("exponential", "ExponentialLR", {"gamma": 0.95}, {"factor": 0.95}),
    Case(
        "linear",
        "LinearLR",
        {"start_factor": 0.01, "total_iters": 9},
        {"start_factor": 0.01, "end_factor": 1.0, "length": 9},
    ),
    Case(
        "linear",
        "LinearLR",
        {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 60},
        {"start_factor": 1.0, "end_factor": 0.0, "length": 60},
    ),
    Case("constant", "ConstantLR", {"factor": 0.25, "total_iters": 11}, {"factor": 0.25, "length": 11}),
    Case("constant", "ConstantLR", {"factor": 0.25, "total_iters": 0}, {"factor": 0.25, "length": 0}),
    Case("polynomial", "PolynomialLR", {"total_iters": 50, "power": 0.9}, {"length": 50, "power": 0.9}),
    Case("cosine", "CosineAnnealingLR", {"T_max": 130}, {"length": 130, "min_lr": 0.0}),
    Case("cosine", "CosineAnnealingLR", {"T_max": 17, "eta_min": 0.02}, {"length": 17, "min_lr": 0.02}),
    Case(
        "cosine-restarts",
        "CosineAnnealingWarmRestarts",
        {"T_0": 12},
        {"length": 12, "multiple": 1, "min_lr": 0.0},
    ),
    Case(
        "cosine-restarts",
        "CosineAnnealingWarmRestarts",
        {"T_0": 9, "T_mult": 2, "eta_min": 0.001},
        {"length": 9, "multiple": 2, "min_lr": 0.001},
    ),
    Case(
        "cyclic",
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 13},
        {**CYCLE, "up": 13, "mode": "triangular", "factor": 1.0},
    ),
    Case(
        "cyclic",
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 13, "step_size_down": 5, "mode": "triangular2"},
        {**CYCLE, "up": 13, "down": 5, "mode": "triangular2", "factor": 1.0},
    ),
    Case(
        "cyclic",
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 8, "mode": "exp_range", "gamma": 0.98},
        {**CYCLE, "up": 8, "mode": "exp_range", "factor": 0.98},
    ),
    Case(
        "onecycle",
        "OneCycleLR",
        {"max_lr": 0.5, "total_steps": 130},
        {**ONE_CYCLE, "length": 130, "warmup_fraction": 0.3, "anneal": "cos", "three_phase": False},
    ),
    Case(
        "onecycle",
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "epochs": 13,
            "steps_per_epoch": 10,
            "anneal_strategy": "linear",
            "three_phase": True,
            "pct_start": 0.41,
        },
        {
            **ONE_CYCLE,
            "epochs": 13,
            "steps_per_epoch": 10,
            "warmup_fraction": 0.41,
            "anneal": "linear",
            "three_phase": True,
        },
    ),
    Case("swa", "SWALR", {"swa_lr": 0.05}, {"min_lr": 0.05, "length": 10, "anneal": "cos"}),
    Case(
        "swa",
        "SWALR",
        {"swa_lr": 0.05, "anneal_strategy": "linear", "anneal_epochs": 0},
        {"min_lr": 0.05, "length": 0, "anneal": "linear"},
    ),
    Case("lambda", "LambdaLR", {"lr_lambda": warmed}, {"function": warmed}),
    Case("multiplicative", "MultiplicativeLR", {"lr_lambda": warmed}, {"function": warmed}),
]


def scheduler(torch: Any, optimizer: Any, name: str, arguments: dict[str, Any]) -> Any:
    module = torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler
    return getattr(module, name)(optimizer, **arguments)


def optimizer_of(torch: Any) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE, momentum=0.9)


def real(optimizer: Any, schedules: list[Any], steps: int = STEPS) -> list[float]:
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(steps):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            for schedule in schedules:
                schedule.step()
    return rates


def mine(schedule: Schedule, steps: int = STEPS) -> list[float]:
    return list(simulate(schedule, steps).rates)


@pytest.mark.parametrize(("shape", "name", "arguments", "quantities"), CASES)
def test_shape_is_what_torch_computes(
    shape: str, name: str, arguments: dict[str, Any], quantities: Quantities
) -> None:
    torch = pytest.importorskip("torch")
    optimizer = optimizer_of(torch)
    wanted = real(optimizer, [scheduler(torch, optimizer, name, arguments)])
    assert mine(build(shape, BASE, quantities)) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("first", [0, 3, 4, 5, 9, 10, 19])
@pytest.mark.parametrize("second", [0, 3, 4, 5, 7, 8, 9, 10, 19])
def test_sequence_is_what_torch_computes(first: int, second: int) -> None:
    torch = pytest.importorskip("torch")
    optimizer = optimizer_of(torch)
    parts = [scheduler(torch, optimizer, CASES[i][1], CASES[i][2]) for i in (first, second, 2)]
    whole = torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[6, 70])
    wanted = real(optimizer, [whole])
    schedules = tuple(build(CASES[i][0], BASE, CASES[i][3]) for i in (first, second, 2))
    got = mine(build("sequential", BASE, {"schedulers": schedules, "milestones": (6, 70)}))
    assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("first", [0, 1, 2, 3, 5, 7, 8, 9, 20])
@pytest.mark.parametrize("second", [0, 2, 3, 7, 8, 9, 20])
@pytest.mark.parametrize("chain", [True, False])
def test_schedules_that_share_a_rate_are_what_torch_computes(first: int, second: int, chain: bool) -> None:
    torch = pytest.importorskip("torch")
    optimizer = optimizer_of(torch)
    parts = [scheduler(torch, optimizer, CASES[i][1], CASES[i][2]) for i in (first, second)]
    wanted = real(optimizer, [torch.optim.lr_scheduler.ChainedScheduler(parts)] if chain else parts)
    schedules = tuple(build(CASES[i][0], BASE, CASES[i][3]) for i in (first, second))
    got = mine(build("chained", BASE, {"schedulers": schedules}) if chain else chained(BASE, schedules))
    assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "quantities", "points"),
    [
        ("step", {"every": 30, "factor": 0.1}, {0: 0.4, 29: 0.4, 30: 0.04, 89: 0.004}),
        ("linear", {"start_factor": 0.1, "end_factor": 1.0, "length": 5}, {0: 0.04, 5: 0.4, 50: 0.4}),
        ("cosine", {"length": 90, "min_lr": 0.0}, {0: 0.4, 45: 0.2, 90: 0.0}),
        ("polynomial", {"length": 100, "power": 1.0}, {0: 0.4, 50: 0.2, 100: 0.0, 120: 0.0}),
        (
            "cosine-restarts",
            {"length": 10, "multiple": 2, "min_lr": 0.0},
            {0: 0.4, 10: 0.4, 20: 0.2, 30: 0.4},
        ),
    ],
)
def test_known_points(shape: str, quantities: Quantities, points: dict[int, float]) -> None:
    schedule = build(shape, 0.4, quantities)
    assert {step: schedule.at(step) for step in points} == pytest.approx(points)


@pytest.mark.parametrize(
    ("rates", "shape", "warmup", "ratio"),
    [
        ((0.1, 0.1, 0.1), "flat", 0, 1.0),
        ((0.1,), "flat", 0, 1.0),
        ((0.4, 0.3, 0.1), "decaying", 0, 0.25),
        ((0.1, 0.2, 0.4, 0.4), "flat", 2, 1.0),
        ((0.1, 0.4, 0.2), "decaying", 1, 0.5),
        ((0.1, 0.2, 0.3), "rising", 2, 1.0),
        ((0.4, 0.1, 0.4, 0.1), "cyclic", 0, 0.25),
        ((0.2, 0.1, 0.4, 0.2), "cyclic", None, 0.5),
        ((0.0, 0.0), "flat", 0, None),
    ],
)
def test_what_a_curve_looks_like(
    rates: tuple[float, ...], shape: str, warmup: int | None, ratio: float | None
) -> None:
    curve = Curve(tuple(range(len(rates))), rates)
    assert (curve.shape, curve.warmup, curve.final_ratio) == (shape, warmup, ratio)


def test_rounding_is_no_change_of_the_rate() -> None:
    rates = tuple(0.1 * (1 + 1e-13 * (-1) ** i) for i in range(50))
    assert Curve(tuple(range(50)), rates).shape == "flat"


def test_long_run_is_sampled_with_its_turning_points() -> None:
    quantities: Quantities = {
        "max_lr": 0.4, "length": 450_451, "warmup_fraction": 0.3, "start_divisor": 25.0, "final_divisor": 1e4,
        "anneal": "cos",
    }  # fmt: skip
    curve = simulate(build("onecycle", 0.1, quantities), 450_451)
    assert len(curve.rates) <= MAX_POINTS
    assert curve.peak == pytest.approx(0.4, rel=1e-9)
    assert curve.steps[0] == 0
    assert curve.steps[-1] == 450_450
    assert curve.warmup == pytest.approx(135_134, abs=1)
    assert len(curve.shown()) == 200


def test_schedule_stepped_before_the_first_epoch_is_one_step_ahead() -> None:
    schedule = build("step", 0.4, {"every": 3, "factor": 0.1})
    assert simulate(schedule, 4, first=1).rates == simulate(schedule, 5).rates[1:]


@pytest.mark.parametrize(
    ("shape", "quantities", "reason"),
    [
        ("plateau", {}, "no formula"),
        ("", {}, "custom schedule has no formula"),
        ("step", {"every": 30}, "factor is not known"),
        ("step", {"every": 0, "factor": 0.1}, "every is 0"),
        ("step", {"every": 2.5, "factor": 0.1}, "not a whole number"),
        ("cosine", {"length": 0, "min_lr": 0.0}, "length is 0"),
        ("linear", {"start_factor": 2.0, "end_factor": 1.0, "length": 5}, "refuses"),
        ("multistep", {"milestones": 30, "factor": 0.1}, "milestones are not known"),
        ("sequential", {"schedulers": (), "milestones": ()}, "schedulers are not known"),
        ("lambda", {}, "function is not known"),
    ],
)
def test_what_cannot_be_simulated_says_why(shape: str, quantities: Quantities, reason: str) -> None:
    with pytest.raises(CurveError, match=reason):
        build(shape, 0.1, quantities)


@pytest.mark.parametrize(
    "function", [lambda n: 1 / n, lambda n: (n - 5) ** 0.5, lambda n: math.nan, lambda n: 10.0**400]
)
def test_failing_formula_is_no_crash(function: Any) -> None:
    with pytest.raises(CurveError):
        sampled(function, 10)


def test_sequence_of_unfit_parts_is_refused() -> None:
    cosine = build("cosine", 0.1, {"length": 9, "min_lr": 0.0})
    product = build("multiplicative", 0.1, {"function": lambda n: 0.9})
    with pytest.raises(CurveError, match="optimizer's rate"):
        build("sequential", 0.1, {"schedulers": (cosine, product), "milestones": (5,)})
    with pytest.raises(CurveError, match="milestone"):
        build("sequential", 0.1, {"schedulers": (cosine, cosine), "milestones": ()})
    with pytest.raises(CurveError, match="share"):
        chained(0.1, [build("swa", 0.1, {"min_lr": 0.05, "length": 10, "anneal": "cos"})])


@given(
    st.sampled_from(["step", "exponential", "cosine", "polynomial", "linear"]),
    st.floats(1e-6, 10),
    st.integers(1, 300),
    st.floats(0.01, 1.0),
    st.integers(1, 5_000),
)
def test_curves_stay_between_zero_and_the_optimizers_rate(
    shape: str, base: float, length: int, factor: float, steps: int
) -> None:
    quantities: Quantities = {
        "every": length, "factor": factor, "length": length, "min_lr": 0.0, "power": 0.9,
        "start_factor": factor, "end_factor": 1.0,
    }  # fmt: skip
    curve = simulate(build(shape, base, quantities), steps)
    assert len(curve.steps) == len(curve.rates) <= MAX_POINTS
    assert all(-1e-12 <= rate <= base * (1 + 1e-9) for rate in curve.rates)
    assert list(curve.steps) == sorted(set(curve.steps))
    assert len(curve.shown()) <= max(200, min(steps, 200))
