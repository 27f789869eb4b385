"""Plain lists, tuples and dicts as terms: how one began, what it was before, what it holds."""

from __future__ import annotations

from collections.abc import Callable

from trainlint.analysis.facts import Term
from trainlint.analysis.structure.scene import Scene

MOST_TERMS = 400
_MOST_NESTED = 12
_MAKERS = frozenset({"builtins.list", "builtins.tuple", "builtins.dict"})


_TAKEN = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children clear compile cpu cuda double "
    "dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half "
    "ipu items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters "
    "parameters pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook "
    "register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook "
    "register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to "
    "to_empty train training type update values xpu zero_grad".split()
)
"""Attributes of `torch.nn.ModuleDict`, which refuses a module under such a key."""


def is_collection(scene: Scene, index: int, depth: int = 0) -> bool:
    """Whether a term is a plain collection for certain."""
    term = scene.terms[index]
    if depth > _MOST_NESTED:
        return False
    if term.op in ("list", "tuple", "dict", "set"):
        return True
    if term.op == "comp":
        return term.name in ("list", "dict", "set")
    if term.op in ("update", "setitem", "loop"):
        return is_collection(scene, term.args[0], depth + 1)
    if term.op == "if":
        return all(is_collection(scene, each, depth + 1) for each in term.args[1:])
    if term.op == "bin" and term.name in ("+", "*"):
        return any(is_collection(scene, each, depth + 1) for each in term.args)
    return term.op == "call" and scene.name(term.args[0]) in _MAKERS


def held_calls(scene: Scene, container: int) -> list[int]:
    """The calls whose results a collection holds, in the order they are written."""

    def makes_an_element(term: Term) -> bool:
        return term.op == "call" and scene.name(term.args[0]) not in _MAKERS

    reached = _reached(scene, container, lambda term: () if makes_an_element(term) else _held(term))
    return sorted(index for index in reached if makes_an_element(scene.terms[index]))


def _reached(scene: Scene, start: int, further: Callable[[Term], tuple[int, ...]]) -> set[int]:
    """A term and all that further terms are come to from it."""
    waiting, found = [start], set[int]()
    while waiting and len(found) < MOST_TERMS:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += further(scene.terms[index])
    return found


def _held(term: Term) -> tuple[int, ...]:
    """The terms that a collection's term is made of: its elements and values, what it was before."""
    if term.op in ("list", "tuple", "set", "star", "update", "bin"):
        return term.args
    if term.op == "dict":
        return term.args[1::2]
    if term.op == "setitem":
        return (term.args[0], term.args[2])
    if term.op == "loop":
        return term.args[:2]
    if term.op in ("if", "call"):
        return term.args[1:]
    return term.args[:-1] if term.op == "comp" else ()


def before_loop(scene: Scene, index: int) -> int:
    """The term before the loops that rebind it."""
    while scene.terms[index].op == "loop":
        index = scene.terms[index].args[0]
    return index


def beginning(scene: Scene, container: int) -> int:
    """The display or comprehension that a collection began as."""
    for _ in range(MOST_TERMS):
        term = scene.terms[container]
        if term.op not in ("update", "setitem", "loop"):
            break
        container = term.args[0]
    return container


def history(scene: Scene, container: int) -> set[int]:
    """The collection and what it was before it was changed."""

    def before(term: Term) -> tuple[int, ...]:
        if term.op in ("update", "setitem"):
            return term.args[:1]
        return term.args[:2] if term.op == "loop" else ()

    return _reached(scene, container, before)


def has_text_keys(scene: Scene, container: int) -> bool:
    """Whether every key of a mapping is a text that may be the name of a module."""
    for index in history(scene, container):
        term = scene.terms[index]
        if term.op == "comp":
            return False
        keys = term.args[0::2] if term.op == "dict" else term.args[1:2] if term.op == "setitem" else ()
        for key in keys:
            value = scene.terms[key].value
            if not isinstance(value, str) or "." in value or not value or value in _TAKEN:
                return False
    return True
