"""Opening the workspace that a command is about."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from typewright.assist.session import Session, Settings, find_root
from typewright.cli.output import progress_bar, say
from typewright.indexer.errors import TypewrightError


@contextmanager
def workspace(options: Namespace, paths: Sequence[Path], *, read: bool = True) -> Iterator[Session]:
    """Open the session that holds `paths`, bring its index up to date (`read`), and close it at the end.

    What the user should know (weights missing, a damaged index rebuilt) is said on stderr at the end.
    """
    with Session(options.root or find_root(paths), settings=settings(options)) as session:
        if read:
            with progress_bar() as progress:
                session.refresh(progress=progress)
        try:
            yield session
        finally:
            for text in session.notices:
                say(f"note: {text}")


def check_place(session: Session, path: Path, line: int, column: int = 1) -> None:
    """Raise TypewrightError where a file has no such line or column (the one behind the last is one)."""
    lines = session.snapshot().syntax(path.absolute()).lines
    if line > len(lines):
        raise TypewrightError(f"{path} has no line {line}.")
    if column > len(lines[line - 1].rstrip("\r\n")) + 1:
        raise TypewrightError(f"{path}:{line} has no column {column}.")


def settings(options: Namespace) -> Settings:
    """Return the settings that the options of a command stand for."""
    return Settings(
        python=options.python,
        cache=options.cache,
        device=getattr(options, "device", "auto"),
        language_model=getattr(options, "model", None),
        neural=not getattr(options, "no_neural", False),
    )
