import zlib
from pathlib import Path

import pytest
from typewright.indexer.documents import read_document, read_documents
from typewright.indexer.errors import TypewrightError


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_markdown(tmp_path):
    path = write(
        tmp_path / "guide.md",
        "---\ntitle: x\n---\nBefore.\n\n# Open *files*\n\nUse `pkg.open()` or **other** things.\n\n"
        "```python\npkg.open('a')\n```\n\n## Close\n\n- one\n- two <b>bold</b>\n\n| a | b |\n|---|---|\n"
        "| 1 | 2 |\n",
    )
    before, opening, closing = read_document(path)
    assert (before.title, before.text) == ("guide", "Before.")
    assert (opening.title, opening.line, opening.anchor) == ("Open files", 6, "open-files")
    assert opening.text == "Use pkg.open() or other things."
    assert opening.code == ("pkg.open('a')",)
    assert "pkg.open" in opening.names
    assert closing.text == "one\ntwo bold\na\nb\n1\n2"


def test_restructuredtext_keeps_what_sphinx_alone_understands(tmp_path):
    path = write(
        tmp_path / "api.rst",
        "Reading\n=======\n\nSee :func:`~pkg.read` and :doc:`the guide <guide>`.\n\n"
        ".. versionadded:: 1.2\n   It is new.\n\n"
        ".. py:function:: pkg.read(path, *, mode)\n   :noindex:\n\n   Read a file.\n\n"
        "   .. code-block:: python\n"
        "      :emphasize-lines: 1\n\n      pkg.read('x')\n\n.. strange:: argument\n   :odd: option\n\n"
        "   Inner text.\n\n"
        ">>> pkg.read('y')\n1\n",
    )
    (section,) = read_document(path)
    assert (section.title, section.anchor) == ("Reading", "reading")
    text = section.text
    for part in ("See pkg.read and the guide.", "1.2", "It is new.", "Read a file.", "argument", "Inner"):
        assert part in text
    assert section.code == ("pkg.read('x')", ">>> pkg.read('y')\n1")
    assert "pkg.read" in section.names


def test_restructuredtext_includes_and_executes_nothing(tmp_path):
    write(tmp_path / "secret.txt", "the secret")
    path = write(
        tmp_path / "a.rst",
        "Title\n=====\n\n.. include:: secret.txt\n\n.. raw:: html\n   :file: secret.txt\n\n"
        ".. csv-table::\n   :file: secret.txt\n\n.. literalinclude:: secret.txt\n\nEnd.\n",
    )
    sections = read_document(path)
    assert "the secret" not in repr(sections)
    assert "End." in sections[-1].text


def test_broken_restructuredtext_gives_what_can_be_read(tmp_path):
    path = write(
        tmp_path / "a.rst",
        "Title\n===\n\n*unclosed\n\n.. note::\n\n      deep\n   less\n\n- a\n b\n\nEnd of it.\n",
    )
    assert "End of it." in read_document(path)[-1].text


def test_html_reads_the_main_part_by_headings_and_entries(tmp_path):
    filler = "This page documents the package at some length so that it counts as documentation. " * 2
    path = write(
        tmp_path / "page.html",
        f"<html><head><title>Page</title><script>bad()</script></head><body><nav>menu</nav><main>"
        f"<h1 id=top>Top<a class=headerlink>¶</a></h1><p>{filler}</p><dl class=py>"
        f"<dt id='pkg.read'>pkg.read(path)</dt>"
        f"<dd><p>Reads &amp; more.</p><pre>pkg.read('x')</pre></dd></dl></main>"
        f"<footer>foot</footer></body></html>",
    )
    top, entry = read_document(path)
    assert (top.title, top.anchor, top.line) == ("Top", "top", 1)
    assert (entry.title, entry.anchor, entry.text) == ("pkg.read(path)", "pkg.read", "Reads & more.")
    assert entry.code == ("pkg.read('x')",)
    assert entry.names[0] == "pkg.read"
    assert not any(word in repr((top, entry)) for word in ("bad()", "menu", "foot"))


