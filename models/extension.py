"""What `typewright train exits` made for a language model of the catalogue: read, checked, put to use.

A folder of `weights/` named like the model holds `exits.safetensors` (matrices as 8-bit numbers with a scale
a row) and `exits.json` (the model it belongs to, by hash; the tokens that divide a prompt; where the exits
are; how probabilities become confidences).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from typewright.indexer.errors import TypewrightError

FOLDER = Path(__file__).with_name("weights")
TENSORS, DESCRIPTION = "exits.safetensors", "exits.json"
_SCALE = ".scale"


@dataclass(frozen=True, slots=True)
class Extension:
    """Adapters, exits and drafter of one model; `tensors` by the names of `exits.trainable`, float32.

    `calibration` is intercept and slope of Platt's scaling, from the logarithm of the probability of all
    tokens of a completion to its being right. `reads_suffix`: whether what stands behind the cursor helps it;
    `key`: the hash of the file.
    """

    markers: tuple[str, ...]
    layers: tuple[int, ...]
    calibration: tuple[float, float]
    reads_suffix: bool
    key: str
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, model: Path, folder: Path = FOLDER) -> Extension | None:
        """The extension of the model in the folder `model`; None where there is none.

        It lies beside the model's files, or in `folder` for one of the catalogue. Raises `TypewrightError`
        where it is damaged.
        """
        try:
            beside = (model / DESCRIPTION).is_file()
            if beside and not (model / "weights.json").is_file():  # trained here
                own = model
                hashes = {hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()}
            else:
                manifest = json.loads((model / "weights.json").read_text(encoding="utf-8"))
                own = model if beside else folder / manifest["name"]
                hashes = {entry["sha256"] for entry in manifest["files"].values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not from the catalogue
        if not (own / DESCRIPTION).is_file():
            return None
        try:
            data = json.loads((own / DESCRIPTION).read_text(encoding="utf-8"))
            if data["model"] not in hashes:
                return None
            content = (own / TENSORS).read_bytes()
            if hashlib.sha256(content).hexdigest() != data["sha256"]:
                raise TypewrightError(f"the exits in {own} are damaged: {TENSORS} has the wrong hash")
            from safetensors.torch import load

            return cls(
                tuple(data["markers"]),
                tuple(data["exits"]),
                tuple(data["calibration"]),
                data["reads suffix"],
                data["sha256"],
                unpack(load(content)),
            )
        except OSError as error:
            raise TypewrightError(f"the exits in {own} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise TypewrightError(f"the exits in {own} are damaged: {error}") from error

    @torch.no_grad()
    def merge(self, layers: nn.Module) -> None:
        """Add the adapters to the linear maps of a model's layers, so that they cost nothing."""
        for name, down in self.tensors.items():
            if name.startswith("adapter.") and name.endswith(".down"):
                place = name.removeprefix("adapter.").removesuffix(".down")
                weight = layers.get_submodule(place).weight
                up = self.tensors[f"adapter.{place}.up"]
                assert isinstance(weight, Tensor)
                weight += (up @ down).to(weight)


def pack(tensors: Mapping[str, Tensor], block: int = 0) -> dict[str, Tensor]:
    """Matrices as 8-bit numbers and one scale a row; vectors in float16, whole numbers as they are.

    With `block` there is one scale for each `block` numbers of a row, where that divides rows.
    """
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            packed[name] = tensor
        elif tensor.ndim < 2:
            packed[name] = tensor.half()
        else:
            size = tensor.shape[-1]
            if not block or size % block:
                parts, precision = tensor.float().unsqueeze(-2), torch.float32
            else:
                parts, precision = tensor.float().view(*tensor.shape[:-1], -1, block), torch.float16
            scale = (parts.abs().amax(-1).clamp(min=1e-6) / 127).to(precision)
            numbers = (parts / scale.float()[..., None]).round().clamp(-127, 127)
            packed[name] = numbers.flatten(-2).to(torch.int8)
            packed[name + _SCALE] = scale
    return packed


def is_packed(file: Path) -> bool:
    """Whether the tensors of a safetensors file are as `pack` makes them; only its header is read."""
    from safetensors import safe_open

    with safe_open(file, "pt") as tensors:
        return any(name.endswith(_SCALE) for name in tensors.keys())  # noqa: SIM118 - not a mapping


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `pack` packed, in float32."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(_SCALE):
            continue
        if tensor.dtype == torch.int8:
            scale = packed[name + _SCALE].float()
            parts = tensor.float().view(*scale.shape, -1)
            tensors[name] = (parts * scale[..., None]).flatten(-2)
        else:
            tensors[name] = tensor.float() if tensor.is_floating_point() else tensor
    return tensors
