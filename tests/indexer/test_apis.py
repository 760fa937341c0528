import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typewright.indexer.apis import SCHEMA, Api, ApiTables, Parameter
from typewright.indexer.documents import Section
from typewright.indexer.search import Search, by_words
from typewright.indexer.store import connect
from typewright.indexer.words import match_expression, parts, query_words, quoted_names, stem, words


def api(name: str, documentation: str = "", **more) -> Api:
    empty = Api(name, "function", "f()", (), "", "", "", (), "demo", "1.0", Path("/demo.py"), 1)
    return replace(
        empty, documentation=documentation, summary=documentation.split(".", maxsplit=1)[0], **more
    )


@pytest.fixture
def tables(tmp_path):
    database = connect(tmp_path / "apis.db", SCHEMA, 1, [])
    yield ApiTables(database)
    database.close()


def search(tables, *asked):
    return by_words([Search(tables, None, "apis")], *asked)


def names(hits):
    return [hit.api.name if hit.api else hit.section.title for hit in hits]


def test_an_api_comes_back_as_it_was(tables):
    parameters = (
        Parameter("x", "positional or keyword", "int", "1", "Übergröße"),
        Parameter("y", "", "", None, ""),
    )
    stored = api("demo.a", "Text.", parameters=parameters, aliases=("demo.core.a",), deprecated="Use b.")
    tables.replace_library("demo", "1.0", [stored])
    assert tables.find("demo.a") == stored
    assert tables.find("demo.core.a") == stored
    assert tables.find("demo.core.b") is None
    assert tables.libraries() == {"demo": "1.0"}


def test_members_are_found_through_the_aliases_of_their_class(tables):
    tables.replace_library(
        "demo",
        "1.0",
        [api("demo.C", kind="class", aliases=("demo.core.C",)), api("demo.C.run", kind="method")],
    )
    assert tables.find("demo.core.C.run").name == "demo.C.run"
    assert tables.find("builtins.demo.C").name == "demo.C"


def test_inherited_members_share_the_documentation(tables):
    members = [api("demo.A.run", "Run it."), api("demo.B.run", "Run it.", inherited="demo.A.run")]
    tables.replace_library("demo", "1.0", members)
    assert tables.find("demo.B.run").documentation == "Run it."
    assert names(search(tables, "run", 10)) == ["demo.A.run"]


def test_an_upgrade_replaces_only_its_own_rows(tables):
    tables.replace_library("demo", "1.0", [api("demo.old", "Shared word.", aliases=("demo.x.old",))])
    tables.replace_library("other", "1.0", [api("other.kept", "Shared word.")])
    tables.replace_library("demo", "2.0", [api("demo.new", "Shared word.")], [("demo.c", "compiled")])
    assert tables.find("demo.old") is None
    assert tables.find("demo.x.old") is None
    assert sorted(names(search(tables, "shared", 10))) == ["demo.new", "other.kept"]
    assert tables.libraries() == {"demo": "2.0", "other": "1.0"}
    assert tables.skipped("demo") == (("demo.c", "compiled"),)
    tables.remove_library("other")
    assert names(search(tables, "shared", 10)) == ["demo.new"]


def test_a_reading_that_breaks_off_leaves_the_former_version(tables):
    tables.replace_library("demo", "1.0", [api("demo.old", "Word.")])

    def breaking():
        for number in range(600):
            yield api(f"demo.new{number}", "Word.")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tables.replace_library("demo", "2.0", breaking())
    assert tables.libraries() == {"demo": "1.0"}
    assert names(search(tables, "word", 10)) == ["demo.old"]
    assert tables.find("demo.new1") is None
    assert tables.named("new1", 10) == []
    tables.replace_library("demo", "3.0", [api("demo.third", "Word.")])
    assert names(search(tables, "word", 10)) == ["demo.third"]


def test_identifiers_are_found_by_their_parts_and_whole(tables):
    tables.replace_library("demo", "1.0", [api("demo.read_csv"), api("demo.DataFrame"), api("demo.other")])
    assert names(search(tables, "reading a csv file", 5)) == ["demo.read_csv"]
    assert names(search(tables, "read_csv", 5)) == ["demo.read_csv"]
    assert names(search(tables, "frames", 5)) == ["demo.DataFrame"]
    assert names(search(tables, "dataframe", 5)) == ["demo.DataFrame"]
    assert search(tables, "csv", 5)[0].matched == ("csv",)


