import json

import numpy as np
import pytest
from typewright.assist.fusion import (
    BY_HAND,
    CALLS_HERE,
    SIMILARITY,
    WEIGHTS,
    features,
    score,
    turned,
)
from typewright.indexer.arrays import unpack
from typewright.indexer.records import Api
from typewright.indexer.word_table import Part, WordTable, joined, rarity
from typewright.indexer.words import query_words, stem


def api(name="tables.read_table", kind="function", **known) -> Api:
    plain = {"signature": "", "parameters": (), "returns": "", "summary": "", "documentation": "Text."}
    plain |= {"aliases": (), "distribution": "tables", "version": "1", "path": None, "line": 1}
    return Api(name, kind, **plain | known)


def found(
    *apis: Api,
    question="read a table",
    calls=None,
    solved=None,
    votes=None,
    imported=(),
    own=False,
    vectors=True,
):
    part = Part()
    for row, each in enumerate(apis, 1):
        part.add(row, each)
    table = WordTable(joined([unpack(part.packed())], calls or {}))
    asked = [stem(word) for word in query_words(question)]
    weights = dict(zip(asked, rarity(len(apis), table.frequencies(asked).tolist()), strict=True))
    scan = table.scan(weights, np.ones(len(apis), bool))
    return features(
        scan, len(asked), solved or {}, votes or {}, frozenset(imported), own=own, vectors=vectors
    )


@pytest.mark.parametrize("vectors", [False, True])
@pytest.mark.parametrize(
    ("better", "worse", "more"),
    [
        (api(), api("tables.write_rows"), {}),
        (api(summary="Read it."), api("tables.core.read_table"), {}),
        (api(), api("tables.core.impl.private.read_table"), {}),
        (api(), api("tables.read_tables", deprecated="since 2"), {}),
        (api(), api("other.read_table"), {"calls": {"tables.read_table": 10}}),
        (api(), api("other.read_table"), {"votes": {"tables.read_table": 1.0}}),
        (api(), api("other.read_table"), {"solved": {"tables.read_table": 0.9}}),
        (api(), api("other.read_table"), {"imported": ["tables"]}),
        (api(distribution="python"), api("other.read_table"), {"imported": ["more"]}),
    ],
)
def test_what_speaks_for_an_api(better, worse, more, vectors):
    first, second = score(found(better, worse, **more, vectors=vectors), vectors=vectors)
    assert first > second


def test_own_apis_are_always_at_hand():
    assert found(api(), imported=["other"])["not imported here"].tolist() == [True]
    assert "not imported here" not in found(api(), imported=["other"], own=True)


def test_a_name_is_asked_for_in_full_as_well():
    known = found(api("str.join", "method"), question="string join")
    assert [known["name in the question"][0], known["owner in the question"][0]] == [1.0, 1.0]


@pytest.mark.parametrize("solved", [False, True])
def test_a_vector_is_turned_but_a_little(solved):
    vector = np.random.default_rng(1).normal(size=384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    other = turned(vector, solved=solved)
    assert other.shape == (384,)
    assert other @ vector / np.linalg.norm(other) > 0.5


def test_no_weight_is_both_learned_and_set_by_hand():
    every = json.loads(WEIGHTS.read_text())
    assert every.keys() == {"without vectors", "with vectors", "with solved questions"}
    for title, weights in every.items():
        assert not weights.keys() & BY_HAND.keys()
        solved = {"a": 0.9} if title == "with solved questions" else {}
        known = found(api(), solved=solved, votes={"a": 1.0}, imported=["b"]).keys()
        assert known | {CALLS_HERE, SIMILARITY} == weights.keys() | BY_HAND.keys() | {
            SIMILARITY,
        }
