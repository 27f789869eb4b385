"""Values that are drawn at random, and nothing else: all of them equal, or all zero, does not happen."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.analysis.facts import Term
from trainlint.knowledge.roles import words_of

_DRAWS = frozenset(
    "randn rand normal uniform kaiming xavier orthogonal gaussian init initialize initialise random".split()
)
"""Words in the names of functions that draw: `torch.randn_like`, `init.kaiming_uniform_`, `_kaiming_init`."""
_MOST = 60


def is_drawn(terms: Sequence[Term], index: int) -> bool:
    """Whether a term is made from random draws, and from nothing that was handed in or is stored elsewhere.

    What the draws themselves are made with, a shape or a generator, is not asked.
    """
    seen, stack, drawn = {index}, [index], False
    while stack and len(seen) < _MOST:
        term = terms[stack.pop()]
        parts = term.args
        if term.op == "call":
            callee = terms[term.args[0]]
            if not _DRAWS.isdisjoint(words_of(callee.name.rpartition(".")[2])):
                drawn = True
                continue
            if callee.op not in ("attr", "global") or "::" in callee.name:
                return False
            parts = (*callee.args, *term.args[1:])
        elif term.op == "comp":
            # The last is what it goes through: how often is drawn.
            parts = term.args[:-1]
        elif not parts and term.op != "const":
            return False
        stack += [part for part in parts if part not in seen]
        seen.update(parts)
    return drawn and not stack
