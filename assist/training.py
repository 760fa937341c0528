"""Training a model, as `typewright train` asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError


def train(
    what: str, config: Path, *, progress: Progress | None = None, cancel: CancelToken = NEVER
) -> Mapping[str, object]:
    """Train `what` as the TOML file `config` says, and return its report; resumes a run that was stopped.

    Raises TypewrightError for an unknown kind of model or a configuration that cannot be used.
    """
    if not config.is_file():
        raise TypewrightError(f"{config}: no such file.")
    from typewright.models.training import run

    return run(what, config, progress=progress, cancel=cancel)
