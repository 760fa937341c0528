"""Reading files as Python would."""

from pathlib import Path

import pytest
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.source import Span, content_hash, read_source


def written(folder: Path, data: bytes) -> Path:
    path = folder / "module.py"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("x = 'ä'\n".encode(), "x = 'ä'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        ("# coding: latin-1\nx = 'ä'\n".encode("latin-1"), "# coding: latin-1\nx = 'ä'\n"),
        (
            "#!/bin/python\n# -*- coding: cp1251 -*-\nд = 1\n".encode("cp1251"),
            "#!/bin/python\n# -*- coding: cp1251 -*-\nд = 1\n",
        ),
        (b"# coding: klingon\nx = '\xc3\xa4'\n", "# coding: klingon\nx = 'ä'\n"),
        (b"\xef\xbb\xbf# coding: latin-1\nx = '\xc3\xa4'\n", "# coding: latin-1\nx = 'ä'\n"),
        (b"x = '\xff'\ny = 2\n", "x = '\ufffd'\ny = 2\n"),
        (b"a = 1\r\nb = 2\rc = 3\n", "a = 1\r\nb = 2\rc = 3\n"),
        (b"", ""),
    ],
)
def test_text_is_decoded_as_python_would(tmp_path: Path, data: bytes, text: str) -> None:
    assert read_source(written(tmp_path, data)) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x7fELF\0\0\0", "binary, not Python source"), (b"x" * 101, "larger than 100 bytes")],
)
def test_what_is_no_source_is_refused_in_one_sentence(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason):
        read_source(written(tmp_path, data), max_bytes=100)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such file"):
        read_source(tmp_path / "missing.py")
    with pytest.raises(UnreadableSource, match="not a regular file"):
        read_source(tmp_path)
    with pytest.raises(UnreadableSource):
        read_source(Path("nul\0byte.py"))


def test_hashes_tell_texts_apart() -> None:
    assert content_hash("a") == content_hash("a") != content_hash("b")
    assert content_hash("\ud800") != content_hash("?")


def test_span_contains_both_of_its_ends() -> None:
    span = Span(2, 3, 2, 5)
    assert [span.contains(2, column) for column in (2, 3, 5, 6)] == [False, True, True, False]
