"""A decoder-only transformer whose layers can be run one by one: the families of Llama and Qwen2.

Shapes: B sequences, T tokens each, H the hidden size, N query heads and K key heads of D numbers each,
V the vocabulary.
Parameters have the names that transformers gives them, so its checkpoints load as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from typewright.indexer.errors import TypewrightError

from .extension import unpack

FAMILIES = {"llama": False, "qwen2": True}  # whether queries, keys and values have a bias


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder, from its `config.json`."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    head: int
    inner: int
    vocabulary: int
    context: int
    rope_base: float
    epsilon: float
    bias: bool
    tied: bool

    @classmethod
    def read(cls, folder: Path) -> Shape:
        """Read the configuration in `folder`; raises `TypewrightError` where the family is not known."""
        try:
            data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            family = data["model_type"]
            rope = data.get("rope_parameters") or data.get("rope_scaling") or {}
            if family not in FAMILIES or rope.get("rope_type", "default") != "default":
                raise TypewrightError(
                    f"{folder} holds a model of the family {family}, which is not supported"
                )
            heads = data["num_attention_heads"]
            return cls(
                hidden=data["hidden_size"],
                layers=data["num_hidden_layers"],
                heads=heads,
                key_heads=data.get("num_key_value_heads") or heads,
                head=data.get("head_dim") or data["hidden_size"] // heads,
                inner=data["intermediate_size"],
                vocabulary=data["vocab_size"],
                context=data.get("max_position_embeddings", 2048),
                rope_base=float(rope.get("rope_theta") or data.get("rope_theta", 10_000.0)),
                epsilon=data.get("rms_norm_eps", 1e-6),
                bias=FAMILIES[family] or bool(data.get("attention_bias")),
                tied=bool(data.get("tie_word_embeddings")),
            )
        except (OSError, ValueError, KeyError) as error:
            raise TypewrightError(
                f"{folder} holds no model configuration that can be read: {error}"
            ) from error


class Attention(nn.Module):
    """Causal attention with grouped queries (Ainslie et al., 2023) and rotary positions (Su et al., 2021)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.head = shape.head
        self.q_proj = nn.Linear(shape.hidden, shape.heads * shape.head, bias=shape.bias)
        self.k_proj = nn.Linear(shape.hidden, shape.key_heads * shape.head, bias=shape.bias)
        self.v_proj = nn.Linear(shape.hidden, shape.key_heads * shape.head, bias=shape.bias)
        self.o_proj = nn.Linear(shape.heads * shape.head, shape.hidden, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """x: (B, T, H) from the first position on; turn: cosine and sine, (T, D) each."""
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, -1, self.head).transpose(1, 2)  # (B, N, T, D)
        k = self.k_proj(x).view(batch, length, -1, self.head).transpose(1, 2)  # (B, K, T, D)
        v = self.v_proj(x).view(batch, length, -1, self.head).transpose(1, 2)
        q, k = rotate(q, *turn), rotate(k, *turn)
        groups = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        return out


class Feed(nn.Module):
    """The gated feed-forward part (Shazeer, 2020)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x and what is returned: (…, H)."""
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Norm(nn.Module):
    """Root mean square normalisation (Zhang and Sennrich, 2019), computed in float32."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """x and what is returned: (…, H)."""
        wide = x.float()
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.epsilon)
        return self.weight * scaled.to(x.dtype)


class Layer(nn.Module):
    """One layer: attention and feed-forward, each added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Feed(shape)
        self.input_layernorm = Norm(shape.hidden, shape.epsilon)
        self.post_attention_layernorm = Norm(shape.hidden, shape.epsilon)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """x and what is returned: (B, T, H); turn: cosine and sine, (T, D) each."""
        x = x + self.self_attn(self.input_layernorm(x), turn)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Decoder(nn.Module):
    """The whole model; `embed`, `layers`, `norm` and `head` may be used one by one."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.epsilon)
        self.head = nn.Linear(shape.hidden, shape.vocabulary, bias=False)
        if shape.tied:
            self.head.weight = self.embed.weight

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype = torch.float32) -> Decoder:
        """Load configuration and safetensors of `folder`; raises `TypewrightError`."""
        from safetensors.torch import load_file

        shape = Shape.read(folder)
        with torch.device("meta"):
            decoder = cls(shape)
        try:
            tensors = unpack(load_file(folder / "model.safetensors"))
        except Exception as error:  # safetensors raises exceptions of its own, without a common base
            raise TypewrightError(f"the weights in {folder} cannot be read: {error}") from error
        state = {_name(name): tensor.to(dtype) for name, tensor in tensors.items()}
        if shape.tied:
            state["head.weight"] = state["embed.weight"]
        try:
            decoder.load_state_dict(state, assign=True)
        except RuntimeError as error:
            problem = " ".join(str(error).split())[:200]
            raise TypewrightError(
                f"the weights in {folder} do not fit their configuration: {problem}"
            ) from error
        if shape.tied:
            decoder.head.weight = decoder.embed.weight
        return decoder

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (B, T); returns logits, (B, T, V)."""
        x = self.embed(tokens)
        turn = turns(self.shape, torch.arange(tokens.shape[1], device=x.device), x.dtype)
        for layer in self.layers:
            x = layer(x, turn)
        logits: Tensor = self.head(self.norm(x))
        return logits


def turns(shape: Shape, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary embedding at `positions` (T), (T, D) each."""
    exponents = torch.arange(0, shape.head, 2, device=positions.device, dtype=torch.float32) / shape.head
    angles = positions.float()[:, None] * shape.rope_base**-exponents
    both = torch.cat((angles, angles), -1)
    return both.cos().to(dtype), both.sin().to(dtype)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn x (…, T, D) by its positions."""
    left, right = x.chunk(2, -1)
    return x * cosine + torch.cat((-right, left), -1) * sine


def _name(name: str) -> str:
    """Our name of a tensor that transformers calls `name`."""
    name = name.removeprefix("model.")
    return name.replace("embed_tokens.", "embed.").replace("lm_head.", "head.")
