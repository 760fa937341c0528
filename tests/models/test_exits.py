"""The decoder of our own, what is trained beside it, and how prompts for it are laid out."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_model import make_tiny_model
from tokenizers import Tokenizer
from typewright.indexer.cancellation import NEVER
from typewright.indexer.errors import TypewrightError
from typewright.models.decoder import Decoder, Shape
from typewright.models.exits import Exits, adapt
from typewright.models.extension import Extension, pack, unpack
from typewright.models.language_model import LanguageModel
from typewright.models.packed import PackedDecoder, quantise
from typewright.models.prompt import Markers, as_comments, lay_out
from typewright.models.protocol import CompletionRequest, Piece
from typewright.models.runners import TransformersRunner
from typewright.models.training import run
from typewright.models.training.beginning import MARKERS as MARKERS_OF_OUR_OWN
from typewright.models.training.code_rows import PAD, Rows, read_rows
from typewright.models.vocabulary import Vocabulary

MARKERS = ("<file>", "<suffix>", "<middle>", "<|end|>")


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), special=MARKERS)


@pytest.fixture(scope="module")
def vocabulary(tiny_folder: Path) -> Vocabulary:
    return Vocabulary(Tokenizer.from_file(str(tiny_folder / "tokenizer.json")))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Sources of a little package of six modules, all of which import from the first."""
    folder = tmp_path / "corpus" / "shop"
    (folder / "shop").mkdir(parents=True)
    chance = random.Random(0)
    names = [
        f"{verb}_{noun}"
        for verb in ("read", "write", "check")
        for noun in ("order", "bill", "letter", "parcel", "refund", "customer")
    ]
    for module in "abcdef":
        lines = ["import json" if module == "a" else "from shop.a import read_order", "", ""]
        for name in names:
            call = chance.choice(names)
            lines += [
                f"def {name}(path, limit=10):",
                f"    value = {call}(path, limit)",
                "    return value",
                "",
                "",
            ]
        (folder / "shop" / f"{module}.py").write_text("\n".join(lines))
    return folder


# The decoder.


