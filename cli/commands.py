"""The commands: each takes the parsed options, calls `assist`, prints, and returns the exit code."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

from typewright.cli.code import annotate, check, types
from typewright.cli.knowledge import describe, doctor, index, recommend
from typewright.cli.models import complete, models, train


def serve(options: Namespace) -> int:
    """Run the language server until the client ends it."""
    # By name: the command line and the server share nothing, one only starts the other.
    server = import_module("typewright.lsp.server")
    code: int = server.run(options.tcp)
    return code


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
