"""A language model with random weights that loads in no time: for all that does not ask for sense."""

from __future__ import annotations

import inspect
import json
import textwrap
from pathlib import Path


def make_tiny_model(
    folder: Path,
    *,
    special: tuple[str, ...] = ("<|end|>",),
    context_length: int = 2048,
    unending: bool = False,
    hidden: int = 32,
    tied: bool = False,
) -> Path:
    """Write configuration, safetensors and a byte-level tokenizer trained on a little source code.

    One that is `unending` never closes a bracket and never says that it has ended. With 64 hidden numbers its
    weights can be packed, with 32 they cannot. Where it is `tied`, its head is its embedding.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([inspect.getsource(textwrap), inspect.getsource(json)], trainer)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context_length,
        eos_token_id=0,
        initializer_range=0.5,
        tie_word_embeddings=tied,
    )
    model = LlamaForCausalLM(config)
    if unending:
        ends = [
            number
            for token, number in tokenizer.get_vocab().items()
            if token in special or set(token) & set(")]}")
        ]
        with torch.no_grad():
            model.lm_head.weight[ends] = 0  # the greatest of hundreds of random logits is above zero
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
