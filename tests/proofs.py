"""The proofs that rule pages carry, and how a framework decides them.

A proof names a bad example, the example that repairs it, and a point: the example's code is executed, `run`
is evaluated at the point, and values and gradients are looked at. Only code of our own pages is ever run.
"""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from trainlint.rulebook.front_matter import read_front_matter
from trainlint.rulebook.page_text import read_examples, split_page
from trainlint.rulebook.rule import Example

PAGES = Path(__file__).parents[1] / "rules"


class Proof(msgspec.Struct, frozen=True):
    """One entry of a page's `proof:`; see the page schema."""

    example: str
    repaired: str = ""
    repair: dict[str, str] = {}
    needs: str = "torch"
    files: dict[str, str] = {}
    point: dict[str, str] = {}
    run: str = ""
    breaks: str = ""
    unproven: str = ""


class ProvenPage(msgspec.Struct, frozen=True):
    """A page with its examples and the proofs it carries."""

    name: str
    examples: list[Example]
    proofs: list[Proof]

    def code(self, heading: str, kinds: tuple[str, ...]) -> str:
        """The code under a heading, of one of these kinds; "" where there is none."""
        found = (each.text for each in self.examples if each.heading == heading and each.kind in kinds)
        return next(found, "")

    def bad(self, proof: Proof) -> str:
        """The code that a proof is about."""
        return self.code(proof.example, ("bad",))

    def repaired(self, proof: Proof) -> str:
        """The code that repairs it: another example, or the bad one with the repair made in its text."""
        if not proof.repair:
            return self.code(proof.repaired or proof.example, ("fixed", "good"))
        code = self.bad(proof)
        for written, instead in proof.repair.items():
            code = code.replace(written, instead)
        return code

    def bad_headings(self) -> list[str]:
        """The headings of the page's bad Python examples, in order."""
        return [each.heading for each in self.examples if each.kind == "bad" and each.language == "python"]


class Outcome(msgspec.Struct):
    """What an evaluation gave: whether its values and its gradients are finite, or what it raised."""

    finite: bool = True
    finite_gradient: bool = True
    raised: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing went wrong."""
        return self.finite and self.finite_gradient and not self.raised

    def breaks(self, how: str) -> bool:
        """Whether it went wrong in this way; in either of two where `how` is empty."""
        if how == "run":
            return bool(self.raised)
        if self.raised:
            return False
        if how == "value":
            return not self.finite
        if how == "gradient":
            return self.finite and not self.finite_gradient
        return not (self.finite and self.finite_gradient)


def read_pages(folder: Path) -> list[ProvenPage]:
    """The pages of a family, sorted by name."""
    return [_read_page(file) for file in sorted(folder.glob("*.md"))]


def _read_page(file: Path) -> ProvenPage:
    front, body, first_line = split_page(file.read_text(encoding="utf-8"))
    data = read_front_matter(front).data
    proofs = [msgspec.convert(each, Proof) for each in data.get("proof", [])]
    return ProvenPage(file.stem, read_examples(body, first_line), proofs)


def outcome(proof: Proof, code: str, folder: Path) -> Outcome:
    """What the code of an example does at the proof's point; `folder` is where it runs.

    PyTorch runs in this process. The others get one of their own: they do not bear each other in one.
    """
    if proof.needs == "torch":
        return decide(proof, code, folder)
    question = msgspec.json.encode((proof, code, str(folder)))
    command = [sys.executable, "-c", "import proofs; proofs.answer()"]
    path = os.pathsep.join([str(Path(__file__).parent), str(PAGES.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, input=question, capture_output=True, check=True, env=environment)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Outcome)


def answer() -> None:
    """Decide the proof on standard input; the outcome is the last line of standard output."""
    proof, code, folder = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Proof, str, str])
    found = decide(proof, code, Path(folder))
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(found) + b"\n")


def decide(proof: Proof, code: str, folder: Path) -> Outcome:
    """`outcome`, in this process."""
    with _inside(folder):
        framework = _FRAMEWORKS[proof.needs]()
        for name, expression in proof.files.items():
            framework.save(name, framework.evaluate(expression, {}))
        try:
            scope = framework.execute(code)
            texts = proof.point.items()
            point = {name: framework.leaf(framework.evaluate(text, scope)) for name, text in texts}
            return framework.differentiate(proof.run, scope, point)
        except (RuntimeError, ValueError, ArithmeticError, AssertionError, TypeError) as error:
            return Outcome(raised=f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class _Framework:
    """What all frameworks share: code is executed as a module of its own."""

    library: Any

    def execute(self, code: str) -> dict[str, Any]:
        module = types.ModuleType("example")
        exec(compile(textwrap.dedent(code), "example", "exec"), vars(module))
        return vars(module)

    def evaluate(self, text: str, scope: dict[str, Any]) -> Any:
        return eval(compile(ast.parse(text, mode="eval"), "proof", "eval"), {**self.names(), **scope})

    def names(self) -> dict[str, Any]:
        return {}

    def save(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def leaf(self, value: Any) -> Any:
        return value

    def differentiate(self, run: str, scope: dict[str, Any], point: dict[str, Any]) -> Outcome:
        raise NotImplementedError


class _Torch(_Framework):
    def __init__(self) -> None:
        import torch

        self.library = torch
        torch.manual_seed(0)

    def names(self) -> dict[str, Any]:
        return {"torch": self.library, "nn": self.library.nn, "F": self.library.nn.functional}

    def save(self, name: str, value: Any) -> None:
        self.library.save(value, name)

    def leaf(self, value: Any) -> Any:
        if isinstance(value, self.library.Tensor) and value.is_floating_point():
            return value.detach().requires_grad_()
        return value

    def differentiate(self, run: str, scope: dict[str, Any], point: dict[str, Any]) -> Outcome:
        results = list(self._tensors(self.evaluate(run, {**scope, **point})))
        finite = all(bool(self.library.isfinite(each).all()) for each in results)
        differentiable = [each for each in results if each.requires_grad]
        if not differentiable:
            return Outcome(finite)
        sum(each.float().sum() for each in differentiable).backward()
        leaves = [each for result in differentiable for each in _leaves(result.grad_fn)]
        leaves += [value for value in point.values() if getattr(value, "requires_grad", False)]
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        return Outcome(finite, all(bool(self.library.isfinite(each).all()) for each in gradients))

    def _tensors(self, value: Any) -> Iterator[Any]:
        if isinstance(value, self.library.Tensor):
            if value.is_floating_point():
                yield value
        elif isinstance(value, float):
            yield self.library.tensor(value)
        elif isinstance(value, dict):
            for each in value.values():
                yield from self._tensors(each)
        elif isinstance(value, (list, tuple)):
            for each in value:
                yield from self._tensors(each)


def _leaves(function: Any) -> Iterator[Any]:
    """The leaves that a result's graph ends in: parameters, and the point."""
    waiting, seen = [function], set()
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        if hasattr(step, "variable"):
            yield step.variable
        waiting += [each for each, _ in step.next_functions]


