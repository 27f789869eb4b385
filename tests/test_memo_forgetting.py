"""Answers found with a stand-in: forgotten, until that costs too much."""

from __future__ import annotations

import gc

import pytest

from trainlint.analysis.evaluation import memo as memo_module
from trainlint.analysis.evaluation.memo import Memo
from trainlint.pipeline.garbage import patient


def ask_inner_of_outer(memo: Memo) -> None:
    """Ask `outer`, which asks `inner`, which asks `outer` again and gets a stand-in."""
    outer = memo.open("outer")
    inner = memo.open("inner")
    memo.cut("outer")
    memo.close("inner", inner, "found with a stand-in")
    assert memo.get("inner") == "found with a stand-in"
    memo.close("outer", outer, "answer")


def test_what_hangs_on_a_stand_in_is_forgotten() -> None:
    memo = Memo()
    ask_inner_of_outer(memo)
    assert (memo.get("outer"), memo.get("inner")) == ("answer", None)


def test_beyond_the_limit_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo_module, "MAX_FORGOTTEN", 0)
    memo = Memo()
    ask_inner_of_outer(memo)
    assert (memo.get("outer"), memo.get("inner")) == ("answer", "found with a stand-in")


def test_the_collector_is_patient_only_in_the_block() -> None:
    before = gc.get_threshold()
    with patient():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
