"""The config that `@hydra.main` hands to the function it decorates.

https://hydra.cc/docs/tutorials/basic/your_first_app/config_file/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.hydra_defaults import Composer
from trainlint.analysis.evaluation.values import Frame, Resolved, Site, unknown
from trainlint.analysis.facts import Parameter

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_PARAMETERS = [Parameter(name, "normal", True) for name in ("config_path", "config_name", "version_base")]


def handed_config(evaluator: Evaluator, frame: Frame, name: str) -> Resolved | None:
    """What the first parameter of a decorated function holds; None for any other parameter or function."""
    facts = frame.facts
    if not facts.params or facts.params[0].name != name:
        return None
    for event in facts.events:
        callee = frame.term(frame.term(event.term).args[0]) if event.kind == "call" else None
        if callee is None or callee.op != "global" or not callee.name.endswith("hydra.main"):
            continue
        given = evaluator.binder.bind(frame, event.term, _PARAMETERS)
        folder, config = given.get("config_path"), given.get("config_name")
        if config is None or not isinstance(config.value, str):
            return unknown("the name of Hydra's config is not constant")
        place = folder.value if folder is not None and isinstance(folder.value, str) else ""
        at = frame.span(event.term)
        layers = Composer(evaluator, place, facts.path, at).compose(config.value)
        if len(layers) == 1:
            return layers[0]
        return Resolved("overlay", items=tuple(layers), site=Site(facts.path, facts.qualname, event.term))
    return None
