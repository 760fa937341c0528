"""How a file would write the types that the model names."""

from __future__ import annotations

import ast

import pytest
from typewright.assist.known_types import Spelling
from typewright.assist.spelling import ModuleNames


@pytest.mark.parametrize(
    ("code", "guess", "expected"),
    [
        ("", "datetime", ("datetime", (("datetime", "datetime"),))),
        ("from datetime import datetime", "list[datetime]", ("list[datetime]", ())),
        # a module is no type, and what is in it has its name before it
        ("import datetime", "list[datetime]", ("list[datetime.datetime]", ())),
        ("import datetime", "timedelta", ("timedelta", (("datetime", "timedelta"),))),
        ("import clock as datetime", "datetime", None),
        ("import clock.datetime as datetime", "datetime", None),
        ("try:\n    import socket\nexcept ImportError:\n    socket = None", "socket", ("socket.socket", ())),
        ("import tarfile", "tarfile", None),
    ],
)
def test_types_are_written_as_the_file_names_them(
    code: str, guess: str, expected: tuple[str, tuple[tuple[str, str], ...]] | None
) -> None:
    names = ModuleNames(ast.parse(code), "module", is_package=False, is_stub=False)
    annotation = Spelling(names, {}, lambda _: True).annotation(guess)
    assert (annotation and (annotation.text, annotation.imports)) == expected
