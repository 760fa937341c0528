"""Writes docs/cli.md from what `typewright --help` says; `--check` only says whether it is up to date."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from typewright.cli.arguments import Parser, build_parser

PAGE = Path(__file__).with_name("cli.md")
WIDTH = "100"
INTRODUCTION = """\
# Command line

This page is made by `docs/generate_cli.py` from the help of each command.

Results go to stdout; notes, summaries and progress bars (on a terminal only) to stderr. `--json` prints one
JSON object a line. Lines and columns are 1-based, columns in characters. Exit codes: 0 done, 1 findings
(`check`, `annotate --diff`), 2 wrong use or bad input with one line that says what, 130 interrupted. Nothing
is ever left half-written.
"""


def page() -> str:
    """The page as it should be."""
    os.environ["COLUMNS"] = WIDTH
    sections = [INTRODUCTION]
    sections += [
        f"## {title}\n\n```text\n{parser.format_help()}```\n" for title, parser in parsers(build_parser())
    ]
    return "\n".join(sections)


def parsers(parser: Parser) -> Iterator[tuple[str, Parser]]:
    """Every command with its parser, in the order of the help."""
    yield parser.prog, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
