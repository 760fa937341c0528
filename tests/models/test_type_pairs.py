import numpy as np
import pytest
from typewright.indexer.slices import slices
from typewright.indexer.syntax import parse
from typewright.models.protocol import Candidate
from typewright.models.type_features import (
    GROUPS,
    ORIGINS,
    Bags,
    Floats,
    encode_candidates,
    encode_slots,
    key,
    known_features,
)
from typewright.models.type_pairs import PAIR_FEATURES, pair_features, relevant
from typewright.models.type_sight import SIGHT_FEATURES, InSight, encode_sight


def fit(code: str, name: str, *candidates: Candidate) -> Floats:
    """(candidates, features): how one slot and candidates fit."""
    functions = slices(parse(code))
    row = [slot.name for function in functions for slot in function.slots].index(name)
    origins = np.array([ORIGINS.index(candidate.origin) for candidate in candidates], dtype=np.uint8)
    table = encode_candidates(candidates)
    found = pair_features(encode_slots(functions), table, origins)
    assert found.shape[1:] == (len(candidates), PAIR_FEATURES)
    return found[row]


def differs(code: str, name: str, better: Candidate, worse: Candidate) -> bool:
    """Whether anything that is compared favours one candidate, and nothing the other but by being rarer."""
    first, second = fit(code, name, better, worse)
    return bool(first.sum() > second.sum())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def f(request): ...", "request"),
        ("def f(requests): ...", "requests"),
        ("def f(req): ...", "req"),
        ("def f(rqs): ...", "rqs"),
        ("def f(x): return x.http_method", "x"),
        ("def f(x): assert isinstance(x, Request)", "x"),
        ("def handle_request(x): ...", "x"),
        ("def f(x):\n  request = x", "x"),
        ("def f(x):\n  '''Do.\n\n  :param x: a request\n  '''", "x"),
        ("class Request:\n  def f(self, other): ...", "other"),
        ("def take(request): ...\ndef f(x): take(x)\ndef g():\n  x = 1\n  take(x)", "x"),
    ],
)
def test_what_fits_is_compared_higher(code: str, name: str) -> None:
    better = Candidate("Request", "app.Request", ("http_method",))
    assert differs(code, name, better, Candidate("Banana", "app.Banana", ("peel",)))


def test_common_members_say_less_than_rare_ones() -> None:
    code = "def f(x):\n  x.get()\n  x.fly()"
    many = [Candidate(f"C{i}", f"C{i}", ("get",)) for i in range(6)]
    common, rare = fit(code, "x", Candidate("A", "A", ("get",)), Candidate("B", "B", ("fly",)), *many)[:2]
    assert rare.sum() > common.sum()


def test_of_what_is_elsewhere_only_what_is_spoken_of_or_common_is_ranked() -> None:
    slots = encode_slots(slices(parse("def f(node, ctx): return node")))
    names = ["Node", "Context", "Popular", "Stranger", "Visible"]
    candidates = [
        Candidate(
            name,
            name,
            origin="import" if name == "Visible" else "elsewhere",
            importers=8 if name == "Popular" else 0,
        )
        for name in names
    ]
    origins = np.array([ORIGINS.index(candidate.origin) for candidate in candidates], dtype=np.uint8)
    kept = relevant(slots, encode_candidates(candidates), origins)
    assert [names[number] for number in kept] == ["Node", "Context", "Popular", "Visible"]


def test_features_are_pooled_by_group() -> None:
    keys = np.array([key("a", 0), key("b", 1), key("c", 1), key("d", 3)], dtype=np.uint32)
    bags = Bags(keys, np.array([0, 3, 4]))
    rows, segments = known_features(bags, np.sort(keys))
    assert len(rows) == 4
    assert segments.tolist() == [0, 1, 1, GROUPS + 3]


def test_types_are_in_sight_by_import_module_or_library() -> None:
    code = "from collections.abc import Sequence, Mapping\nimport numpy as np\nMapping()\n"
    sight = encode_sight(slices(parse(code + "def f(x: Sequence): ..."))[0].module)
    types = [
        "int",
        "Sequence[int]",
        "Mapping[str, int]",
        "ndarray",
        "Path",
        "Iterator[int]",
        "Sequence | Path",
    ]
    qualified = {name: f"collections.abc.{name}" for name in ("Sequence", "Mapping", "Iterator")}
    found = InSight(types, {**qualified, "ndarray": "numpy.ndarray", "Path": "pathlib.Path"})
    assert found(sight).tolist() == [
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [1, 0, 0, 1],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]
    hidden = found(sight.hidden())
    assert hidden.shape == (len(types), SIGHT_FEATURES)
    assert not hidden[1, :3].any()
    assert hidden[2, 0]
    assert len(sight.hidden().bag) < len(sight.bag)
