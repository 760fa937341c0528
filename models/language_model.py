"""A causal language model that completes code, with its keys and values kept between requests."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError

from .decoder import Decoder, Shape
from .extension import Extension, is_packed, unpack
from .packed import PackedDecoder, can_pack
from .prompt import Markers, as_comments, first_lines, lay_out
from .protocol import Completion, CompletionRequest
from .runners import PackedRunner, Runner, TransformersRunner
from .stopping import End
from .vocabulary import Vocabulary

# How much of the text is read, in characters. The front of a longer text is cut at a line; the place of
# the cut moves in steps, so that what is cached stays valid while someone types.
PREFIX_CHARACTERS, PREFIX_STEP = 4_000, 1_000
# Intercept and slope for a model without an extension; a guess from smollm2-135m as it is pulled.
CALIBRATION = (2.78, 1.85)
CAPACITY = 2048  # tokens of a prompt with its completion, where the weights are packed

Constraint = Callable[[bytes], Sequence[int] | None]
"""Called with the bytes generated so far: the tokens that may come next, or None for all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token: its number and its probability among those allowed."""

    token: int
    probability: float


class LanguageModel:
    """One model in memory. Not thread-safe: one request at a time."""

    def __init__(
        self,
        runner: Runner,
        vocabulary: Vocabulary,
        ends: Sequence[int],
        extension: Extension | None = None,
    ) -> None:
        self.runner = runner
        self.vocabulary = vocabulary
        self.layers = runner.layers
        self.calibration = extension.calibration if extension else CALIBRATION
        self._markers = Markers.of(vocabulary, extension.markers) if extension else None
        self._reads_suffix = extension is None or extension.reads_suffix
        self._cached: list[int] = []  # the tokens whose keys and values the runner has
        names = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
        other_names = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
        found = [[vocabulary.find(name) for name in each] for each in (names, other_names)]
        self._fill = next(
            ([number for number in each if number is not None] for each in found if None not in each), []
        )
        self._ends = vocabulary.special | set(ends)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", packed: bool = True) -> LanguageModel:
        """Load the model in `folder` (configuration, safetensors, tokenizer); raises `TypewrightError`.

        On a CPU its weights are packed into 8 bits where its family and sizes allow, unless `packed` is
        False.
        """
        try:
            if (folder / "tokenizer.json").is_file():
                tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            else:
                from transformers import AutoTokenizer

                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
            ends = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("eos_token_id")
        except Exception as error:  # tokenizers raises bare Exception, transformers its own
            raise _unreadable(folder, error) from error
        extension = Extension.of(folder)
        where = torch.device(device)
        runner: Runner
        if packed and where.type == "cpu" and can_pack(folder):
            runner = _packed(folder, extension)
        else:
            runner = _plain(folder, where, extension)
        ends = ends if isinstance(ends, list) else [ends]
        return cls(runner, Vocabulary(tokenizer), [end for end in ends if end is not None], extension)

    def complete(self, request: CompletionRequest, cancel: CancelToken = NEVER) -> Completion:
        """Complete the text between prefix and suffix. Raises `Cancelled`; what was computed stays cached."""
        started = time.perf_counter()
        prompt, removed = self._prompt(request)
        end = End(request.stop, request.prefix, request.suffix)
        vocabulary = self.vocabulary

        def healing(generated: bytes) -> Sequence[int] | None:
            rest = removed[len(generated) :]
            return vocabulary.spelling(rest) if rest else None

        steps: list[Step] = []
        first_token_ms = 0.0
        text, length = "", None
        for step in self._generate(prompt, healing, cancel):
            steps.append(step)
            first_token_ms = first_token_ms or (time.perf_counter() - started) * 1000
            if step.token in self._ends:
                break
            generated = vocabulary.bytes_of([each.token for each in steps])[len(removed) :]
            text = generated.decode("utf-8", "ignore")
            length = end.find(text)
            if length is not None or len(steps) >= request.max_tokens:
                break
        if steps and steps[-1].token in self._ends:
            length = len(text)
        return Completion(
            text=text[:length] if length is not None else text,
            confidence=self._confidence(steps) if length is not None else 0.0,
            tokens=len(steps),
            layers_run=float(self.layers) if steps else 0.0,
            first_token_ms=first_token_ms,
            total_ms=(time.perf_counter() - started) * 1000,
            token_ids=tuple(step.token for step in steps),
        )

    def _confidence(self, steps: Sequence[Step]) -> float:
        """Platt's scaling of the probability of all tokens together, the one that ends them included."""
        intercept, slope = self.calibration
        log_probability = sum(math.log(max(step.probability, 1e-9)) for step in steps)
        return 1 / (1 + math.exp(-max(-30.0, intercept + slope * log_probability)))

    def _prompt(self, request: CompletionRequest) -> tuple[list[int], bytes]:
        """The prompt's tokens and the bytes at the cursor that are to be generated again."""
        room = self.runner.context_length - request.max_tokens - 8
        prefix = _end_of(request.prefix)
        if self._markers is not None:
            above, line_feed, line = prefix.rpartition("\n")
            numbers, removed = self.vocabulary.heal(line)
            suffix = request.suffix if self._reads_suffix else ""
            layout = lay_out(
                self.vocabulary, self._markers, request.pieces, request.path, above + line_feed, suffix
            )
            fixed = len(layout.context) + len(layout.tail) + len(numbers)
            body = layout.body[-max(1, room - fixed) :]
            return [*layout.context, *body, *layout.tail, *numbers], removed
        head = self.vocabulary.encode(as_comments(request.pieces)) if request.pieces else []
        numbers, removed = self.vocabulary.heal(prefix)
        tail = []
        if self._fill and request.suffix.strip():
            before, behind, middle = self._fill
            tail = [behind, *self.vocabulary.encode(first_lines(request.suffix)), middle]
            head = [before, *head]
        head = [*self.vocabulary.start, *head]
        return [*head, *numbers[-max(1, room - len(head) - len(tail)) :], *tail], removed

    def _generate(self, prompt: Sequence[int], constraint: Constraint, cancel: CancelToken) -> Iterator[Step]:
        """Yield greedy steps until nothing is allowed; the caller stops earlier."""
        logits = self._prefill(prompt or [next(iter(self._ends))], cancel)
        generated: list[int] = []
        while True:
            allowed = constraint(self.vocabulary.bytes_of(generated))
            if allowed is not None and not allowed:
                return
            step = _choose(logits, allowed)
            yield step
            generated.append(step.token)
            logits = self._extend([step.token], cancel)

    def _prefill(self, prompt: Sequence[int], cancel: CancelToken) -> torch.Tensor:
        """Bring the cache to `prompt` and return the logits behind it; what is cached is not computed."""
        known = 0
        limit = min(len(self._cached), len(prompt) - 1)
        while known < limit and self._cached[known] == prompt[known]:
            known += 1
        if known < len(self._cached):
            self.runner.keep(known)
            del self._cached[known:]
        logits = torch.empty(0)
        for start in range(known, len(prompt), self.runner.chunk):
            logits = self._extend(prompt[start : start + self.runner.chunk], cancel)
        return logits

    def _extend(self, tokens: Sequence[int], cancel: CancelToken) -> torch.Tensor:
        logits = self.runner.extend(tokens, cancel)
        self._cached.extend(tokens)
        return logits


