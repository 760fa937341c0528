import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typewright.indexer.cancellation import Cancelled, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import slices
from typewright.indexer.syntax import parse
from typewright.models.protocol import Candidate, RankedType
from typewright.models.training import run
from typewright.models.training.dataset import Dataset, Vocabulary, template_of
from typewright.models.training.evaluation import Answer, coverage, isotonic
from typewright.models.training.examples import read_package
from typewright.models.training.labels import label
from typewright.models.training.packages import read_packages
from typewright.models.type_model import DEFAULT_FOLDER, OTHER, PLACEHOLDER, TypeModel, qualify
from typewright.models.type_pairs import pair_features
from typewright.models.type_sight import names_in

NOUNS = ["engine", "socket", "parser", "printer", "wheel", "river", "basket"]
NOUNS += ["letter", "ticket", "market", "window", "garden", "hammer", "violin"]


def write_package(folder: Path, nouns: Sequence[str]) -> None:
    """A small typed package, about other things than its neighbours but in the same style."""
    folder.mkdir(parents=True)
    for noun in nouns:
        name = noun.capitalize()
        (folder / f"{noun}.py").write_text(
            f"from pathlib import Path\nfrom collections.abc import Iterator\n"
            f"class {name}:\n"
            f"    def __init__(self, count: int, path: Path, title: str = 'a') -> None:\n"
            f"        self.count = count\n"
            f"    def is_{noun}_ready(self) -> bool:\n        return self.count > 0\n"
            f"    def save_{noun}(self, path: Path) -> None:\n        path.write_text(str(self.count))\n"
            f"def make_{noun}(count: int, title: str = 'b') -> {name}:\n    return {name}(count, title)\n"
            f"def use_{noun}({noun}: {name}, title: str) -> str:\n    return title + str({noun}.count)\n"
            f"def read_{noun}s({noun}s: list[{name}], path: Path) -> Iterator[str]:\n"
            f"    for {noun} in {noun}s:\n        yield {noun}.title\n",
            encoding="utf-8",
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("training")
    groups = {f"package{i}": NOUNS[3 * i : 3 * i + 3] for i in range(4)} | {
        "held": NOUNS[12:13],
        "unseen": NOUNS[13:],
    }
    splits = ["train"] * 4 + ["validation", "test"]
    rows = []
    for (name, nouns), split in zip(groups.items(), splits, strict=True):
        write_package(root / "corpus" / name, nouns)
        rows.append(f'[[package]]\nname = "{name}"\nsplit = "{split}"\n')
    (root / "packages.toml").write_text("".join(rows), encoding="utf-8")
    (root / "config.toml").write_text(
        'packages = "packages.toml"\ncorpus = "corpus"\nwork = "work"\noutput = "weights"\n'
        "packages_per_feature = 2\npackages_per_type = 2\nepochs = 100\nbatch = 128\nthreads = 1\n"
        "learning_rate = 0.01\nembedding_learning_rate = 0.02\nsmoothing = 0.0\n"
        "size = { embedding = 16, heads = 2, hidden = 32, match = 16 }\n",
        encoding="utf-8",
    )
    return root


@pytest.fixture(scope="module")
def model(trained: Path) -> TypeModel:
    report = run("type-model", trained / "config.toml")
    assert report["weights"] == str(trained / "weights")
    return TypeModel.load(trained / "weights")


def best(model: TypeModel, code: str, candidates: Sequence[Candidate] = ()) -> dict[str, RankedType]:
    functions = slices(parse(code))
    ranked = model.predict(functions, candidates)
    assert [len(slots) for slots in ranked] == [len(function.slots) for function in functions]
    return {
        s.name: t[0] for f, r in zip(functions, ranked, strict=True) for s, t in zip(f.slots, r, strict=True)
    }


def test_learns_types_of_the_vocabulary_with_qualified_names(model: TypeModel) -> None:
    code = (
        "def save(path, count, title='x'):\n    path.write_text(str(count))\n    return title + str(count)\n"
    )
    found = best(model, code)
    assert (found["path"].type, found["count"].type) == ("pathlib.Path", "int")
    assert found["title"].type == "str"


def test_class_that_it_never_saw_wins_and_composes(model: TypeModel) -> None:
    candidates = [
        Candidate("Lantern", "shop.Lantern", ("count", "title"), origin="class"),
        Candidate("Cupboard", "shop.Cupboard", ("doors",), origin="class"),
    ]
    code = (
        "def use_lantern(lantern, title):\n    return title + str(lantern.count)\n"
        "def read_lanterns(lanterns, path):\n    for each in lanterns:\n        yield each.title\n"
    )
    found = best(model, code, candidates)
    assert found["lantern"].type == "shop.Lantern"
    assert found["lanterns"].type == "list[shop.Lantern]"
    assert "Lantern" not in best(model, code)["lantern"].type


def test_probabilities_fall_and_stay_within_bounds(model: TypeModel) -> None:
    functions = slices(parse("def f(a, b=1, *c, **d):\n    e = a\n    return [e, b]\n"))
    for slots in model.predict(functions, limit=3):
        for ranked in slots:
            values = [each.probability for each in ranked]
            assert len(values) == 3
            assert values == sorted(values, reverse=True)
            assert all(0 <= value < 1 for value in values)


def test_numpy_computes_what_torch_computed(trained: Path, model: TypeModel) -> None:
    import torch
    from typewright.models.training import network

    tensors = model.networks[0].weights
    description = json.loads((trained / "weights" / "model.json").read_text())
    vocabulary = Vocabulary(
        model.features,
        tuple(description["types"]),
        tuple(description["templates"]),
        description["qualified"],
    )
    reference = network.TypeNetwork(vocabulary, network.Size(**description["size"]), 0.0, 0.0)
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    reference.load_state_dict(state)
    reference.eval()
    package = read_package("unseen", trained / "corpus" / "unseen", maximum_labels=1000)
    data, sight = Dataset([package], vocabulary), package.files[0].sight
    batch, view = next(data.batches(1000)), data._view(data._items[0], hidden=False)
    types, templates, pairs, none = (each.detach().numpy() for each in reference(batch))
    in_sight = model._types_in_sight(sight), model._templates_in_sight(sight)
    seen = model.networks[0].see(batch.slots, sight, batch.candidates, in_sight)
    fits = pair_features(batch.slots.take(batch.labelled), batch.candidates, view.origins)
    found = seen.say(batch.labelled, fits)
    for computed, expected in zip(found, (types, templates, pairs, none), strict=True):
        np.testing.assert_allclose(computed.reshape(expected.shape), expected, rtol=1e-3, atol=1e-3)
    assert len(pairs) == len(batch.labelled) * len(batch.candidates) > 0


def test_own_class_that_only_annotations_import_is_elsewhere_when_hidden(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class Node:\n  def walk(self) -> int: ...\n")
    (tmp_path / "b.py").write_text(
        "from .a import Node\nfrom lib import Outside\ndef f(node: Node, x: Outside) -> int: ...\n"
    )
    package = read_package("p", tmp_path, maximum_labels=100)
    vocabulary = Vocabulary(np.zeros(0, dtype=np.uint32), (OTHER, "int"), (PLACEHOLDER,), {"int": "int"})
    data = Dataset([package], vocabulary)
    seen, hidden = next(data.batches(100)), next(data.batches(100, hide=1.0))
    by_label = dict(zip(seen.labels, seen.pair_targets, strict=True))
    assert (by_label["Node"] >= 0, by_label["Outside"] >= 0, by_label["int"]) == (True, True, -1)
    by_label = dict(zip(hidden.labels, hidden.pair_targets, strict=True))
    assert (by_label["Node"] >= 0, by_label["Outside"]) == (True, -1)


def test_networks_answer_together(trained: Path, model: TypeModel) -> None:
    config = (trained / "config.toml").read_text(encoding="utf-8")
    config = config.replace("epochs = 100", 'epochs = 2\nbeside = "weights"').replace('"work"', '"work-two"')
    (trained / "two.toml").write_text(config.replace('"weights"\npackages', '"weights-two"\npackages'))
    run("type-model", trained / "two.toml")
    both = TypeModel.load(trained / "weights-two")
    first, second = both.networks
    for name, value in model.networks[0].weights.items():
        np.testing.assert_array_equal(first.weights[name], value, err_msg=name)
    assert np.abs(second.weights["types.weight"] - first.weights["types.weight"]).max() > 0.01
    slots = slices(parse("def f(count, name): return name * count\n"))
    apart = model.predict(slots, limit=3)
    together = both.predict(slots, limit=3)
    assert [[r.probability for r in slot] for slot in together[0]] != [
        [r.probability for r in slot] for slot in apart[0]
    ]


@pytest.mark.usefixtures("model")
def test_training_resumes_and_is_deterministic(trained: Path) -> None:
    config = (trained / "config.toml").read_text(encoding="utf-8")
    short = config.replace("epochs = 100", "epochs = 3")

    results = []
    for name in ("whole", "broken-off"):
        path = trained / f"{name}.toml"
        path.write_text(short.replace('"work"', f'"work-{name}"').replace('"weights"', f'"weights-{name}"'))
        if name == "broken-off":
            token = CancelToken()

            def stop_in_second_epoch(stage: str, *_: int, token: CancelToken = token) -> None:
                if stage.startswith("epoch 2"):
                    token.cancel()

            with pytest.raises(Cancelled):
                run("type-model", path, progress=stop_in_second_epoch, cancel=token)
            assert (trained / "work-broken-off" / "checkpoint.pt").exists()
        run("type-model", path)
        results.append((trained / f"weights-{name}" / "model.safetensors").read_bytes())
    assert results[0] == results[1]


def test_run_that_goes_on_may_end_half_way(trained: Path, model: TypeModel) -> None:
    config = (trained / "config.toml").read_text(encoding="utf-8")
    config = config.replace("epochs = 100", 'epochs = 2\nstart = "weights"').replace('"work"', '"work-on"')
    found = []
    for name, more in (("on", ""), ("half", "average = true\n")):
        path = trained / f"{name}.toml"
        path.write_text(more + config.replace('"weights"\npackages', f'"weights-{name}"\npackages'))
        run("type-model", path)
        found.append(TypeModel.load(trained / f"weights-{name}").networks[0].weights["types.weight"])
    whole, half = found
    assert np.abs(whole - model.networks[0].weights["types.weight"]).max() > 0.01
    np.testing.assert_allclose(half, (whole + model.networks[0].weights["types.weight"]) / 2, atol=2e-3)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "manifest"])
