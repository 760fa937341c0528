"""Runs one tool on one folder, so that what it takes can be told: worker.py TOOL FOLDER SCRATCH OUTPUT."""

from __future__ import annotations

import sys
from pathlib import Path

from peers import PEERS
from tools import Tool, Typewright, save

TOOLS: tuple[Tool, ...] = (Typewright(neural=True), Typewright(neural=False), *PEERS)


def main() -> None:
    """The tool by its name."""
    name, folder, scratch, output = sys.argv[1:]
    tool = next(tool for tool in TOOLS if tool.name == name)
    save(tool.types(Path(folder).resolve(), Path(scratch).resolve()), Path(output))


if __name__ == "__main__":
    main()
