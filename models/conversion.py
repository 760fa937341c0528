"""GGUF files into safetensors: dequantised once, so that every later start takes seconds."""

from __future__ import annotations

import importlib.util
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from typewright.indexer.errors import TypewrightError


def require_conversion() -> None:
    """Raise `TypewrightError` unless the packages that read GGUF files are installed."""
    missing = [name for name in ("gguf", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise TypewrightError(
            f"reading GGUF weights needs {' and '.join(missing)}: pip install 'typewright[gguf]'"
        )


def convert(gguf: Path, target: Path) -> None:
    """Write the model of `gguf` to the folder `target`: safetensors (float16), configuration, tokenizer.

    Raises `TypewrightError` where the file is none that transformers can read.
    """
    require_conversion()
    import torch
    import transformers
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # Not bfloat16: the scales of the quantised blocks are float16 numbers.
    options: dict[str, Any] = {"dtype": torch.float16}
    if hasattr(transformers, "GgufConfig"):  # where transformers can also keep the weights packed
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    try:
        with redirect_stderr(StringIO()):  # progress bars of transformers, which cannot all be switched off
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, **options)
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        raise TypewrightError(f"{gguf.name} cannot be read as a model: {error}") from error
    target.mkdir(parents=True, exist_ok=True)
    # The tensors are plain now; transformers refuses to save a model that calls itself quantised.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    parameters = {name: parameter.contiguous() for name, parameter in model.named_parameters()}
    save_file(parameters, target / "model.safetensors", metadata={"format": "pt"})
    (target / "model.safetensors").chmod(0o644)
    model.config.save_pretrained(target)
    tokenizer.save_pretrained(target)
