"""Workspaces for the tests of assist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from typewright.assist.session import Session, Settings

Opener = Callable[..., Session]


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator[Opener]:
    """Write files and open a session over them; without guesses unless the test asks for them."""
    opened: list[Session] = []

    def open_(files: Mapping[str, str], *, neural: bool = False) -> Session:
        root = tmp_path / "project"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        session = Session(root, settings=Settings(cache=tmp_path / "cache", neural=neural))
        opened.append(session)
        return session

    yield open_
    for session in opened:
        session.close()
