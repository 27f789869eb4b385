"""A seed that a program offers to its user, as an option or in its config, and that reaches no generator."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.flags import FLAGS
from trainlint.analysis.evaluation.options import Option
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Term
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import absent
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_NAMES = frozenset({"seed", "random_seed", "manual_seed", "manualSeed", "rng_seed", "global_seed"})
"""What the seed of a whole run is called; all of them make a unit worth a close reading."""

_SECTIONS = ((), ("train",), ("training",), ("trainer",), ("general",), ("experiment",), ("solver",))
_KEEPING = frozenset(
    "print pprint log info debug warning write format join str repr print_args save dump dumps"
    " add_text add_hparams save_hyperparameters log_hyperparams log_params set_description".split()
)
"""Last parts of the names of calls that only write down what they are given."""

_BY_NAME = frozenset({"builtins.getattr", "builtins.setattr", "builtins.vars"})
_ALL_KEYS = frozenset({"items", "values", "_get_kwargs", "copy"})
_MAX_DEPTH = 8


class UnusedSeeds:
    """Looks for the seeds of one program that nothing takes."""

    def __init__(self, seen: Observations, training: Training, seeding: Seeding) -> None:
        self.seen = seen
        self.training = training
        self.seeding = seeding

    def unused(self) -> Value:
        """`repro.unused_seed`: the option or key, where certainly no generator gets its value; else off."""
        nothing = absent(self.seeding.at)
        offered = next(self._offered(), None)
        if offered is None or self.seeding.unread_files():
            return nothing
        name, shown, span, elsewhere = offered
        if any(self._takes_name(call, name) for call, _ in self.seeding.seeds):
            return nothing
        reads = list(self._reads(name))
        if (elsewhere and not reads) or self._handed_out() or any(self._may_seed(read) for read in reads):
            return nothing
        link = tuple(Link(where, "read here only") for where in self._places(reads))
        return Value(shown, State.EXPLICIT, span=span, chain=link[:2])

    def _takes_name(self, call: Call, name: str) -> bool:
        """Whether a seed is read under that name, or was given that option."""
        for argument in call.frame.term(call.term).args[1:]:
            value = self.seen.evaluator.value(call.frame, argument)
            if name in value.words or name in self.seen.texts(call.frame, argument):
                return True
        return False

    def _offered(self) -> Iterator[tuple[str, str, Span, bool]]:
        """(name it is read under, as a user writes it, place, whether others may be meant by it)."""
        for dest, options in self.seen.evaluator.options.declared().items():
            if dest in _NAMES:
                yield from self._option(dest, options)
        for name in sorted(_NAMES):
            flag = self.seen.evaluator.flags.flag(name)
            span = flag.origins[0].span if flag.kind == "const" and flag.origins else None
            if span is not None:
                yield name, f"--{name}", span, False
        for path in sorted(self.seen.program.configs.read):
            for section in _SECTIONS:
                for name in sorted(_NAMES):
                    value = self.seen.program.configs.get(Resolved("config", name=path, keys=section), name)
                    span = value.origins[0].span if value.kind == "const" and value.origins else None
                    if span is not None and value.is_number:
                        yield name, f"{name} in {path}", span, not self._becomes_options(path)

    def _option(self, dest: str, options: list[Option]) -> Iterator[tuple[str, str, Span, bool]]:
        reach = self.seen.program.reach
        reached = [each for each in options if each.at is not None and (each.path, each.qualname) in reach]
        if len(reached) == 1 and reached[0].at is not None:
            yield dest, reached[0].default.option or f"--{dest}", reached[0].at, False

    def _reads(self, name: str) -> Iterator[tuple[Frame, int]]:
        """Every expression that reads an attribute or a key of that name, or a parameter called so."""
        for frame in self.seen.frames:
            stored = {
                event.term
                for event in self.seen.program.events(frame.facts)
                if event.kind == "store-attr" and event.name == name
            }
            for index, term in enumerate(frame.facts.terms):
                if index not in stored and self._is_read(frame, term, name):
                    yield frame, index

    @staticmethod
    def _is_read(frame: Frame, term: Term, name: str) -> bool:
        if term.op == "attr":
            base = frame.term(term.args[0])
            library = base.op == "global" and "::" not in base.name and base.name != FLAGS
            return term.name == name and not library
        if term.op == "item":
            return frame.term(term.args[1]).value == name
        return term.op == "call" and any(frame.term(each).value == name for each in term.args[1:3])

    def _handed_out(self) -> bool:
        """Whether all options or a whole config go to something that was not read, or are unpacked."""
        return any(self._hands_out(call) for call in self.seen.calls)

    def _hands_out(self, call: Call) -> bool:
        record = call.frame.term(call.term)
        given = list(zip(record.keys, record.args[1:], strict=True))
        if any(key in ("*", "**") and self._holds_all(call.frame, each) for key, each in given):
            return True
        if call.name in _BY_NAME:
            return not self._only_kept(call)
        if call.method and call.name in _ALL_KEYS:
            receiver = call.frame.term(record.args[0]).args[0]
            return self._holds_all(call.frame, receiver) and not self._declares(call)
        unread = not call.method and "::" not in call.name and call.entry is None
        if not unread or (call.name and self.seen.evaluator.knowledge.inert(call.name, "seed")):
            return False
        return any(self._holds_all(call.frame, each) for _, each in given)

    def _only_kept(self, call: Call) -> bool:
        """Whether `vars(args)` goes nowhere but into calls that write it down, or `getattr` names another
        thing."""
        record = call.frame.term(call.term)
        if call.name != "builtins.vars":
            named = call.frame.term(record.args[2]).value if len(record.args) > 2 else None
            return isinstance(named, str)
        return all(
            self._keeps(other)
            for other in self.seen.calls
            if other.frame is call.frame and other.term != call.term and self._takes(other, call.term)
        )

    def _declares(self, call: Call) -> bool:
        """Whether what is gone through becomes options: `for k, v in config.items(): add_argument(…)`."""
        loops = [index for index, loop in enumerate(call.frame.facts.loops) if loop.source == call.term]
        return any(
            other.frame is call.frame and other.event.loop in loops
            for other in self.seen.methods("add_argument")
        )

    def _becomes_options(self, path: str) -> bool:
        """Whether each key of a config becomes an option of the program."""
        for call in self.seen.methods("items"):
            receiver = self.seen.evaluator.receiver(call.frame.facts, call.event)
            configs = (leaf.name for leaf in receiver.alternatives() if leaf.kind == "config")
            if path in configs and self._declares(call):
                return True
        return False

    def _holds_all(self, frame: Frame, index: int, depth: int = 0) -> bool:
        """Whether an expression is all options or a config, or contains them."""
        value = self.seen.evaluator.value(frame, index)
        if any(leaf.kind in ("namespace", "config") for leaf in value.alternatives()):
            return True
        term = frame.term(index)
        inner = term.op in ("tuple", "list", "dict", "star", "call")
        return inner and depth < 3 and any(self._holds_all(frame, each, depth + 1) for each in term.args)

    def _may_seed(self, read: tuple[Frame, int], depth: int = 0) -> bool:
        """Whether what an expression holds goes anywhere but into a record or a comparison."""
        frame, index = read
        if depth > _MAX_DEPTH:
            return True
        for call in self.seen.calls:
            if call.frame is frame and call.term != index and self._takes(call, index):
                if self._keeps(call):
                    continue
                targets = list(self.training.targets(call))
                if not targets or any(self._passed_on(call, place, index, depth) for place in targets):
                    return True
        returned = any(self._holds(frame, back.term, index) for back in frame.facts.returns)
        return returned or self._stored(frame, index)

    def _passed_on(self, call: Call, place: Place, index: int, depth: int) -> bool:
        """Whether a function of the project does more with the argument than write it down."""
        frame = self.seen.evaluator.root(*place)
        if frame is None:
            return True
        passed = self.seen.evaluator.binder.passed(call.frame, call.term, frame.facts).terms
        names = {name for name, (where, each) in passed.items() if where is call.frame and each == index}
        if not names:
            return True
        return any(
            self._may_seed((frame, each), depth + 1)
            for each, term in enumerate(frame.facts.terms)
            if term.op == "param" and term.name in names
        )

    def _keeps(self, call: Call) -> bool:
        simple = call.name.rpartition(".")[2]
        return simple in _KEEPING or not {"print", "log", "write"}.isdisjoint(words_of(simple))

    def _takes(self, call: Call, index: int) -> bool:
        record = call.frame.term(call.term)
        return any(self._holds(call.frame, each, index) for each in record.args[1:])

    def _holds(self, frame: Frame, index: int, wanted: int, depth: int = 0) -> bool:
        """Whether an expression contains another one, other than inside of a call of its own."""
        if index == wanted:
            return True
        term = frame.term(index)
        # What another call makes of it is judged at that call.
        if depth > _MAX_DEPTH or term.op in ("call", "cmp"):
            return False
        return any(self._holds(frame, each, wanted, depth + 1) for each in term.args)

    def _stored(self, frame: Frame, index: int) -> bool:
        """Whether it is put into a container or under another name of an object."""
        for event in self.seen.program.events(frame.facts):
            if event.kind == "store-item" and self._holds(frame, event.value, index):
                return True
            kept = event.kind in ("store-attr", "store-global") and self._holds(frame, event.value, index)
            if kept and event.name.rpartition("::")[2] not in _NAMES:
                return True
        return False

    @staticmethod
    def _places(reads: list[tuple[Frame, int]]) -> list[Span]:
        return [span for frame, index in reads if (span := frame.span(index)) is not None]
