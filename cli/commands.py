"""The commands: each takes the parsed options, calls `assist`, prints, and returns the exit code."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from typewright.cli.code import annotate, check, types
from typewright.cli.knowledge import describe, doctor, index, recommend
from typewright.cli.models import complete, models, train


def serve(options: Namespace) -> int:
    """Run the language server until the client ends it."""
    from typewright.lsp.server import run

    return run(options.tcp)


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "index": index,
    "types": types,
    "annotate": annotate,
    "recommend": recommend,
    "complete": complete,
    "check": check,
    "describe": describe,
    "serve": serve,
    "models": models,
    "train": train,
    "doctor": doctor,
}
