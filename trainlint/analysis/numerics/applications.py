"""What calling a value does: activations handed on by name, layers, modules that end in an activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics.lattice import Kind, Value
from trainlint.analysis.numerics.operation import TRANSFERS, Operation
from trainlint.knowledge.base import Entry, Knowledge

APPLIES = "applies"
"""Kind of the summary of a function that gives what one of its parameters makes of something."""

_DEPTH = 6
_VALUE_CLASSES = frozenset({"learned", "literal", "same"})
_SEQUENCES = frozenset({"Sequential", "SequentialCell"})


class Applications:
    """Names what the value of a term does when it is called: an absolute name, or "" where that is unknown.

    "path::C" is an object of a class of the project.
    """

    def __init__(self, terms: Sequence[Term], knowledge: Knowledge, attribute: Callable[[str], str]) -> None:
        self._terms = terms
        self._knowledge = knowledge
        self._attribute = attribute

    def name(self, index: int, depth: int = _DEPTH) -> str:
        """What calling the value of this term does."""
        term = self._terms[index]
        if depth == 0:
            return ""
        if term.op == "const":
            return f"keras.activations.{term.value}" if isinstance(term.value, str) else ""
        if term.op == "global":
            return term.name
        if term.op == "attr":
            owner = self._terms[term.args[0]]
            return self._attribute(term.name) if owner.op == "param" and owner.name == "self" else ""
        if term.op == "call":
            return self._of_object(term, depth)
        if term.op == "if":
            # Where one branch gives nothing to apply, the other decides.
            names = {self.name(branch, depth - 1) for branch in term.args[1:]} - {""}
            return names.pop() if len(names) == 1 else ""
        return ""

    def _of_object(self, term: Term, depth: int) -> str:
        """What calling the object does that a call makes: `nn.Softmax(dim=1)`, `Dense(8, activation=f)`."""
        callee = self._terms[term.args[0]]
        last = callee.name.rpartition(".")[2].rpartition("::")[2]
        if callee.op != "global" or not last[:1].isupper():
            return ""
        if last in _SEQUENCES:
            return self._last_of(term, depth)
        if "::" in callee.name:
            return callee.name
        entry = self._knowledge.lookup(callee.name)
        if entry is None:
            return callee.name if ".nn." in callee.name else ""
        if entry.transfer in _VALUE_CLASSES:
            return ""
        activation = self.activation(term, entry)
        return activation or callee.name

    def activation(self, term: Term, entry: Entry) -> str:
        """The activation that a call names for the layer it makes or is; "" for none or an unknown one."""
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if entry.renamed.get(key, key) == "activation":
                return self.name(argument)
        names = [param.name for param in entry.params]
        place = names.index("activation") if "activation" in names else -1
        positional = [argument for key, argument in zip(term.keys, term.args[1:], strict=True) if not key]
        if 0 <= place < len(positional):
            return self.name(positional[place])
        default = entry.extra.get("activation", "")
        return default if isinstance(default, str) else ""

    def _last_of(self, term: Term, depth: int) -> str:
        """What the last of a sequence of modules does."""
        if not term.keys or term.keys[-1] not in ("", "layers"):
            return ""
        last = self._terms[term.args[-1]]
        if last.op in ("list", "tuple") and last.args:
            return self.name(last.args[-1], depth - 1)
        return self.name(term.args[-1], depth - 1)

    def applied(self, name: str, value: Value, index: int) -> Value | None:
        """What a framework's function or layer makes of a value; None for a name without a transfer."""
        entry = self._knowledge.lookup(name)
        if entry is None or entry.transfer not in TRANSFERS:
            return None
        kind = value.kind if value.kind in (Kind.TENSOR, Kind.ARRAY) else Kind.TENSOR
        return TRANSFERS[entry.transfer](
            Operation(index, entry, {"input": index}, lambda _: value, kind, same=False)
        )
