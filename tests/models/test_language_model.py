from __future__ import annotations

import inspect
import json
import shutil
import textwrap
from pathlib import Path

import pytest
import torch
from tiny_model import make_tiny_model
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.models import language_model
from typewright.models.language_model import LanguageModel
from typewright.models.protocol import CompletionRequest, Piece
from typewright.models.runners import PackedRunner, TransformersRunner
from typewright.models.vocabulary import Vocabulary

SOURCE = inspect.getsource(textwrap)
FILL = ("<|end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


@pytest.fixture(scope="module", params=[32, 64], ids=["plain", "packed"])
def tiny_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), hidden=request.param)


@pytest.fixture
def tiny(tiny_folder: Path) -> LanguageModel:
    return LanguageModel.load(tiny_folder)


@pytest.fixture(scope="module")
def smollm(language_model_weights: Path) -> LanguageModel:
    return LanguageModel.load(language_model_weights)


def test_the_converted_model_writes_sensible_code(smollm: LanguageModel) -> None:
    completion = smollm.complete(
        CompletionRequest("def first(a, b):\n    return a\n\n\ndef second(a, b):\n    return ")
    )
    assert completion.text == "b"
    assert 0.3 < completion.confidence <= 1
    assert completion.layers_run == smollm.layers == 30
    assert 0 < completion.first_token_ms <= completion.total_ms
    assert completion.tokens == len(completion.token_ids)


def test_a_word_broken_off_is_continued(smollm: LanguageModel) -> None:
    completion = smollm.complete(CompletionRequest("import os\n\nprint(os.path.jo"))
    assert completion.text.startswith("in(")


def test_the_same_tokens_as_transformers_generates(language_model_weights: Path) -> None:
    prefix = 'import json\n\n\ndef load(path):\n    """Read a JSON file."""\n    with'
    request = CompletionRequest(prefix, stop="block", max_tokens=9)
    plain = LanguageModel.load(language_model_weights, packed=False)
    ours = plain.complete(request)
    assert isinstance(plain.runner, TransformersRunner)
    prompt, removed = plain._prompt(request)
    assert removed == b" with"
    theirs = plain.runner.model.generate(
        torch.tensor([[*prompt, *ours.token_ids[:1]]]), max_new_tokens=8, do_sample=False
    )
    assert ours.token_ids == tuple(theirs[0, len(prompt) :].tolist())


def test_weights_are_packed_where_they_can_be(smollm: LanguageModel, tmp_path: Path) -> None:
    assert isinstance(smollm.runner, PackedRunner)
    assert isinstance(LanguageModel.load(make_tiny_model(tmp_path)).runner, TransformersRunner)


def test_converted_weights_are_plain_half_precision(language_model_weights: Path) -> None:
    from safetensors import safe_open

    with safe_open(language_model_weights / "model.safetensors", "pt") as file:  # type: ignore[no-untyped-call]
        assert {str(file.get_slice(name).get_dtype()) for name in file.keys()} == {"F16"}  # noqa: SIM118
    assert "quantization_config" not in json.loads((language_model_weights / "config.json").read_text())


def test_typing_on_computes_only_what_is_new(tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    extend = tiny._extend
    monkeypatch.setattr(
        tiny, "_extend", lambda tokens, cancel: (computed.append(len(tokens)), extend(tokens, cancel))[1]
    )
    text = SOURCE[:3000]
    tiny.complete(CompletionRequest(text, max_tokens=4))
    cold, computed[:] = sum(computed), []
    assert cold > 500
    for end in range(3001, 3020):
        tiny.complete(CompletionRequest(SOURCE[:end], max_tokens=4))
        assert sum(computed) < 60
        computed.clear()


def test_the_cache_changes_nothing(tiny: LanguageModel, tiny_folder: Path) -> None:
    """Requests that share a beginning, in any order, are answered as a fresh model answers them."""
    ends = [400, 401, 420, 300, 1200, 1190, 400]
    for end in ends:
        request = CompletionRequest(SOURCE[:end], max_tokens=4, stop="block")
        fresh = LanguageModel.load(tiny_folder).complete(request)
        warm = tiny.complete(request)
        assert warm.token_ids == fresh.token_ids
        assert warm.text == fresh.text
        assert warm.confidence == pytest.approx(fresh.confidence, rel=1e-3)


def test_cancelling_leaves_a_cache_that_can_be_used(tiny: LanguageModel, tiny_folder: Path) -> None:
    class CancelledLater(CancelToken):
        looks = 0

        def check(self) -> None:
            self.looks += 1
            if self.looks > 4:
                raise Cancelled

    request = CompletionRequest(SOURCE[:3000], max_tokens=4)
    with pytest.raises(Cancelled):
        tiny.complete(request, CancelledLater())
    assert tiny.complete(request).token_ids == LanguageModel.load(tiny_folder).complete(request).token_ids


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "\n",
        "x",
        "é",
        "name = '漢字🙂",
        "\tif x:\r\n\t\t",
        "a" * 500,
        " " * 500,
        "x = 1\n" * 4000,
        "no_line_end_" * 4000,
        "<|end|><|end|>",
        "\x00\ufeff",
    ],
)
def test_any_text_is_completed(tiny: LanguageModel, prefix: str) -> None:
    completion = tiny.complete(CompletionRequest(prefix, max_tokens=5))
    assert 1 <= completion.tokens <= 5
    assert "\n" not in completion.text


