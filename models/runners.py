"""What computes the logits behind tokens: transformers on any device, or packed weights on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from typewright.indexer.cancellation import CancelToken

from .packed import PackedDecoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Runner(Protocol):
    """A decoder with the keys and values of one sequence. Not thread-safe."""

    layers: int
    context_length: int
    chunk: int
    """How many tokens are best given at once."""

    def keep(self, length: int) -> None:
        """Forget all but the first `length` tokens of the sequence."""

    def extend(self, tokens: Sequence[int], cancel: CancelToken) -> torch.Tensor:
        """Put tokens behind the sequence and return the logits behind the last: (V,), float32.

        Raises `Cancelled`; the sequence is then as it was.
        """


class TransformersRunner:
    """A model as transformers runs it."""

    def __init__(self, model: PreTrainedModel, device: torch.device) -> None:
        from transformers import DynamicCache

        self.model = model.train(False).to(device)
        self.layers: int = model.config.num_hidden_layers
        self.context_length: int = getattr(model.config, "max_position_embeddings", 2048)
        self.chunk = 1024 if device.type == "cuda" else 64
        self._device = device
        self._cache = DynamicCache()

    def keep(self, length: int) -> None:
        """See `Runner`."""
        surplus = self._cache.get_seq_length() - length
        if surplus > 0:
            self._cache.crop(-surplus)

    @torch.inference_mode()
    def extend(self, tokens: Sequence[int], cancel: CancelToken) -> torch.Tensor:
        """See `Runner`."""
        cancel.check()
        ids = torch.tensor([list(tokens)], device=self._device)
        out = self.model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        logits: torch.Tensor = out.logits[0, -1].float()
        return logits


class PackedRunner:
    """8-bit weights on a CPU; a cancelled request stops between two segments of layers."""

    chunk = 64

    def __init__(self, decoder: PackedDecoder) -> None:
        self.layers = decoder.shape.layers
        self.context_length = min(decoder.shape.context, decoder.capacity - 1)
        self._decoder = decoder
        self._length = 0

    def keep(self, length: int) -> None:
        """See `Runner`."""
        self._length = min(self._length, length)

    def extend(self, tokens: Sequence[int], cancel: CancelToken) -> torch.Tensor:
        """See `Runner`."""
        # Two rows or more go through the same arithmetic, so that it does not matter how tokens are grouped;
        # one row alone takes another way through the attention. What is put behind it is overwritten later.
        x = self._decoder.embed([*tokens, tokens[-1]] if len(tokens) == 1 else tokens)
        for segment in range(len(self._decoder.cuts)):
            cancel.check()
            x = self._decoder.run(segment, x, self._length)
        self._length += len(tokens)
        return torch.from_numpy(self._decoder.logits(x[len(tokens) - 1 : len(tokens)])[0])