def test_sphinx_inventory(tmp_path):
    packed = zlib.compress(
        b"pkg.read py:function 1 api.html#$ -\nguide std:doc -1 guide.html The guide\nbroken\n"
    )
    head = b"# Sphinx inventory version 2\n# Project: pkg\n# Version: 1.0\n# The rest is compressed.\n"
    function, guide = read_document(write(tmp_path / "objects.inv", head + packed))
    assert (function.title, function.anchor) == ("pkg.read", "api.html#pkg.read")
    assert function.names == ("pkg.read",)
    assert guide.title == "The guide"


def test_a_folder_says_what_it_could_not_read(tmp_path):
    docs = tmp_path / "docs"
    write(docs / "a.md", "# A\n\ntext")
    write(docs / "sub" / "b.rst", "B\n=\n\ntext")
    write(docs / "empty.md", "")
    write(docs / "binary.txt", b"\0\1\2")
    write(docs / "app.html", "<html><body><div id=root></div></body></html>")
    write(docs / "bad.inv", "nothing")
    write(docs / "cut.inv", b"# Sphinx inventory version 2\n#\n#\n#\nnot zlib")
    write(docs / "code.py", "x = 1")
    outside = write(tmp_path / "outside.md", "# Outside\n\ntext")
    (docs / "link.md").symlink_to(outside)
    skipped: list[tuple[Path, str]] = []
    read = {path.name for path, _ in read_documents([docs], skipped)}
    assert read == {"a.md", "b.rst"}
    reasons = {path.name: reason for path, reason in skipped}
    assert set(reasons) == {"empty.md", "binary.txt", "app.html", "bad.inv", "cut.inv", "link.md"}
    assert reasons["link.md"] == "a link out of the folder"


def test_other_encodings_are_read(tmp_path):
    assert read_document(write(tmp_path / "a.md", "# Gr\xfc\xdfe\n\nx".encode("latin-1")))[0].title == "Grüße"
    assert read_document(write(tmp_path / "b.md", "# Grüße\n\nx".encode("utf-16")))[0].title == "Grüße"


@pytest.mark.parametrize("name", ["missing.md", "missing"])
def test_a_path_that_is_not_there_is_one_error(tmp_path, name):
    with pytest.raises(TypewrightError, match="no such file"):
        list(read_documents([tmp_path / name], []))


def test_hostile_documents_end(tmp_path):
    for name, text in {
        "a.md": "[" * 5000 + "](" * 500,
        "b.html": "<div>" * 3000 + "text" * 50,
        "c.rst": "* " * 3000 + "\n" + "`" * 3000,
    }.items():
        skipped: list[tuple[Path, str]] = []
        found = list(read_documents([write(tmp_path / name, text)], skipped))
        assert found or skipped


def test_solved_questions(tmp_path):
    path = tmp_path / "solved.jsonl"
    path.write_text(
        '{"query": "sort `xs` by key", "code": "sorted(xs)",'
        ' "gold": [["sorted", "list.sort"], ["operator.itemgetter"]]}\n'
        "\n"
        '{"query": "leave", "gold": [["sys.exit"]]}\n'
    )
    first, second = read_document(path)
    assert (first.title, first.text, first.line) == ("sort by key", "", 1)
    assert first.names[:3] == ("builtins.sorted", "list.sort", "operator.itemgetter")
    assert first.code == ("sorted(xs)",)
    assert (second.title, second.names, second.line) == ("leave", ("sys.exit",), 3)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"query": "x"}', '{"query": 1, "gold": []}', '{"query": "x", "gold": 3}']
)
def test_a_line_that_is_no_solved_question_is_named(tmp_path, line):
    path = tmp_path / "solved.jsonl"
    path.write_text('{"query": "leave", "gold": [["sys.exit"]]}\n' + line)
    with pytest.raises(TypewrightError, match="line 2 is no"):
        read_document(path)


def test_rows_of_data_in_a_folder_are_no_questions(tmp_path):
    (tmp_path / "data.jsonl").write_text("{}")
    skipped = []
    assert list(read_documents([tmp_path], skipped)) == []
    assert skipped == []
