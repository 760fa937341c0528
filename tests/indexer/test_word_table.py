import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typewright.indexer import arrays
from typewright.indexer.apis import SCHEMA, ApiTables
from typewright.indexer.documents import Section
from typewright.indexer.records import STANDARD_LIBRARY, Api
from typewright.indexer.search import Search, best, by_words, rarities
from typewright.indexer.store import connect
from typewright.indexer.word_table import KINDS, Part, WordTable, hashed, joined
from typewright.indexer.words import stem


def api(name: str, documentation: str = "", **more) -> Api:
    empty = Api(name, "function", "", (), "", "", "", (), "demo", "1", Path("/demo.py"), 1)
    return replace(
        empty, documentation=documentation, summary=documentation.split(".", maxsplit=1)[0], **more
    )


def part(*apis: Api, first: int = 1):
    found = Part()
    for row, each in enumerate(apis, first):
        found.add(row, each)
    return arrays.unpack(found.packed())


def scan(table: WordTable, *words: str):
    return table.scan({stem(word): 1.0 for word in words}, np.zeros(len(table), bool))


@pytest.fixture
def tables(tmp_path):
    database = connect(tmp_path / "apis.db", SCHEMA, 1, [])
    yield ApiTables(database)
    database.close()


def test_shares_of_names_summaries_and_libraries():
    shelf = api("shop.Shelf.put_new_book", "Put a book on a shelf. It must fit.", kind="method")
    found = scan(WordTable(joined([part(shelf)], {})), "put", "books", "shelf", "shop", "fit")
    assert found.name.tolist() == [pytest.approx(2 / 3)]
    assert found.owner.tolist() == [1.0]
    assert found.library.tolist() == [True]
    assert found.summary.tolist() == [3.0]
    assert found.length.tolist() == [pytest.approx(math.log1p(len(shelf.documentation)))]
    assert (KINDS[found.kind[0]], found.dots[0]) == ("method", 2)


def test_a_term_in_the_name_weighs_more_than_one_in_the_text_and_a_second_one_adds_less():
    apis = (api("a.sort"), api("a.x", "Text. sort"), api("a.y", "Text. sort sort"), api("a.z", "Text."))
    name, once, twice, never = scan(WordTable(joined([part(*apis)], {})), "sort").words
    assert name > twice > once > never == 0
    assert twice < 2 * once


def test_a_rare_name_and_the_first_word_and_a_quoted_name():
    apis = (api("a.sort_all"), api("a.all"), api("a.x", "Sort all. sortall"))
    table = WordTable(joined([part(*apis)], {}))
    found = table.scan({"all": 0.5, "sort": 2.0}, np.zeros(3, bool), quoted=["sortall"])
    assert found.rare_name.tolist() == [1.25, 0.5, 0.0]
    assert found.first.tolist() == [True, True, False]
    assert found.phrase.tolist() == [True, False, False]
    assert found.quoted.tolist() == [True, False, False]
    assert table.scan({}, np.zeros(3, bool), quoted=["all"]).quoted.tolist() == [False, True, False]


def test_calls_and_what_is_standard():
    apis = (api("a.open"), api("a.File.read", kind="method"), api("a.b", distribution=STANDARD_LIBRARY))
    found = scan(WordTable(joined([part(*apis)], {"a.open": 3, ".read": 5, "read": 7})))
    assert np.expm1(found.uses).round().tolist() == [3, 5, 0]
    assert found.standard.tolist() == [False, False, True]


def test_parts_are_joined_as_if_they_had_been_one():
    apis = [api(f"a.read_{word}", f"Read {word} and file.") for word in ("csv", "json", "xml", "csv")]
    whole = scan(WordTable(joined([part(*apis)], {})), "csv", "read", "missing")
    halves = joined([part(*apis[:2]), part(), part(*apis[2:], first=3)], {})
    both = scan(WordTable(halves), "csv", "read", "missing")
    for column in ("rows", "words", "name", "summary", "names"):
        assert getattr(whole, column).tolist() == getattr(both, column).tolist()
    assert WordTable(halves).frequencies(["csv", "read", "missing"]).tolist() == [2, 4, 0]


