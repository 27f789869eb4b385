"""What the values of settings may be: domains.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class Domain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The values of one kind of setting. `domains.json` says what each field means."""

    title: str
    why: str
    hint: str
    paths: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    unit: str = ""
    words: tuple[str, ...] = ()
    beside_rate: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_maximum: float | None = None
    sentinels: tuple[float, ...] = ()
    refused: tuple[float, ...] = ()

    def refuses(self, value: float) -> bool:
        """Whether a value is none that the setting may have. NaN is."""
        if value in self.sentinels:
            return False
        if value in self.refused or value != value:
            return True
        too_low = self.minimum is not None and value < self.minimum
        too_high = self.maximum is not None and value > self.maximum
        return too_low or too_high or (self.exclusive_maximum is not None and value >= self.exclusive_maximum)

    @property
    def range(self) -> str:
        """Where the values lie, in words; "" where only single ones are refused."""
        low = f"{self.minimum:.10g}" if self.minimum is not None else ""
        if self.exclusive_maximum is not None:
            return f"from {low} to below {self.exclusive_maximum:.10g}"
        return (
            f"from {low} to {self.maximum:.10g}" if self.maximum is not None else low and f"at {low} or above"
        )


@cache
def domains() -> tuple[Domain, ...]:
    """All that is known."""
    text = resources.files("trainlint.knowledge").joinpath("domains.json").read_text("utf-8")
    return msgspec.convert(json.loads(text)["rows"], tuple[Domain, ...])