class _Jax(_Framework):
    def __init__(self) -> None:
        import jax

        self.library = jax

    def names(self) -> dict[str, Any]:
        return {"jax": self.library, "jnp": self.library.numpy}

    def differentiate(self, run: str, scope: dict[str, Any], point: dict[str, Any]) -> Outcome:
        numpy, floats = self.library.numpy, {}
        for name, value in point.items():
            if numpy.issubdtype(numpy.asarray(value).dtype, numpy.floating):
                floats[name] = numpy.asarray(value)

        def total(differentiated: dict[str, Any]) -> Any:
            result = self.evaluate(run, {**scope, **point, **differentiated})
            return sum(numpy.sum(each) for each in self.library.tree_util.tree_leaves(result))

        value, gradients = self.library.value_and_grad(total)(floats)
        finite = all(bool(numpy.isfinite(each).all()) for each in gradients.values())
        return Outcome(bool(numpy.isfinite(value)), finite)


class _TensorFlow(_Framework):
    def __init__(self) -> None:
        import tensorflow

        self.library = tensorflow

    def names(self) -> dict[str, Any]:
        return {"tf": self.library}

    def leaf(self, value: Any) -> Any:
        return self.library.Variable(value) if value.dtype.is_floating else value

    def differentiate(self, run: str, scope: dict[str, Any], point: dict[str, Any]) -> Outcome:
        library = self.library
        watched = [value for value in point.values() if isinstance(value, library.Variable)]
        with library.GradientTape() as tape:
            result = library.reduce_sum(self.evaluate(run, {**scope, **point}))
        gradients = [each for each in tape.gradient(result, watched) if each is not None]
        finite = all(bool(library.reduce_all(library.math.is_finite(each))) for each in gradients)
        return Outcome(bool(library.math.is_finite(result)), finite)


class _Paddle(_Framework):
    def __init__(self) -> None:
        import paddle

        self.library = paddle

    def names(self) -> dict[str, Any]:
        return {"paddle": self.library}

    def leaf(self, value: Any) -> Any:
        value.stop_gradient = not value.is_floating_point()
        return value

    def differentiate(self, run: str, scope: dict[str, Any], point: dict[str, Any]) -> Outcome:
        result = self.evaluate(run, {**scope, **point}).sum()
        result.backward()
        gradients = [value.grad for value in point.values() if value.grad is not None]
        finite = all(bool(self.library.isfinite(each).all()) for each in gradients)
        return Outcome(bool(self.library.isfinite(result)), finite)


_FRAMEWORKS: dict[str, type[_Framework]] = {
    "torch": _Torch,
    "jax": _Jax,
    "tensorflow": _TensorFlow,
    "paddle": _Paddle,
}
