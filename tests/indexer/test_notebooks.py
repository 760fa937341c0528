"""Notebooks as one Python text."""

import ast
import json

import pytest
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.notebooks import join_cells, read_notebook


def notebook(*cells: object, **metadata: object) -> str:
    return json.dumps({"nbformat": 4, "metadata": metadata, "cells": list(cells)})


def code(*lines: str) -> dict[str, object]:
    return {"cell_type": "code", "source": [line + "\n" for line in lines[:-1]] + [lines[-1]]}


def test_code_cells_are_joined_and_found_again() -> None:
    text = notebook(code("import a", "b = 1"), {"cell_type": "markdown", "source": "# Title"}, code("c = b"))
    found = read_notebook(text)
    assert found.text == "import a\nb = 1\nc = b\n"
    assert [found.cell_at(line) for line in (1, 2, 3, 4, 0)] == [(0, 1), (0, 2), (2, 1), None, None]
    assert [found.line_at(0, 2), found.line_at(2, 1), found.line_at(1, 1), found.line_at(2, 9)] == [
        2,
        3,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nx = 1", "#matplotlib inline\nx = 1"),
        ("!pip install a\nx = 1", "#pip install a\nx = 1"),
        ("if a:\n    %time f()\n    b", "if a:\n    #time f()\n    b"),
        ("x = !ls", "x = None"),
        ("files = %who_ls str", "files = None"),
        ("?name\ny = 1", "#name\ny = 1"),
        ("%%bash\nls | wc\n", "\n\n"),
        ("%%time\nx = 1", "#%time\nx = 1"),
        ("y = a % b\nz = not_magic", "y = a % b\nz = not_magic"),
        ("a.b??", "#a.b??"),
    ],
)
def test_what_ipython_reads_itself_is_hidden(cell: str, expected: str) -> None:
    text = join_cells([(0, cell)]).text.removesuffix("\n")
    assert text == expected
    ast.parse(text)


def test_other_languages_are_blank() -> None:
    found = read_notebook(notebook(code("library(x)", "y <- 1"), kernelspec={"language": "R"}))
    assert found.text.strip() == ""
    assert found.cell_at(2) == (0, 2)


def test_older_format_and_odd_cells() -> None:
    sheets = {
        "worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}, None, {"cell_type": "code"}]}, 3]
    }
    assert read_notebook(json.dumps(sheets)).text == "x = 1\n\n"
    assert read_notebook("{}").text == ""


@pytest.mark.parametrize("text", ["", "[]", "{", "x = 1", "[" * 100_000])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(UnreadableSource, match="not a notebook"):
        read_notebook(text, "a.ipynb")
