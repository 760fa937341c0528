"""Open buffers against a reference model: nothing an editor sends may lose text."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from lsprotocol import types
from typewright.lsp.convert import View, characters, code_units, path_to_uri, split_lines, uri_to_path
from typewright.lsp.documents import Documents, Lines

ENCODINGS = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
PIECES = ("a", "bc", " ", "\n", "\r\n", "\r", "é", "漢", "😀", "\x0c", "\u2028", "def f(x):\n    pass\n", "")


def reference_offset(text: str, position: types.Position, encoding: str) -> int:
    """The place in `text`, found the slow way: unit by unit through the whole text."""
    codec, unit = CODECS[encoding]
    line, index = 0, 0
    while line < position.line:
        ends = [(text.find(end, index), end) for end in ("\r\n", "\n", "\r")]
        found = [(place, -len(end)) for place, end in ends if place >= 0]
        if not found:
            return len(text)
        place, negative_length = min(found)
        index, line = place - negative_length, line + 1
    units = 0
    while index < len(text) and text[index] not in "\r\n":
        units += len(text[index].encode(codec)) // unit
        if units > position.character:
            break
        index += 1
    return index


def random_position(chance: random.Random, text: str) -> types.Position:
    lines = len(split_lines(text))
    return types.Position(chance.randrange(lines + 2), chance.choice((0, 1, 2, 3, 5, 8, 13, 1000)))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("seed", range(4))
def test_random_edits_leave_the_buffer_as_the_reference_model(encoding: str, seed: int) -> None:
    chance = random.Random(f"{encoding}{seed}")
    expected = "".join(chance.choice(PIECES) for _ in range(20))
    lines = Lines(expected)
    for _ in range(1500):
        one, two = random_position(chance, expected), random_position(chance, expected)
        start, end = sorted(reference_offset(expected, place, encoding) for place in (one, two))
        insert = "".join(chance.choice(PIECES) for _ in range(chance.randrange(4)))
        if len(expected) > 400:
            insert = ""
        expected = expected[:start] + insert + expected[end:]
        lines.replace(types.Range(one, two), insert, encoding)
        assert lines.text == expected
        assert lines.lines == split_lines(expected)


def test_line_ends_are_those_of_the_protocol() -> None:
    assert split_lines("") == [""]
    assert split_lines("a\nb\r\nc\rd\x0ce\u2028f") == ["a\n", "b\r\n", "c\r", "d\x0ce\u2028f"]
    assert split_lines("a\r\r\n") == ["a\r", "\r\n", ""]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_columns_are_code_units(encoding: str) -> None:
    line = "x = '😀é漢'  # ü\r\n"
    codec, unit = CODECS[encoding]
    for count in range(len(line) - 1):
        units = len(line[:count].encode(codec)) // unit
        assert code_units(line, count, encoding) == units
        assert characters(line, units, encoding) == count
    assert characters(line, 10_000, encoding) == len(line) - 2
    assert code_units(line, 10_000, encoding) == len(line[:-2].encode(codec)) // unit


def test_a_place_inside_a_character_is_the_place_before_it() -> None:
    assert characters("😀x", 1, "utf-16") == 0
    assert characters("é", 1, "utf-8") == 0


def test_half_surrogates_become_sound_text_of_the_same_width() -> None:
    lines = Lines("a\ud800b")
    assert lines.text == "a\ufffdb"
    lines.replace(types.Range(types.Position(0, 2), types.Position(0, 3)), "\udc00", "utf-16")
    assert lines.text == "a\ufffd\ufffd"


def item(uri: str, text: str, language: str = "python", version: int = 1) -> types.TextDocumentItem:
    return types.TextDocumentItem(uri, language, version, text)


def edit(line: int, start: int, end: int, text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(
        types.Range(types.Position(line, start), types.Position(line, end)), text
    )


def test_changes_apply_in_the_order_they_came_whatever_their_version() -> None:
    documents = Documents()
    documents.open(item("file:///a.py", "abc", version=7))
    identifier = types.VersionedTextDocumentIdentifier(3, "file:///a.py")
    documents.change(identifier, [edit(0, 0, 1, "A"), edit(0, 3, 3, "\ndef"), edit(1, 0, 0, "x")])
    view = documents.view("file:///a.py")
    assert view is not None
    assert (view.text, view.version) == ("Abc\nxdef", 3)
    documents.change(identifier, [types.TextDocumentContentChangeWholeDocument("new")])
    assert documents.overlay() == {Path("/a.py"): "new"}


def test_unknown_buffers_are_ignored() -> None:
    documents = Documents()
    identifier = types.VersionedTextDocumentIdentifier(1, "file:///never.py")
    assert documents.change(identifier, [edit(0, 0, 0, "x")]) is None
    assert documents.close("file:///never.py") is None
    assert documents.view("file:///never.py") is None


def test_a_buffer_that_is_opened_twice_takes_the_new_text() -> None:
    documents = Documents()
    documents.open(item("file:///a.py", "one"))
    documents.open(item("file:///a.py", "two"))
    assert documents.overlay() == {Path("/a.py"): "two"}


def test_a_buffer_in_another_language_is_kept_but_not_read_as_python() -> None:
    documents = Documents()
    documents.open(item("file:///a.md", "# Title", language="markdown"))
    assert documents.view("file:///a.md") is None
    assert documents.overlay() == {}


def test_a_view_stays_as_it_was() -> None:
    documents = Documents()
    documents.open(item("file:///a.py", "one\ntwo\n"))
    before = documents.view("file:///a.py")
    documents.change(types.VersionedTextDocumentIdentifier(2, "file:///a.py"), [edit(0, 0, 3, "")])
    assert before is not None
    assert before.text == "one\ntwo\n"
    assert list(before.lines) == ["one\n", "two\n", ""]


def test_buffers_that_are_no_files_have_a_path_of_their_own() -> None:
    documents = Documents()
    first = documents.open(item("untitled:Untitled-1", "x = 1\n"))
    second = documents.open(item("untitled:Untitled-2", "y = 1\n"))
    assert first.path != second.path
    assert first.path.is_absolute()
    assert not first.path.exists()


def test_a_view_clamps_and_converts_both_ways() -> None:
    view = View.of("file:///a.py", Path("/a.py"), "x = '😀'\nlast", "utf-16")
    assert view.place(types.Position(0, 7)) == (1, 7)
    assert view.position(1, 7) == types.Position(0, 7)
    assert view.position(1, 8) == types.Position(0, 8)
    assert view.place(types.Position(99, 99)) == (2, 5)
    assert view.position(99, 1) == types.Position(1, 4)
    assert view.position(0, 0) == types.Position(0, 0)


def notebook(*cells: tuple[str, str]) -> tuple[Documents, list[str]]:
    documents = Documents()
    uris = [f"vscode-notebook-cell:/w/book.ipynb#{number}" for number in range(len(cells))]
    documents.open_notebook(
        types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(
                "file:///w/book.ipynb",
                "jupyter-notebook",
                1,
                [
                    types.NotebookCell(
                        types.NotebookCellKind.Code
                        if language == "python"
                        else types.NotebookCellKind.Markup,
                        uri,
                    )
                    for uri, (language, _) in zip(uris, cells, strict=True)
                ],
            ),
            [item(uri, text, language) for uri, (language, text) in zip(uris, cells, strict=True)],
        )
    )
    return documents, uris


def test_the_cells_of_a_notebook_are_parts_of_one_text() -> None:
    documents, uris = notebook(
        ("python", "import os"), ("markdown", "# Text"), ("python", "a = 1\nb = 2\n"), ("python", "c")
    )
    assert documents.overlay() == {Path("/w/book.ipynb.py"): "import os\na = 1\nb = 2\n\nc\n"}
    view = documents.view(uris[3])
    assert view is not None
    assert (view.path, view.first_line) == (Path("/w/book.ipynb.py"), 4)
    assert view.place(types.Position(0, 1)) == (5, 2)
    assert view.position(5, 2) == types.Position(0, 1)
    assert view.holds(5)
    assert not view.holds(4)
    assert documents.view(uris[1]) is None
    assert [cell.uri for cell in documents.cells_of(documents.notebooks()[0])] == [uris[0], uris[2], uris[3]]


def test_cells_are_added_edited_moved_and_removed() -> None:
    documents, uris = notebook(("python", "one"), ("python", "two"))
    added = types.NotebookCell(types.NotebookCellKind.Code, "cell:new")
    documents.change_notebook(
        types.DidChangeNotebookDocumentParams(
            types.VersionedNotebookDocumentIdentifier(2, "file:///w/book.ipynb"),
            types.NotebookDocumentChangeEvent(
                cells=types.NotebookDocumentCellChanges(
                    structure=types.NotebookDocumentCellChangeStructure(
                        types.NotebookCellArrayChange(0, 1, [added]),
                        did_open=[item("cell:new", "zero")],
                        did_close=[types.TextDocumentIdentifier(uris[0])],
                    ),
                    text_content=[
                        types.NotebookDocumentCellContentChanges(
                            types.VersionedTextDocumentIdentifier(2, uris[1]), [edit(0, 3, 3, "!")]
                        )
                    ],
                )
            ),
        )
    )
    assert documents.overlay() == {Path("/w/book.ipynb.py"): "zero\ntwo!\n"}
    documents.close_notebook(
        types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier("file:///w/book.ipynb"),
            [types.TextDocumentIdentifier(uri) for uri in ("cell:new", uris[1])],
        )
    )
    assert documents.overlay() == {}


@pytest.mark.parametrize("name", ["plain.py", "mit Leer zeichen.py", "ümläut%20.py", "a#b?c.py", "漢字.py"])
def test_paths_survive_the_way_through_uris(tmp_path: Path, name: str) -> None:
    assert uri_to_path(path_to_uri(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize("uri", ["untitled:x", "", "http://[", "None", "file:///nul%00.py"])
def test_what_is_no_file_has_no_path(uri: str) -> None:
    assert uri_to_path(uri) is None