def test_libraries_filter_by_distribution_or_module(tables):
    tables.replace_library("my_dist", "1", [replace(api("pkg.a", "Word."), distribution="my_dist")])
    tables.replace_library("pkgx", "1", [replace(api("pkgx.a", "Word."), distribution="pkgx")])
    assert names(search(tables, "word", 5, ["My-Dist"])) == ["pkg.a"]
    assert names(search(tables, "word", 5, ["pkg"])) == ["pkg.a"]
    assert names(search(tables, "word", 5, ["pkg_"])) == []


def test_last_names(tables):
    apis = [api("demo.sub.open"), api("demo.opener"), api("demo.open", aliases=("d.open",))]
    tables.replace_library("demo", "1", apis)
    assert [found.name for found in tables.named("open", 9)] == ["demo.open", "demo.sub.open"]
    assert tables.named("en", 9) == tables.named("open", 0) == []


def test_aliases_have_last_names_too(tables):
    tables.replace_library("demo", "1", [api("demo.right", aliases=("demo.bisect", "right"))])
    assert [found.name for found in tables.named("bisect", 9)] == ["demo.right"]
    assert [found.name for found in tables.named("right", 9)] == ["demo.right"]


def test_calls_in_libraries_are_counted(tables):
    apis = [api("demo.open"), api("demo.File", kind="class"), api("demo.File.read", kind="method")]
    tables.replace_library("demo", "1", apis, uses={"demo.open": 3, ".read": 5, "read": 7})
    tables.replace_library("user", "1", [], uses={"demo.open": 4})
    assert [tables.find(name).uses for name in ("demo.open", "demo.File", "demo.File.read")] == [7, 0, 5]
    tables.remove_library("user")
    assert tables.find("demo.open").uses == 3


def test_sections_are_searched_and_give_examples(tables):
    section = Section(
        "Opening", "How to open.", Path("/guide.md"), 3, "opening", ("demo.open('x')",), ("demo.open",)
    )
    tables.sections.replace(Path("/guide.md"), [section])
    tables.replace_library("demo", "1", [api("demo.open", "Open.\n\n>>> demo.open('y')\n1\n")])
    assert sorted(names(search(tables, "opening", 5))) == ["Opening", "demo.open"]
    assert [example.code for example in tables.examples("demo.open", 5)] == [
        "demo.open('x')",
        "demo.open('y')",
    ]
    assert tables.sections.documents() == (Path("/guide.md"),)
    tables.sections.replace(Path("/guide.md"), [])
    assert names(search(tables, "opening", 5)) == ["demo.open"]


HOSTILE = [
    "",
    " ",
    '"',
    "'",
    "a AND",
    "NOT",
    "NEAR(",
    "x*",
    "col:y",
    "^a",
    "-",
    "(",
    "a\0b",
    "é",
    "%_\\",
    "日本語",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_input_raises(tables, text):
    tables.replace_library("demo", "1", [api("demo.a", "Word é 日本語.")])
    search(tables, text, 5)
    search(tables, "word", 5, [text])
    tables.find(text)
    tables.named(text, 5)
    tables.examples(text, 5)


def test_another_script_is_found_as_written(tables):
    tables.replace_library("demo", "1", [api("demo.a", "datei öffnen und schließen")])
    assert names(search(tables, "Datei öffnen", 5)) == ["demo.a"]


@given(st.text(max_size=80))
def test_a_query_of_any_text_is_valid(text):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5 (x)")
    expression = match_expression(query_words(text))
    if expression:
        connection.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall()
    connection.close()


def test_words():
    assert parts("readCSVFile2_now") == ["read", "csv", "file", "2", "now"]
    assert words("np.read_csv") == ["np", "read", "csv"]
    assert words("DataFrame") == ["dataframe", "data", "frame"]
    assert query_words("How do I open the file?") == ("open", "file")
    assert query_words("how to do it") == ("how", "to", "do", "it")
    assert quoted_names("use `filter_where()` on `df` or 'my list'") == ("filterwhere",)
    assert quoted_names("does np.where work on data.json?") == ("where",)
    assert stem("files") == stem("file")
    assert stem("reading") == stem("reads") == stem("read")
    assert stem("running") == stem("run")
