from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.models.embeddings import SentenceEmbeddings


@pytest.fixture(scope="module")
def embeddings(embedding_weights: Path) -> SentenceEmbeddings:
    return SentenceEmbeddings.load(embedding_weights)


def test_vectors_are_unit_and_alike_where_the_meaning_is(embeddings: SentenceEmbeddings) -> None:
    texts = ["read a text file", "parse a JSON document", "draw a histogram", "load text from disk"]
    vectors = embeddings.embed(texts)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == numpy.float32
    assert numpy.allclose(numpy.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert int((vectors[:3] @ vectors[3]).argmax()) == 0


def test_a_text_has_the_same_vector_alone_and_among_others(embeddings: SentenceEmbeddings) -> None:
    texts = ["a", "sort a list of numbers in place " * 20, "", "join paths", "é 漢字 🙂", "x " * 5000]
    together = embeddings.embed(texts)
    alone = numpy.concatenate([embeddings.embed([text]) for text in texts])
    assert numpy.allclose(together, alone, atol=1e-5)


def test_it_agrees_with_the_published_model(embeddings: SentenceEmbeddings, embedding_weights: Path) -> None:
    """Mean of the last hidden states, computed with transformers' own tokenizer and no batching."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    text = "Return the base name of a path."
    tokenizer = AutoTokenizer.from_pretrained(embedding_weights)
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(embedding_weights)(
            **tokenizer(text, return_tensors="pt")
        ).last_hidden_state
    expected = torch.nn.functional.normalize(hidden[0].mean(0), dim=0).numpy()
    assert numpy.allclose(embeddings.embed([text])[0], expected, atol=1e-5)


def test_no_texts(embeddings: SentenceEmbeddings) -> None:
    assert embeddings.embed([]).shape == (0, 384)


def test_cancelling(embeddings: SentenceEmbeddings) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        embeddings.embed(["text"], cancel)


def test_a_folder_without_an_encoder(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TypewrightError, match="holds no sentence encoder that can be read"):
        SentenceEmbeddings.load(tmp_path)