def test_healing_spells_what_was_taken_back(tiny: LanguageModel) -> None:
    for end in range(200, 400, 19):
        prefix = SOURCE[:end]
        prompt, removed = tiny.vocabulary.heal(prefix)
        assert tiny.vocabulary.bytes_of(prompt) + removed == prefix.encode()
        completion = tiny.complete(CompletionRequest(prefix, max_tokens=4, stop="block"))
        generated = tiny.vocabulary.bytes_of(completion.token_ids)
        assert generated.startswith(removed) or removed.startswith(generated)


def test_healing_with_a_tokenizer_of_pieces() -> None:
    """As SentencePiece writes them: ▁ for a space, one of them put in front of the text, bytes as <0x0A>."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = ["<unk>", "▁x", "▁=", "▁fo", "o", "▁foo", "fo", "f", "▁", "x", "=", "<0x0A>"]
    merges = [("▁", "x"), ("▁", "="), ("f", "o"), ("▁", "fo"), ("▁fo", "o")]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: number for number, piece in enumerate(pieces)}, merges=merges, unk_token="<unk>"
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    vocabulary = Vocabulary(tokenizer)
    prompt, removed = vocabulary.heal("x = foo")
    assert removed == b" foo"
    assert vocabulary.bytes_of(prompt) == b" x ="
    spelled = {vocabulary.bytes_of([number]) for number in vocabulary.spelling(b" foo")}
    assert spelled == {b" ", b" fo", b" foo"}
    assert vocabulary.bytes_of([pieces.index("<0x0A>")]) == b"\n"
    assert vocabulary.heal("x")[1] == b"", "the space in front is not in the text"


def test_text_that_ends_within_a_character_is_not_shown_broken(tiny: LanguageModel) -> None:
    completion = tiny.complete(CompletionRequest("x = 'é漢", max_tokens=8, stop="block"))
    assert "\ufffd" not in completion.text


def test_the_names_of_special_tokens_in_a_text_are_text(tiny: LanguageModel) -> None:
    vocabulary: Vocabulary = tiny.vocabulary
    numbers = vocabulary.encode("x = '<|end|>'")
    assert not vocabulary.special & set(numbers)
    assert vocabulary.bytes_of(numbers) == b"x = '<|end|>'"


def test_the_front_of_a_long_prefix_is_cut_at_a_line_and_stays_put() -> None:
    line = "value = compute(value)  # and so on\n"
    prefix = line * 1000
    seen = {language_model._end_of(prefix + "x" * typed)[: 10 * len(line)] for typed in range(30)}
    assert seen == {line * 10}
    assert prefix.endswith(language_model._end_of(prefix))
    assert len(language_model._end_of(prefix)) <= language_model.PREFIX_CHARACTERS


def test_a_short_context_keeps_the_end(tmp_path: Path) -> None:
    model = LanguageModel.load(make_tiny_model(tmp_path, context_length=64))
    completion = model.complete(
        CompletionRequest(SOURCE[:3000], suffix=SOURCE[3000:], max_tokens=8, stop="block")
    )
    assert completion.tokens == 8


def test_the_suffix_is_read_where_the_model_can(tmp_path: Path, tiny: LanguageModel) -> None:
    model = LanguageModel.load(make_tiny_model(tmp_path, special=FILL))
    name = model.vocabulary.find
    prompt, removed = model._prompt(
        CompletionRequest("a = f(", ")\nb = 2\nc", pieces=(Piece("g.py", "def f(x): ..."),))
    )
    assert prompt[0] == name("<|fim_prefix|>")
    assert prompt[-1] == name("<|fim_middle|>")
    middle = prompt.index(name("<|fim_suffix|>") or -1)
    assert model.vocabulary.bytes_of(prompt[1:middle]) + removed == b"# from g.py:\n# def f(x): ...\na = f("
    assert model.vocabulary.bytes_of(prompt[middle + 1 : -1]) == b")\nb = 2\n"
    prompt, removed = tiny._prompt(CompletionRequest("a = f(", suffix=")\nb = 2\n"))
    assert tiny.vocabulary.bytes_of(prompt) + removed == b"a = f("


def test_folders_that_hold_no_model(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TypewrightError, match="holds no language model that can be read"):
        LanguageModel.load(tmp_path)
    shutil.copytree(tiny_folder, tmp_path / "copy")
    (tmp_path / "copy" / "tokenizer.json").write_text("{")
    with pytest.raises(TypewrightError, match="holds no language model that can be read"):
        LanguageModel.load(tmp_path / "copy")
