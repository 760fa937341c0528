"""Sentence embeddings: texts as unit vectors whose dot product says how alike they are.

The model is all-MiniLM-L6-v2: Sentence-BERT (Reimers and Gurevych, 2019) over MiniLM (Wang et al., 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError

MAX_TOKENS = 256  # what the model was trained with; the rest of a longer text is not seen
BATCH_TOKENS = 2048  # of one forward pass, padding included


class SentenceEmbeddings:
    """A sentence encoder, loaded once."""

    def __init__(self, model: torch.nn.Module, tokenizer: Tokenizer, device: torch.device) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        self.dimensions: int = model.config.hidden_size  # type: ignore[union-attr, assignment]

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> SentenceEmbeddings:
        """Load the model in `folder`; raises `TypewrightError` where its files cannot be read."""
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        except Exception as error:  # tokenizers raises bare Exception, safetensors and transformers their own
            raise TypewrightError(f"{folder} holds no sentence encoder that can be read: {error}") from error
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return cls(model.eval().to(device), tokenizer, torch.device(device))

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], cancel: CancelToken = NEVER) -> NDArray[numpy.float32]:
        """Return one unit vector a text, shape (len(texts), dimensions); polls `cancel` between batches."""
        vectors = numpy.zeros((len(texts), self.dimensions), dtype=numpy.float32)
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for batch in _batches([len(ids) for ids in encoded]):
            cancel.check()
            width = max(len(encoded[i]) for i in batch)
            ids = torch.zeros((len(batch), width), dtype=torch.long)
            mask = torch.zeros((len(batch), width), dtype=torch.long)
            for row, i in enumerate(batch):
                ids[row, : len(encoded[i])] = torch.tensor(encoded[i])
                mask[row, : len(encoded[i])] = 1
            ids, mask = ids.to(self._device), mask.to(self._device)
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            vectors[batch] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield positions so that each batch has texts of like length and no more than `BATCH_TOKENS` tokens."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    start = 0
    while start < len(order):
        count = max(1, BATCH_TOKENS // max(1, lengths[order[start]]))
        yield order[start : start + count]
        start += count
