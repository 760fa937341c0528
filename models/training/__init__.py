"""What `typewright train` runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

AVAILABLE = ("corpus", "type-model", "exits", "beginning", "python-model")


def run(
    what: str, config: Path, *, progress: Progress | None = None, cancel: CancelToken = NEVER
) -> Mapping[str, object]:
    """Run a training and return its report.

    `corpus` fetches the sources that the configuration of the type model lists, the only step that needs a
    network; `type-model` trains the type model, `exits` what stands beside a language model;
    `beginning` makes a tokenizer and an untrained model of our own, and `python-model` trains it. Raises
    `TypewrightError` for anything else and for bad configurations.
    """
    if what not in AVAILABLE:
        raise TypewrightError(f"training of {what} is not available yet; there are {', '.join(AVAILABLE)}")
    if what in ("exits", "python-model"):
        from . import exits, exits_config

        return exits.train(exits_config.read_config(config), progress=progress, cancel=cancel)
    if what == "beginning":
        from . import beginning

        target = beginning.begin(beginning.read_plan(config), progress=progress, cancel=cancel)
        return {"model": str(target)}
    from . import packages, type_model

    settings = type_model.read_config(config)
    if what == "type-model":
        return type_model.train(settings, progress=progress, cancel=cancel)
    if settings.corpus is None:
        raise TypewrightError(f"{config} names no folder for the corpus")
    listed = packages.read_packages(settings.packages)
    packages.fetch(listed, settings.corpus, progress=progress, cancel=cancel)
    return {"corpus": str(settings.corpus), "packages": len(listed)}
