"""The decoding engine beside transformers, with the same weights in one run: speed, first token, agreement.

    python benchmarks/completion/engine.py [FILE.py ...] [--model smollm2-135m] [--rounds 3]

Each file's first 1,000 tokens are a prompt. Both complete it greedily by 32 tokens, in turns; times are the
best of the rounds. "Cold" is the first token with nothing cached, "warm" with all but the last keystroke.
best of the rounds. "Cold" is the first token with nothing cached, "warm" with all but the last one cached.
prompts, and in how many of the lines it is so for every token.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

PROMPT, WRITTEN = 1000, 32


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--model", default="smollm2-135m", help="a catalogue name or a folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    import torch
    from typewright.models.language_model import LanguageModel
    from typewright.models.pull import locate

    torch.set_num_threads(options.threads)
    folder = locate(options.model)
    engines = {
        "transformers, float32": LanguageModel.load(folder, packed=False),
        "engine, 8 bits": LanguageModel.load(folder),
    }
    vocabulary = engines["engine, 8 bits"].vocabulary
    files = options.files or sorted((Path(__file__).parents[2] / "indexer").glob("[d-m]*.py"))
    prompts = [vocabulary.encode(file.read_text(encoding="utf-8"))[:PROMPT] for file in files]
    prompts = [prompt for prompt in prompts if len(prompt) == PROMPT]
    print(f"{options.model}: {len(prompts)} prompts of {PROMPT} tokens, {options.threads} threads")
    print(f"{'':24}{'cold ms':>10}{'warm ms':>10}{'ms/token':>10}   (medians)")
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in engines}
    for prompt in prompts:
        best = dict.fromkeys(engines, (9e9, 9e9, 9e9))
        for _ in range(options.rounds):
            for name, model in engines.items():
                found = measure(model, prompt)
                best[name] = tuple(map(min, best[name], found))  # type: ignore[assignment]
        for name, values in best.items():
            rows[name].append(values)
    for name, values in rows.items():
        cold, warm, each = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:24}{cold:10.0f}{warm:10.1f}{each:10.1f}")
    same, lines, whole = 0, 0, 0
    for prompt in prompts:
        picks = [choices(model, prompt) for model in engines.values()]
        equal = [one == other for one, other in zip(*picks, strict=True)]
        same += sum(equal)
        start = 0
        for place, token in enumerate(prompt):
            if b"\n" in vocabulary.bytes_of([token]):
                lines += 1
                whole += all(equal[start : place + 1])
                start = place + 1
    count = PROMPT * len(prompts)
    print(f"\nthe same token is the most probable: {same / count:.1%} of {count} tokens")
    print(f"for every token of a line: {whole / lines:.1%} of {lines} lines")


def measure(model, prompt: Sequence[int]) -> tuple[float, float, float]:  # noqa: ANN001
    """Milliseconds to the first token cold, to the first token warm, and a token after that."""
    from typewright.indexer.cancellation import NEVER

    def extend(tokens: Sequence[int]) -> int:
        return int(model.runner.extend(tokens, NEVER).argmax())

    model.runner.keep(0)
    started = time.perf_counter()
    for start in range(0, PROMPT, model.runner.chunk):
        token = extend(prompt[start : start + model.runner.chunk])
    cold = time.perf_counter() - started
    model.runner.keep(PROMPT - 1)
    started = time.perf_counter()
    token = extend(prompt[-1:])
    warm = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(WRITTEN):
        token = extend([token])
    return cold * 1000, warm * 1000, (time.perf_counter() - started) * 1000 / WRITTEN


def choices(model, prompt: Sequence[int]) -> list[int]:  # noqa: ANN001
    """The most probable token behind each token of the prompt."""
    from typewright.indexer.cancellation import NEVER

    model.runner.keep(0)
    return [int(model.runner.extend([token], NEVER).argmax()) for token in prompt]


if __name__ == "__main__":
    main()