def written(folder: Path, family: str, **sizes: object) -> torch.nn.Module:
    """A model of three layers with random weights, as transformers makes and saves it."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        family,
        vocab_size=300,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        **sizes,
    )
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_the_decoder_computes_what_transformers_computes(tmp_path: Path, family: str) -> None:
    tied = family == "qwen2"
    model = written(tmp_path, family, hidden_size=32, intermediate_size=48, tie_word_embeddings=tied)
    tokens = torch.randint(0, 300, (2, 17))
    with torch.inference_mode():
        ours, theirs = Decoder.load(tmp_path)(tokens), model(tokens).logits
    assert torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_packed_weights_say_nearly_the_same_however_tokens_are_grouped(tmp_path: Path, family: str) -> None:
    model = written(tmp_path, family, hidden_size=64, intermediate_size=128)
    tokens = torch.randint(0, 300, (40,)).tolist()
    with torch.inference_mode():
        theirs = model(torch.tensor([tokens])).logits[0].numpy()
    shape = Shape.read(tmp_path)

    def answers(size: int, cuts: tuple[int, ...]) -> numpy.ndarray:
        packed = PackedDecoder.load(
            tmp_path, shape, "", cuts, lambda: Decoder.load(tmp_path), capacity=64, threads=1
        )
        found = []
        for start in range(0, len(tokens), size):
            x = packed.embed(tokens[start : start + size])
            for segment in range(len(cuts)):
                x = packed.run(segment, x, start)
            found.append(packed.logits(x))
        return numpy.concatenate(found)

    ours = answers(40, (3,))
    assert numpy.abs(ours - theirs).mean() < 0.05 * numpy.abs(theirs).mean()
    for size in (2, 5, 8):
        assert (answers(size, (3,)) == ours).all(), "a draft that is verified at once is greedy's own text"
    assert (answers(40, (1, 2, 3)) == ours).all()
    assert len(list(tmp_path.glob("cpu-*"))) == 1, "what is no longer used does not stay"


def test_eight_bits_a_number() -> None:
    weight = numpy.random.default_rng(0).standard_normal((6, 128)).astype(numpy.float32)
    weight[2] = 0
    numbers, scales = quantise(weight)
    assert (numbers.shape, scales.shape) == ((6, 2, 64), (6, 2))
    back = (numbers.astype(numpy.float32) - 128) * scales[..., None]
    assert numpy.abs(back.reshape(6, 128) - weight).max() <= scales.max() / 2 + 1e-6


def test_what_is_no_decoder_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(TypewrightError, match="no model configuration"):
        Shape.read(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(TypewrightError, match="family bert"):
        Shape.read(tmp_path)
    (tmp_path / "config.json").write_text((tiny_folder / "config.json").read_text())
    with pytest.raises(TypewrightError, match="cannot be read"):
        Decoder.load(tmp_path)
    save_file({"model.norm.weight": torch.ones(3)}, tmp_path / "model.safetensors")
    with pytest.raises(TypewrightError, match="do not fit"):
        Decoder.load(tmp_path)


def test_adapters_begin_as_nothing_and_are_merged_without_a_trace(tiny_folder: Path) -> None:
    tokens = torch.arange(20)[None]
    before = Decoder.load(tiny_folder)(tokens)
    decoder = Decoder.load(tiny_folder)
    adapted = adapt(decoder, 4)
    assert len(adapted) == 2 * 7
    assert torch.equal(decoder(tokens), before)
    tensors = {}
    for name, module in adapted.items():
        torch.nn.init.normal_(module.up, std=0.1)
        tensors[f"adapter.{name}.down"], tensors[f"adapter.{name}.up"] = module.down.data, module.up.data
    apart = decoder(tokens)
    assert not torch.allclose(apart, before, atol=0.1)
    merged = Decoder.load(tiny_folder)
    Extension(MARKERS, (1,), (0.0, 1.0), True, "", tensors).merge(merged.layers)
    assert torch.allclose(merged(tokens), apart, atol=1e-4)


def test_an_untrained_exit_says_what_the_head_says_of_the_layer(tiny_folder: Path) -> None:
    decoder = Decoder.load(tiny_folder)
    shortlist = torch.tensor([3, 7, 50])
    exits = Exits(32, (1,), shortlist, 8, 1e-6)
    x = torch.randn(5, 32)
    assert torch.equal(exits.state(0, x), x)
    scores = exits.scores(decoder.norm(x), decoder.head.weight[shortlist])
    assert torch.allclose(scores[:, :3], decoder.head(decoder.norm(x))[:, shortlist], atol=1e-5)
    assert torch.equal(exits.drafter(x, x), x)


# Prompts.


def test_what_changes_least_stands_first(vocabulary: Vocabulary) -> None:
    markers = Markers.of(vocabulary, MARKERS)
    assert markers is not None
    pieces = [Piece("a.py", "def f(): ...\n")]
    layout = lay_out(vocabulary, markers, pieces, "b.py", "x = 1\n", "\nz = 3\nrest")
    text = vocabulary.bytes_of([t for t in layout.context if t != markers.file]).decode()
    assert text == "a.py\ndef f(): ...\nb.py\n"
    assert vocabulary.bytes_of(layout.body) == b"x = 1\n"
    assert layout.tail[0] == markers.suffix
    assert layout.tail[-1] == markers.middle
    assert vocabulary.bytes_of(layout.tail[1:-1]) == b"\nz = 3\n"
    assert lay_out(vocabulary, markers, [], "b.py", "x = 1\n", " \n").tail == ()
    assert Markers.of(vocabulary, ("<nothing>", *MARKERS[1:])) is None
    assert as_comments(pieces) == "# from a.py:\n# def f(): ...\n"


def test_rows_are_prompts_with_their_continuation(
    package: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    markers = Markers.of(vocabulary, MARKERS)
    assert markers is not None
    rows = read_rows(package, vocabulary, markers, length=200, limit=60, seed="shop")
    assert len(rows) > 1
    assert rows.learnt[rows.tokens == PAD].sum() == 0
    assert not rows.learnt[numpy.isin(rows.tokens, (markers.file, markers.suffix, markers.middle))].any()
    source = [path.read_text() for path in package.rglob("*.py")]
    checked = 0
    for row in rows.tokens.tolist():
        tokens = row
        while markers.middle in tokens:
            middle = tokens.index(markers.middle)
            suffix = max(n for n in range(middle) if tokens[n] == markers.suffix)
            end = next((n for n in range(middle, len(tokens)) if tokens[n] == markers.end), None)
            if end is None:
                break
            line = vocabulary.bytes_of(tokens[middle + 1 : end]).decode()
            behind = vocabulary.bytes_of(tokens[suffix + 1 : middle]).decode()
            assert any(line + behind in text for text in source), "the suffix goes on where the line ends"
            tokens = tokens[end + 1 :]
            checked += 1
    assert checked > 1
    rows.save(tmp_path / "rows.npz")
    again = Rows.load(tmp_path / "rows.npz")
    assert (again.tokens == rows.tokens).all()
    assert (again.learnt == rows.learnt).all()


# Training, and what comes of it.


def config(package: Path, model: Path | str, output: Path, **others: object) -> Path:
    folder = package.parent.parent
    splits = ("train", "validation", "test")
    for split in splits[1:]:
        target = package.parent / split
        target.mkdir(exist_ok=True)
        for path in package.rglob("*.py"):
            (target / path.name).write_text(path.read_text())
    listed = zip(("shop", "validation", "test"), splits, strict=True)
    entries = [f'[[package]]\nname = "{name}"\nsplit = "{split}"\n' for name, split in listed]
    (folder / "packages.toml").write_text("\n".join(entries))
    settings = {
        "packages": "packages.toml",
        "corpus": "corpus",
        "work": "work",
        "output": str(output),
        "model": str(model),
        "markers": list(MARKERS),
        "length": 128,
        "rank": 16,
        "exits": [1],
        "shortlist": 200,
        "ahead": 2,
        "drafter": 16,
        "batch": 2,
        "epochs": 6,
        "warm_up": 2,
        "learning_rate": 0.02,
        "device": "cpu",
        **others,
    }
    path = folder / "exits.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    return path


def test_training_helps_and_its_weights_are_used(package: Path, tiny_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in tiny_folder.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    (model / "weights.json").write_text('{"name": "tiny", "files": {"model.gguf": {"sha256": "1234"}}}')
    path = config(package, model, tmp_path / "weights" / "tiny")
    report = run("exits", path)
    assert report["validation"]["loss"] < report["before"]["loss"] - 0.5
    assert report["validation"]["exits"]["1"]["agrees"] > report["before"]["exits"]["1"]["agrees"]
    extension = Extension.of(model, tmp_path / "weights")
    assert extension is not None
    assert (extension.markers, extension.layers) == (MARKERS, (1,))
    changed = Decoder.load(model)
    extension.merge(changed.layers)
    assert not torch.allclose(
        changed.layers[0].mlp.up_proj.weight, Decoder.load(model).layers[0].mlp.up_proj.weight
    )
    # A run that is over goes on to the same weights at once.
    assert run("exits", path)["validation"] == report["validation"]
    with pytest.raises(TypewrightError, match="another configuration"):
        run("exits", config(package, model, tmp_path / "weights" / "tiny", rank=8))
    content = (tmp_path / "weights" / "tiny" / "exits.safetensors").read_bytes()
    (tmp_path / "weights" / "tiny" / "exits.safetensors").write_bytes(content[:-1] + b"x")
    with pytest.raises(TypewrightError, match="wrong hash"):
        Extension.of(model, tmp_path / "weights")
    (model / "weights.json").write_text('{"name": "tiny", "files": {"model.gguf": {"sha256": "5678"}}}')
    assert Extension.of(model, tmp_path / "weights") is None, "weights of another model"
    assert Extension.of(tmp_path, tmp_path / "weights") is None


def test_a_model_of_our_own_begins_with_a_larger_one_and_is_trained_whole(
    package: Path, tmp_path: Path
) -> None:
    larger = make_tiny_model(tmp_path / "larger", hidden=64, tied=True)
    before = Vocabulary(Tokenizer.from_file(str(larger / "tokenizer.json")))
    path = config(package, tmp_path / "start", tmp_path / "own", whole=True, markers=MARKERS_OF_OUR_OWN)
    packages = path.parent / "packages.toml"
    plan = tmp_path / "beginning.toml"
    settings = {
        "packages": str(packages),
        "corpus": str(tmp_path / "corpus"),
        "larger": str(larger),
        "output": str(tmp_path / "start"),
        "layers": [1, 0],
        "vocabulary": 320,
    }
    plan.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    run("beginning", plan)
    own = Vocabulary(Tokenizer.from_file(str(tmp_path / "start" / "tokenizer.json")))
    text = "def check_order(path, limit=10):\n        return 'ä' + self.path\n"
    assert own.bytes_of(own.encode(text)).decode() == text
    line = "def check_order(path, limit=10):"
    assert len(own.encode(line)) < len(before.encode(line))
    start, old = Decoder.load(tmp_path / "start"), Decoder.load(larger)
    assert start.shape.vocabulary == 320
    assert torch.equal(start.layers[0].mlp.up_proj.weight, old.layers[1].mlp.up_proj.weight.half().float())
    word = own.encode(" =")[0]
    meant = old.embed.weight[before.encode(" =")].mean(0)
    assert torch.allclose(start.embed.weight[word], meant, atol=1e-3)

    report = run("python-model", path)
    assert report["validation"]["right"] > 0.2
    extension = Extension.of(tmp_path / "own")
    assert extension is not None
    assert extension.layers == (1,)
    model = LanguageModel.load(tmp_path / "own")
    answer = model.complete(
        CompletionRequest("def check_order(path, limit=10):\n    value = ", "", max_tokens=4)
    )
    assert answer.text
    # Eight bits on the disk are read by transformers, too.
    plain = LanguageModel.load(tmp_path / "own", packed=False)
    tokens = own.encode(text)
    expected = Decoder.load(tmp_path / "own")(torch.tensor([tokens]))[0, -1]
    assert torch.allclose(plain.runner.extend(tokens, NEVER), expected, atol=1e-3)
    settings["layers"] = [7]
    plan.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    with pytest.raises(TypewrightError, match="does not have the layers"):
        run("beginning", plan)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"exits": [2]}, "below layer 2"),
        ({"exits": []}, "below layer 2"),
        ({"markers": ["<none>", *MARKERS[1:]]}, "lacks one of the tokens"),
        ({"speed": 3}, "not as it must be"),
        ({"model": "nowhere"}, "no tokenizer"),
    ],
)
def test_bad_settings_give_one_sentence(
    package: Path, tiny_folder: Path, tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(TypewrightError, match=problem):
        run("exits", config(package, changes.pop("model", tiny_folder), tmp_path / "out", **changes))


def test_packed_tensors_lose_little() -> None:
    tensors = {"matrix": torch.randn(7, 64), "vector": torch.randn(5), "numbers": torch.arange(4)}
    packed = pack(tensors)
    assert packed["matrix"].dtype == torch.int8
    found = unpack(packed)
    assert set(found) == set(tensors)
    assert torch.allclose(found["matrix"], tensors["matrix"], atol=0.02)
    assert torch.equal(found["numbers"], tensors["numbers"])


def test_the_shipped_weights_are_read_and_used(language_model_weights: Path) -> None:
    extension = Extension.of(language_model_weights)
    assert extension is not None
    layers = Shape.read(language_model_weights).layers
    assert all(0 < layer < layers for layer in extension.layers)
    assert all(torch.isfinite(t).all() for t in extension.tensors.values())
    model = LanguageModel.load(language_model_weights, packed=False)
    assert isinstance(model.runner, TransformersRunner)
    request = CompletionRequest(
        "def total(self):\n    return ",
        "\n",
        path="shop/order.py",
        pieces=(Piece("shop/prices.py", "def sum_of_prices(articles, currency): ...\n"),),
    )
    assert model.complete(request).text
    bare = load_file(language_model_weights / "model.safetensors")["model.layers.0.mlp.up_proj.weight"]
    assert not torch.equal(
        model.runner.model.get_submodule("model.layers")[0].mlp.up_proj.weight, bare.float()
    )