def test_values_by_name_and_places_by_row():
    apis = (api("a.one"), api("a.two"), api("a.one"), api("b.three"))
    found = scan(WordTable(joined([part(*apis[2:], first=7), part(*apis[:2])], {})))
    assert found.rows.tolist() == [7, 8, 1, 2]
    assert found.places(np.array([2, 5, 7, 99])).tolist() == [3, 0]
    assert found.by_name({"a.one": 0.5, "absent": 1.0}).tolist() == [0.5, 0, 0.5, 0]
    some = found.only(found.places(np.array([1, 8])))
    assert some.rows.tolist() == [1, 8]
    assert some.by_name({"b.three": 2.0}).tolist() == [0, 2.0]
    assert some.top.tolist() == [hashed("a"), hashed("b")]


def test_an_empty_table():
    found = scan(WordTable(joined((), {"x": 1})), "word")
    assert len(found.rows) == len(found.places(np.array([1]))) == len(found.by_name({"a": 1.0})) == 0


def test_the_file_is_used_again_and_a_stale_or_damaged_one_made_again(tables, tmp_path):
    def names(question: str) -> list[str]:
        return [hit.api.name for hit in by_words([Search(tables, tmp_path, "apis")], question, 5) if hit.api]

    tables.replace_library("demo", "1", [api("demo.read", "Read it.")])
    assert names("read") == ["demo.read"]
    (file,) = tmp_path.glob("apis-*.words")
    written = file.stat().st_mtime_ns
    assert names("read") == ["demo.read"]
    assert file.stat().st_mtime_ns == written
    tables.replace_library("other", "1", [api("other.read", "Read it, too.")])
    assert sorted(names("read")) == ["demo.read", "other.read"]
    (fresh,) = tmp_path.glob("apis-*.words")
    assert fresh != file
    for damaged in (b"", b"no json\n", fresh.read_bytes()[:200]):
        fresh.write_bytes(damaged)
        assert sorted(names("read")) == ["demo.read", "other.read"]
        assert arrays.read(fresh) is not None
    tables.remove_library("demo")
    assert names("read") == ["other.read"]


def test_without_a_folder_that_can_be_written(tables, tmp_path):
    tables.replace_library("demo", "1", [api("demo.read", "Read it.")])
    for folder in (None, tmp_path / "missing"):
        assert [hit.api.name for hit in by_words([Search(tables, folder, "apis")], "read", 5)] == [
            "demo.read"
        ]


def test_one_search_sees_what_another_connection_writes(tables, tmp_path):
    search = Search(tables, tmp_path, "apis")
    assert len(search.scan({}).rows) == 0
    other = connect(tmp_path / "apis.db", SCHEMA, 1, [])
    ApiTables(other).replace_library("demo", "1", [api("demo.read", "Read it.")])
    other.close()
    assert len(search.scan({}).rows) == 1


def test_rare_terms_weigh_more_over_all_searches_together(tables, tmp_path):
    tables.replace_library("demo", "1", [api("demo.read"), api("demo.read_all")])
    second = connect(tmp_path / "second.db", SCHEMA, 1, [])
    ApiTables(second).replace_library("other", "1", [api("other.all"), api("other.read")])
    weights = rarities([Search(tables, None, "a"), Search(ApiTables(second), None, "b")], ["read", "all"])
    second.close()
    assert weights["all"] > weights["read"] > 0
    assert weights["all"] == pytest.approx(math.log(1 + 2.5 / 2.5))


def test_names_mean_apis(tables):
    apis = [api("demo.C", kind="class", aliases=("demo.core.C",)), api("demo.C.run"), api("len")]
    tables.replace_library("demo", "1", apis)
    given = ["demo.C", "demo.core.C", "demo.core.C.run", "demo.core.C.go", "builtins.len", "absent"]
    assert tables.canonical(given) == {
        "demo.C": "demo.C",
        "demo.core.C": "demo.C",
        "demo.core.C.run": "demo.C.run",
        "builtins.len": "len",
    }


def test_sections_that_fit(tables):
    path = Path("/g.md")
    sections = [
        Section("One", "Of frogs.", path, 1, "", (), ("a.b",)),
        Section("Two", "Of newts.", path, 2, ""),
    ]
    tables.sections.replace(path, sections)
    ((named, names),) = tables.sections.names()
    assert names == ("a.b",)
    assert [row for row, _ in tables.sections.search("frogs", 5)] == [named]
    assert list(tables.sections.search("?", 5)) == []


def test_the_best_scores():
    scores = np.array([3.0, 1.0, 2.0], np.float32)
    assert sorted(best(scores, 2).tolist()) == [0, 2]
    assert sorted(best(scores, 9).tolist()) == [0, 1, 2]
    assert len(best(scores, 0)) == 0
