from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typewright.indexer.apis import SCHEMA, Api, ApiTables
from typewright.indexer.documents import Section
from typewright.indexer.store import connect
from typewright.indexer.vectors import Vectors, pack, unpack


def api(name: str, text: str) -> Api:
    return Api(name, "function", "", (), "", text, text, (), name.partition(".")[0], "1", None, 1)


def direction(text: str) -> np.ndarray:
    """A unit vector that a text decides."""
    seed = int.from_bytes(text.encode()[:8], "little")
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return vector / np.linalg.norm(vector)


def embed(tables: ApiTables) -> int:
    pending = tables.without_vector(1000)
    tables.put_vectors((digest, pack(direction(text))) for digest, text in pending)
    return len(pending)


@pytest.fixture
def tables(tmp_path):
    database = connect(tmp_path / "apis.db", SCHEMA, 1, [])
    yield ApiTables(database)
    database.close()


def nearest(vectors, tables, name, **more):
    hits = tables.row_hits(vectors.nearest_apis(direction(name), 2, **more))
    return [hit.api.name if hit.api else hit.section.title for hit in hits]


def test_stored_vectors_are_half_precision():
    vector = direction("x")
    assert np.allclose(unpack(pack(vector)), vector, atol=1e-3)


def test_nearest_apis_and_sections(tables, tmp_path):
    tables.replace_library("a", "1", [api("a.one", "One."), api("a.two", "Two."), api("a.silent", "")])
    tables.sections.replace(Path("/g.md"), [Section("Three", "Third.", Path("/g.md"), 1, "")])
    assert embed(tables) == 3
    vectors = Vectors(tables, tmp_path, "apis")
    assert nearest(vectors, tables, "two: Two. (a)")[0] == "a.two"
    (section,) = vectors.nearest_sections(direction("Three: Third."), 5)
    assert tables.row_hits([section])[0].section.title == "Three"
    assert embed(tables) == 0


def test_library_filter(tables, tmp_path):
    tables.replace_library("a", "1", [api("a.one", "One.")])
    tables.replace_library("b", "1", [replace(api("b.one", "One."), distribution="b")])
    embed(tables)
    vectors = Vectors(tables, tmp_path, "apis")
    assert nearest(vectors, tables, "one: One. (a)", libraries=["b"]) == ["b.one"]
    assert nearest(vectors, tables, "one: One. (a)", libraries=["c"]) == []


def test_an_upgrade_embeds_only_what_is_new(tables, tmp_path):
    tables.replace_library("a", "1", [api("a.one", "One."), api("a.two", "Two.")])
    embed(tables)
    vectors = Vectors(tables, tmp_path, "apis")
    nearest(vectors, tables, "one: One. (a)")
    tables.replace_library("a", "2", [api("a.one", "One."), api("a.three", "Three.")])
    assert nearest(vectors, tables, "two: Two. (a)") == ["a.one"]
    assert embed(tables) == 1
    assert nearest(vectors, tables, "three: Three. (a)")[0] == "a.three"
    assert len(list(tmp_path.glob("apis-*.faiss"))) == 1


def test_the_file_is_used_again_and_a_damaged_one_made_again(tables, tmp_path):
    tables.replace_library("a", "1", [api("a.one", "One."), api("a.two", "Two.")])
    embed(tables)
    nearest(Vectors(tables, tmp_path, "apis"), tables, "one: One. (a)")
    (file,) = tmp_path.glob("apis-*.faiss")
    written = file.stat().st_mtime_ns
    assert nearest(Vectors(tables, tmp_path, "apis"), tables, "one: One. (a)")[0] == "a.one"
    assert file.stat().st_mtime_ns == written
    file.write_bytes(b"damaged")
    assert nearest(Vectors(tables, tmp_path, "apis"), tables, "one: One. (a)")[0] == "a.one"
    assert file.stat().st_size > 1000


def test_without_a_folder_or_one_that_can_be_written(tables, tmp_path):
    tables.replace_library("a", "1", [api("a.one", "One.")])
    embed(tables)
    assert nearest(Vectors(tables, None, "apis"), tables, "one: One. (a)") == ["a.one"]
    assert nearest(Vectors(tables, tmp_path / "missing", "apis"), tables, "one: One. (a)") == ["a.one"]


def test_nothing_embedded_and_a_wrong_vector(tables, tmp_path):
    vectors = Vectors(tables, tmp_path, "apis")
    assert vectors.nearest_apis(direction("x"), 5) == []
    tables.replace_library("a", "1", [api("a.one", "One.")])
    embed(tables)
    with pytest.raises(ValueError, match="384"):
        vectors.nearest_apis(np.zeros(3, dtype=np.float32), 5)
