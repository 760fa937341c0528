"""Bits per character of language models on whole files of packages: how well they know Python.

    python benchmarks/completion/bits_per_character.py --model FOLDER --model FOLDER --sources FOLDER

Every model reads the same files, the first characters of each, with nothing before them; the first 200 are
not counted. What `typewright train exits` has made for a model is merged into it. Printed:
bits per character, characters per token, and the share of the tokens that are right.
"""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.source import read_source
from typewright.models.decoder import Decoder
from typewright.models.extension import Extension
from typewright.models.vocabulary import Vocabulary

SKIPPED = 200


def texts(sources: list[Path], count: int, characters: int) -> list[str]:
    """The beginnings of `count` files, drawn at random, of those that are long enough."""
    files = sorted(file for folder in sources for file in folder.rglob("*.py"))
    random.Random(0).shuffle(files)
    found: list[str] = []
    for file in files:
        try:
            text = read_source(file).replace("\r\n", "\n")
        except UnreadableSource:
            continue
        if len(text) >= characters and len(found) < count:
            found.append(text[:characters])
    return found


@torch.inference_mode()
def measure(folder: Path, given: list[str], stock: bool) -> tuple[float, float, float]:
    """Bits per character, characters per token and the share of right tokens of the model in `folder`."""
    vocabulary = Vocabulary(Tokenizer.from_file(str(folder / "tokenizer.json")))
    decoder = Decoder.load(folder)
    extension = None if stock else Extension.of(folder)
    if extension is not None:
        extension.merge(decoder.layers)
    marker = vocabulary.find(extension.markers[0]) if extension is not None else None
    nats = characters = tokens = right = 0.0
    for text in given:
        head = [marker] if marker is not None else list(vocabulary.start)
        skipped = vocabulary.encode(text[:SKIPPED])
        counted = vocabulary.encode(text[SKIPPED:])
        numbers = torch.tensor([head + skipped + counted])
        logits = decoder(numbers)[0, -len(counted) - 1 : -1]
        truth = numbers[0, -len(counted) :]
        nats += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
        right += float((logits.argmax(-1) == truth).sum())
        characters += len(text) - SKIPPED
        tokens += len(counted)
    return nats / math.log(2) / characters, characters / tokens, right / tokens


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, action="append", required=True, help="a folder with a model")
    parser.add_argument(
        "--sources", type=Path, action="append", required=True, help="a folder of Python files"
    )
    parser.add_argument("--stock", action="store_true", help="leave out what was trained beside a model")
    parser.add_argument("-n", type=int, default=60, help="files")
    parser.add_argument("--characters", type=int, default=3000, help="of each file")
    options = parser.parse_args()
    given = texts(options.sources, options.n, options.characters)
    print(f"{len(given)} files\n  bits  characters  right")
    for folder in options.model:
        bits, length, right = measure(folder, given, options.stock)
        print(f"{bits:6.3f}  {length:10.2f}  {right:5.1%}  {folder.name}")


if __name__ == "__main__":
    main()
