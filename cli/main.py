"""The entry point: parses arguments, runs a command of `cli.commands`, turns every end into an exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from typewright.cli.arguments import parse
from typewright.cli.output import discard_output

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
    except BrokenPipeError:  # the reader has gone (`| head`)
        discard_output()
        return BROKEN_PIPE
    except OSError as error:  # a path that no system call takes, a full disk behind the output
        discard_output()
        name = f"{error.filename}: " if error.filename else ""
        print(f"typewright: {name}{error.strerror or error}.", file=sys.stderr)
        return 2


def _run(name: str, options: Namespace) -> int:
    from typewright.cli.commands import COMMANDS
    from typewright.indexer.errors import Cancelled, TypewrightError

    try:
        code = COMMANDS[name](options)
        print(end="", flush=True)  # here, where a failure can still be told
    except TypewrightError as error:
        print(f"typewright: {error}", file=sys.stderr)
        return 2
    except Cancelled:
        raise KeyboardInterrupt from None
    return code


if __name__ == "__main__":
    sys.exit(main())