def test_damaged_weights_give_one_clear_error(trained: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(trained / "weights", folder)
    file = folder / "model.safetensors"
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:100])
    elif damage == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"\x00")
        (folder / "model.json").write_text("{}")
    else:
        (folder / "weights.json").write_text("[]")
    with pytest.raises(TypewrightError, match="type model"):
        TypeModel.load(folder)


def test_cancelled_prediction_stops(model: TypeModel) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        model.predict(slices(parse("def f(a): return a\n")), (), token)


def test_nothing_to_predict(model: TypeModel) -> None:
    assert model.predict(()) == ()


def test_shipped_weights_know_the_everyday() -> None:
    code = (
        "def load(path, encoding='utf-8', verbose=False):\n    with open(path, encoding=encoding) as f:\n"
        "        lines = f.read().splitlines()\n    if verbose: print(len(lines))\n    return lines\n"
    )
    found = best(TypeModel.load(DEFAULT_FOLDER), code)
    assert found["encoding"].type == "str"
    assert found["verbose"].type == "bool"
    assert found["verbose"].probability > 0.9
    assert found["lines"].type == "list[str]"


def test_shipped_weights_fit_the_repository() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_FOLDER.iterdir()) < 40_000_000
    listed = read_packages(Path(run.__code__.co_filename).with_name("packages.toml"))
    assert {"train", "validation", "test"} == {package.split for package in listed}
    assert all(package.license and len(package.sha256) == 64 for package in listed)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Optional[List[int]]", ("list[int]", True)),
        ("'Path | None'", ("Path", True)),
        ("Union[str, os.PathLike[str]]", ("PathLike[str] | str", False)),
        ("Dict[str, Any]", ("dict[str, Any]", False)),
        ("typing.List[Any]", ("list", False)),
        ("Annotated[int, Gt(3)]", ("int", False)),
        ("Literal['b', 'a']", ("Literal['a', 'b']", False)),
        ("Callable[[int], str]", ("Callable[[int], str]", False)),
        ("None", ("None", False)),
    ],
)
def test_annotations_have_one_spelling(annotation: str, expected: tuple[str, bool]) -> None:
    found = label(annotation)
    assert found is not None
    assert (found.type, found.optional) == expected


