"""Text edits, diffs and atomic writes."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from typewright.assist.edits import (
    CannotWrite,
    FileChanged,
    SourceFile,
    TextEdit,
    apply,
    replace_file,
    unified_diff,
)
from typewright.indexer.errors import TypewrightError
from typewright.indexer.source import Span


def test_edits_are_made_wherever_they_stand_in_the_list() -> None:
    edits = [TextEdit(Span(2, 1, 2, 4), "two"), TextEdit.insert(1, 4, "!"), TextEdit.insert(3, 1, "end\n")]
    assert apply("one\nTWO\n", edits) == "one!\ntwo\nend\n"


def test_insertions_at_one_place_keep_their_order() -> None:
    assert apply("x", [TextEdit.insert(1, 2, "a"), TextEdit.insert(1, 2, "b")]) == "xab"


def test_columns_count_characters_not_bytes() -> None:
    assert apply("é = '😀'; b", [TextEdit(Span(1, 10, 1, 11), "c")]) == "é = '😀'; c"


def test_form_feeds_and_line_separators_do_not_end_a_line() -> None:
    assert apply("a\x0cb\u2028c\nd", [TextEdit.insert(2, 1, "-")]) == "a\x0cb\u2028c\n-d"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_new_lines_take_the_line_end_of_the_text(newline: str) -> None:
    text = newline.join(["a", "b", ""])
    assert apply(text, [TextEdit.insert(2, 1, "x\ny\n")]) == newline.join(["a", "x", "y", "b", ""])


@pytest.mark.parametrize(
    "edits",
    [
        [TextEdit(Span(1, 1, 1, 3), "a"), TextEdit(Span(1, 2, 1, 4), "b")],
        [TextEdit.insert(9, 1, "x")],
        [TextEdit.insert(1, 99, "x")],
        [TextEdit(Span(1, 3, 1, 1), "x")],
    ],
    ids=["overlap", "line outside", "column outside", "end before start"],
)
def test_edits_that_make_no_sense_are_refused(edits: list[TextEdit]) -> None:
    with pytest.raises(ValueError, match=r"outside|overlap"):
        apply("abcd\n", edits)


def test_the_diff_can_be_applied_by_git(tmp_path: Path) -> None:
    before, after = "a\nb\nc", "a\nB\nc\n"
    (tmp_path / "f.py").write_text(before)
    diff = unified_diff(before, after, "f.py")
    subprocess.run(["git", "apply"], cwd=tmp_path, input=diff, text=True, check=True)
    assert (tmp_path / "f.py").read_text() == after
    assert unified_diff(before, before, "f.py") == ""


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfx = 1\r\ny = '\xc3\xa9'\r\n",
        b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        b"#!/usr/bin/env python\n# coding: cp1252\nprice = '\x80'",
        b"mixed = 1\r\nends = 2\nhere = 3\r",
    ],
    ids=["bom and crlf", "latin-1", "cp1252 without a last line end", "mixed line ends"],
)
def test_encoding_mark_and_line_ends_survive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(content)
    file = SourceFile.read(path)
    file.write(file.text)
    assert path.read_bytes() == content


def test_mode_and_link_survive(tmp_path: Path) -> None:
    target = tmp_path / "real.py"
    target.write_text("x = 1\n")
    target.chmod(0o755)
    link = tmp_path / "link.py"
    link.symlink_to(target)
    SourceFile.read(link).write("x = 2\n")
    assert link.is_symlink()
    assert target.read_text() == "x = 2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "real.py"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("x = 1\n")
    file = SourceFile.read(path)
    path.write_text("x = 2  # by someone else\n")
    with pytest.raises(FileChanged):
        file.write("x = 3\n")
    assert path.read_text() == "x = 2  # by someone else\n"


def test_a_character_that_the_encoding_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(b"# coding: ascii\nx = 1\n")
    with pytest.raises(CannotWrite, match="ascii"):
        SourceFile.read(path).write("# coding: ascii\nx = 'é'\n")
    assert path.read_bytes() == b"# coding: ascii\nx = 1\n"


def test_a_failed_write_leaves_the_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.py"
    path.write_text("x = 1\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        SourceFile.read(path).write("x = 2\n")
    assert path.read_text() == "x = 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.py"]


def test_an_interrupt_leaves_the_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.py"
    path.write_text("x = 1\n")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"x = 2\n")
    assert path.read_text() == "x = 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.py"]


@pytest.mark.parametrize(
    "content", [b"x = '\xff'\n", b"# coding: no-such-codec\n"], ids=["invalid utf-8", "unknown codec"]
)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(content)
    with pytest.raises(TypewrightError, match=r"cannot read .*file\.py"):
        SourceFile.read(path)
