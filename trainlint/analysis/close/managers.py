"""What the context managers of `with` are: regions that frameworks know, and others."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trainlint.analysis.facts import Term
from trainlint.knowledge.base import Knowledge


def region_of(terms: Sequence[Term], manager: int, knowledge: Knowledge) -> str:
    """The name of the region that a known manager opens, such as no_grad; "" for all others."""
    term = terms[manager]
    callee = terms[term.args[0]] if term.op == "call" else term
    if callee.op != "global":
        return ""
    entry = knowledge.lookup(callee.name)
    return str(entry.extra.get("name", "")) if entry is not None and entry.kind == "context" else ""


def other_manager(terms: Sequence[Term], manager: int, knowledge: Knowledge) -> str:
    """The name of a manager whose effect is not known, "?" where it has none; "" for those of Python and
    of known frameworks."""
    term = terms[manager]
    callee = terms[term.args[0]] if term.op == "call" else term
    if callee.op == "attr":
        return callee.name
    if callee.op != "global" or "::" in callee.name:
        return "?"
    head = callee.name.partition(".")[0]
    known = head in sys.stdlib_module_names or head == "builtins"
    if known or knowledge.framework(callee.name) is not None:
        return ""
    return callee.name.rpartition(".")[2]
