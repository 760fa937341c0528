"""Findings as a user sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typewright.assist.check import Finding, check, severity
from typewright.assist.edits import apply
from typewright.assist.session import Session, Settings
from typewright.indexer.cancellation import Cancelled, CancelToken


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    root = tmp_path / "workspace"
    root.mkdir()
    with Session(root, settings=Settings(cache=tmp_path / "cache", neural=False)) as session:
        yield session


def findings(session: Session, text: str) -> list[Finding]:
    path = session.root / "main.py"
    return list(check(session, [path], overlay={path: text}))


def test_the_nearest_name_repairs_the_code(session: Session) -> None:
    text = """
import json
json.dumpss({})
"".splitlines(keepend=True)
from os import pathh
import jsonn
"""
    for finding in findings(session, text):
        text = apply(text, [finding.replacements[0]])
    assert (
        text
        == """
import json
json.dumps({})
"".splitlines(keepends=True)
from os import path
import json
"""
    )


def test_whoever_writes_any_is_not_asked(session: Session) -> None:
    text = """
import typing
from json import JSONDecoder
from typing import Any

def decode(text: str) -> JSONDecoder: ...

one = decode("")
other: Any = decode("")
third: typing.Any = decode("")
other.codes, third.codes
one.codes
"""
    assert [finding.span.line for finding in findings(session, text)] == [12]


def test_messages(session: Session) -> None:
    text = "import json, os.paths, zzzzz\njson.dumpss({})\nos.makedirs('a', qqqqqqqq=2)\n"
    assert [finding.message for finding in findings(session, text)] == [
        "os has no module 'paths'; did you mean 'path'?",
        "No module 'zzzzz' is installed here.",
        "json has no member 'dumpss'; did you mean 'dumps'?",
        "os.makedirs() takes no keyword argument 'qqqqqqqq'.",
    ]


def test_open_buffers_hide_files(session: Session) -> None:
    path = session.root / "main.py"
    path.write_text("import json\njson.dumpss({})\n")
    session.refresh()
    assert [finding.name for finding in check(session, [path])] == ["dumpss"]
    assert list(check(session, [path], overlay={path: "import json\njson.dumps({})\n"})) == []


def test_ignore_comments(session: Session) -> None:
    text = """
import json
json.one()  # typewright: ignore
json.two()  # typewright: ignore[member, keyword]
json.three()  # typewright: ignore[absent-member]
json.four()  # typewright: ignore[import]
json.five()  # typewright: ignored
"""
    assert [finding.name for finding in findings(session, text)] == ["four", "five"]
    assert findings(session, "# typewright: ignore-file\n" + text) == []


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_checked(session: Session) -> None:
    binary, good = session.root / "binary.py", session.root / "good.py"
    binary.write_bytes(b"\0\1\2")
    good.write_text("import json\njson.dumpss\n")
    session.refresh()
    assert [finding.name for finding in check(session, [binary, good])] == ["dumpss"]
    assert any("binary.py" in notice for notice in session.notices)


def test_severity_follows_confidence(session: Session) -> None:
    found = findings(session, "import json\njson.dumpss\ndef f():\n    import not_installed_\n")
    assert [finding.severity for finding in found] == ["error", "information"]
    assert severity(0.8) == "warning"


def test_a_check_can_be_cancelled(session: Session) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(check(session, [session.root / "main.py"], overlay={}, cancel=cancel))
