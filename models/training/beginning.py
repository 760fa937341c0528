"""Where the training of a language model of our own begins: a tokenizer for Python, and a model cut to size.

The model takes some layers of a larger one of the catalogue, and for each of its tokens the mean of that
model's embeddings of the same text (Gee et al., Fast Vocabulary Transfer, 2022): far ahead of random numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

from ..decoder import Decoder
from ..vocabulary import Vocabulary
from .code_rows import read_texts
from .packages import read_packages, source_folder
from .settings import read_settings

MARKERS = ("<|file|>", "<|suffix|>", "<|middle|>", "<|end|>")
# Line ends; words with the character in front of them (.append, _name, " in"); pairs of digits; punctuation;
# spaces but the last in front of a word. A line end is a token of its own, so that completions stop cleanly.
WORDS = r"\n+|[^\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|[^\S\n]+(?!\S)|[^\S\n]+"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `typewright train beginning --config FILE` reads; paths are relative to the file.

    `layers` are those that are taken of the model in the folder `larger`, in order; `vocabulary` is the
    number of tokens. The tokenizer learns from the split `train` of `packages`. `output` receives the model.
    """

    packages: Path
    larger: Path
    output: Path
    layers: tuple[int, ...]
    corpus: Path | None = None
    vocabulary: int = 16_384


def read_plan(path: Path) -> Plan:
    """Read a plan in TOML; raises `TypewrightError` where it is not as it must be."""
    return read_settings(
        path,
        lambda data: Plan(**data | {"layers": tuple(data.get("layers", ()))}),
        ("packages", "larger", "output", "corpus"),
    )


def begin(plan: Plan, *, progress: Progress | None = None, cancel: CancelToken = NEVER) -> Path:
    """Write configuration, tokenizer and weights of the untrained model; returns its folder.

    Raises `TypewrightError` where the larger model does not have what the plan takes of it.
    """
    larger, layers, target = plan.larger, plan.layers, plan.output
    if progress is not None:
        progress("learning a tokenizer", 0, 2)
    tokenizer = learn_tokenizer(_texts(plan.packages, plan.corpus, cancel), plan.vocabulary)
    cancel.check()
    if progress is not None:
        progress("cutting the model to size", 1, 2)
    decoder = Decoder.load(larger)
    if not layers or max(layers) >= decoder.shape.layers or not decoder.shape.tied:
        raise TypewrightError(f"{larger} does not have the layers {list(layers)}, or a head of its own")
    tensors = {"model.embed_tokens.weight": _embeddings(tokenizer, larger, decoder)}
    tensors["model.norm.weight"] = decoder.norm.weight.detach()
    for number, taken in enumerate(layers):
        for name, tensor in decoder.layers[taken].state_dict().items():
            tensors[f"model.layers.{number}.{name}"] = tensor
    target.mkdir(parents=True, exist_ok=True)
    from safetensors.torch import save_file

    save_file({name: t.half().contiguous() for name, t in tensors.items()}, target / "model.safetensors")
    tokenizer.save(str(target / "tokenizer.json"))
    config = json.loads((larger / "config.json").read_text(encoding="utf-8"))
    end = tokenizer.token_to_id(MARKERS[-1])
    config |= {"num_hidden_layers": len(layers), "vocab_size": tokenizer.get_vocab_size()}
    config |= {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    (target / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return target


def learn_tokenizer(texts: Iterator[str], size: int) -> Tokenizer:
    """Byte-level byte-pair encoding (Sennrich et al., 2016) of `size` tokens; the last are the markers."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(MARKERS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=32,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in MARKERS])
    return tokenizer


def _texts(packages: Path, corpus: Path | None, cancel: CancelToken) -> Iterator[str]:
    for package in read_packages(packages):
        if package.split == "train":
            cancel.check()
            yield from read_texts(source_folder(package, corpus)).values()


def _embeddings(tokenizer: Tokenizer, larger: Path, decoder: Decoder) -> torch.Tensor:
    """(V, H): of every token the mean of the larger model's embeddings of its text."""
    other = Vocabulary(Tokenizer.from_file(str(larger / "tokenizer.json")))
    own = Vocabulary(tokenizer)
    known = decoder.embed.weight.detach()
    rows = known.mean(0).repeat(own.size, 1)
    for number in range(own.size):
        text = own.bytes_of([number]).decode("utf-8", "ignore")
        if found := other.encode(text):
            rows[number] = known[found].mean(0)
    return rows