@pytest.mark.parametrize("annotation", ["Any", "Optional[Any]", "(", "f(x)", "'not a type'", "1 +"])
def test_annotations_that_say_nothing(annotation: str) -> None:
    assert label(annotation) is None


def test_templates_and_names() -> None:
    assert names_in("dict[str, Literal['Row']] | Row") == ["dict", "str", "Literal", "Row"]
    assert template_of("dict[str, Row]", "Row") == "dict[str, ?]"
    assert (
        qualify("Sequence[Literal['Path']] | Path", {"Path": "pathlib.Path"})
        == "Sequence[Literal['Path']] | pathlib.Path"
    )


def test_isotonic_curve_is_monotone_and_coverage_counts() -> None:
    found = [
        Answer("param", "int", "int" if i % 10 < i // 10 else "str", i / 100, "common") for i in range(100)
    ]
    x, y = isotonic(found, knots=10)
    assert x == sorted(x)
    assert y == sorted(y)
    assert coverage([Answer("param", "int", "int", 0.9, "common")], 0.95) == 1.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("packages = 3\n", "configuration"),
        ('packages = "none.toml"\nwork = "w"\noutput = "o"\n', "cannot be read"),
        ('packages = "p.toml"\nwork = "w"\noutput = "o"\nspeed = 3\n', "configuration"),
        ("=", "configuration"),
    ],
)
def test_bad_configurations_give_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(TypewrightError, match=problem):
        run("type-model", path)
    with pytest.raises(TypewrightError, match="not available yet"):
        run("embeddings", path)


def test_excluded_packages_cannot_be_listed(tmp_path: Path) -> None:
    path = tmp_path / "packages.toml"
    path.write_text('[excluded]\nnames = ["rich"]\n[[package]]\nname = "rich"\nsplit = "train"\n')
    with pytest.raises(TypewrightError, match="rich"):
        read_packages(path)
