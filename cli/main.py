"""The entry point: parses arguments, runs a command of `cli.commands`, turns every end into an exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from typewright.cli.arguments import parse

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `typewright` and return its exit code: 0 done, 1 findings, 2 wrong use or bad input."""
    try:
        options = parse(arguments)
        return _run(options.command, options)
    except KeyboardInterrupt:
        print("typewright: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`): what Python would still flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(name: str, options: Namespace) -> int:
    from typewright.cli.commands import COMMANDS
    from typewright.indexer.errors import Cancelled, TypewrightError

    try:
        code = COMMANDS[name](options)
        sys.stdout.flush()
    except TypewrightError as error:
        print(f"typewright: {error}", file=sys.stderr)
        return 2
    except Cancelled:
        raise KeyboardInterrupt from None
    return code


if __name__ == "__main__":
    sys.exit(main())