def _packed(folder: Path, extension: Extension | None) -> Runner:
    def decoder() -> Decoder:
        decoder = Decoder.load(folder)
        if extension is not None:
            extension.merge(decoder.layers)
        return decoder

    shape = Shape.read(folder)
    cuts = (*(extension.layers if extension else ()), shape.layers)
    key = extension.key if extension else ""
    threads = torch.get_num_threads()
    return PackedRunner(
        PackedDecoder.load(folder, shape, key, cuts, decoder, capacity=CAPACITY, threads=threads)
    )


def _plain(folder: Path, device: torch.device, extension: Extension | None) -> Runner:
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModelForCausalLM  # takes seconds; packed weights do without

    # bfloat16 is an order of magnitude slower than float32 on most CPUs.
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    try:
        file = folder / "model.safetensors"
        if file.is_file() and is_packed(file):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
            missing = model.load_state_dict(unpack(load_file(file)), strict=False).missing_keys
            if set(missing) - {"lm_head.weight"}:  # a tied head has no numbers of its own
                raise ValueError(f"{file.name} lacks {missing[0]}")
        else:
            model = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=dtype
            )
    except MemoryError as error:
        raise TypewrightError(f"there is not enough memory for the model in {folder}") from error
    except Exception as error:  # safetensors and transformers raise their own
        raise _unreadable(folder, error) from error
    if extension is not None:
        extension.merge(model.get_submodule("model.layers"))
    return TransformersRunner(model, device)


def _unreadable(folder: Path, error: Exception) -> TypewrightError:
    problem = str(error).partition("\n")[0]
    return TypewrightError(f"{folder} holds no language model that can be read: {problem}")


def _choose(logits: torch.Tensor, allowed: Sequence[int] | None) -> Step:
    """The most probable token, and its probability among those allowed."""
    if allowed is not None:
        numbers = torch.tensor(allowed, device=logits.device)
        probabilities = logits[numbers].softmax(0)
        best = int(probabilities.argmax())
        return Step(int(numbers[best]), float(probabilities[best]))
    best = int(logits.argmax())
    return Step(best, float((logits[best] - logits.logsumexp(0)).exp()))


def _end_of(prefix: str) -> str:
    """The end of the prefix that the model reads, from the start of a line."""
    excess = len(prefix) - PREFIX_CHARACTERS
    if excess <= 0:
        return prefix
    cut = -(-excess // PREFIX_STEP) * PREFIX_STEP
    line = prefix.find("\n", cut - 1, len(prefix) - 1)
    return prefix[line + 1 :] if line >= 0 else prefix[cut:]
