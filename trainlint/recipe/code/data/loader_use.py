"""One use of a data loader: where it is made, and with what."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.recipe.code.observe import Call


@dataclasses.dataclass(slots=True)
class Use:
    """One loader: the call that makes it, as one of the calls of the function around it does."""

    call: Call
    made: Resolved
    bound: dict[str, Resolved]
    complete: bool

    def argument(self, field: str) -> Resolved | None:
        """What is passed for a recipe field; None where nothing is."""
        entry = self.call.entry
        return self.bound.get(entry.fields.get(field, "")) if entry is not None else None

    @property
    def shuffles_by_default(self) -> bool:
        """What not passing `shuffle` means."""
        return self.call.entry is not None and self.call.entry.default("shuffle") is True

    @property
    def span(self) -> Span | None:
        """Where the loader is made."""
        return self.call.span

    def given_sampler(self) -> Resolved | None:
        """The sampler or batch sampler that is passed; None where none is."""
        for field in ("sampler", "batch_sampler"):
            value = self.argument(field)
            if (
                value is not None
                and not (value.kind == "const" and value.value is None)
                and value.kind != "absent"
            ):
                return value
        return None
