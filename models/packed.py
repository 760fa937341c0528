"""A decoder in 8-bit weights on a CPU: ONNX Runtime runs its layers, with keys and values in place.

Layers come in segments, so that what comes out between two of them can be looked at. Weights have one scale
for each block of 64 numbers of a row; activations are made 8-bit numbers on the way, by blocks as well. The
graphs are built once for a model and kept beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.errors import TypewrightError

from .decoder import Decoder, Shape

BLOCK = 64
FORMAT = 1  # changes with the graphs, so that older ones are built anew
_MICROSOFT = "com.microsoft"

Array = NDArray[np.float32]


def can_pack(folder: Path) -> bool:
    """Whether the model in `folder` is of a family and of sizes that can be packed."""
    try:
        shape = Shape.read(folder)
    except TypewrightError:
        return False
    return not (shape.hidden % BLOCK or shape.inner % BLOCK or (shape.heads * shape.head) % BLOCK)


class PackedDecoder:
    """Layers, last norm and head; the cache holds one sequence of at most `capacity` tokens."""

    def __init__(
        self, folder: Path, shape: Shape, cuts: Sequence[int], *, capacity: int, threads: int
    ) -> None:
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait, sleep
        options.log_severity_level = 3
        self.shape, self.cuts, self.capacity = shape, tuple(cuts), capacity
        self._embedding = np.load(folder / "embedding.npy", mmap_mode="r")
        self._head = onnxruntime.InferenceSession(folder / "head.onnx", options)
        self._segments = []
        size = (1, shape.key_heads, capacity, shape.head)
        for first, last in zip((0, *self.cuts), self.cuts, strict=False):
            session = onnxruntime.InferenceSession(folder / f"layers-{last}.onnx", options)
            binding = session.io_binding()
            for number in range(first, last):
                for part in "kv":
                    cache = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(size, np.float32))
                    binding.bind_ortvalue_input(f"past_{part}{number}", cache)
                    binding.bind_ortvalue_output(f"now_{part}{number}", cache)
            self._segments.append((session, binding))

    @classmethod
    def load(
        cls,
        folder: Path,
        shape: Shape,
        key: str,
        cuts: Sequence[int],
        decoder: Callable[[], Decoder],
        *,
        capacity: int,
        threads: int,
    ) -> PackedDecoder:
        """Load the graphs of the model in `folder`, or build them from `decoder()` first.

        `cuts` are numbers of layers, the last of them that of all layers; `key` stands for the weights.
        Raises `TypewrightError` where the graphs cannot be written.
        """
        digest = hashlib.sha256(f"{FORMAT} {key} {list(cuts)} {capacity}".encode()).hexdigest()[:12]
        target = folder / f"cpu-{digest}"
        if not target.is_dir():
            try:
                _build(decoder(), cuts, capacity, target)
            except OSError as error:
                raise TypewrightError(f"{target} cannot be written: {error.strerror}") from error
        return cls(target, shape, cuts, capacity=capacity, threads=threads)

    def embed(self, tokens: Sequence[int]) -> Array:
        """The input of the first layer: (T, H)."""
        return np.asarray(self._embedding[list(tokens)], np.float32)

    def run(self, segment: int, x: Array, position: int) -> Array:
        """Run the layers of a segment on x (T, H), whose first token stands at `position`; returns (T, H).

        Keys and values of these places are written to the cache; those behind them count for nothing.
        """
        session, binding = self._segments[segment]
        last = position + len(x)
        binding.bind_cpu_input("x", np.ascontiguousarray(x[None]))
        binding.bind_cpu_input("last", np.array([last - 1], np.int32))
        binding.bind_cpu_input("total", np.array([last], np.int32))
        binding.bind_output("y", "cpu")
        session.run_with_iobinding(binding)
        out: Array = binding.get_outputs()[-1].numpy()[0]
        return out

    def logits(self, x: Array) -> Array:
        """Last norm and head: (T, H) to (T, V)."""
        out: Array = self._head.run(None, {"x": np.ascontiguousarray(x[None])})[0][0]
        return out


def _build(decoder: Decoder, cuts: Sequence[int], capacity: int, target: Path) -> None:
    """Write the graphs to `target`, in one step."""
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".building-"))
    try:
        tensors = decoder.state_dict()
        weights = {name: tensor.detach().float().numpy() for name, tensor in tensors.items()}
        np.save(staging / "embedding.npy", weights["embed.weight"].astype(np.float16))
        (staging / "head.onnx").write_bytes(_head(decoder.shape, weights))
        for first, last in zip((0, *cuts), cuts, strict=False):
            content = _segment(decoder.shape, weights, first, last, capacity)
            (staging / f"layers-{last}.onnx").write_bytes(content)
        staging.chmod(0o755)
        staging.replace(target)
        for older in target.parent.glob("cpu-*"):  # of other weights, or of an earlier version
            if older != target:
                shutil.rmtree(older, ignore_errors=True)
    except OSError:
        if not target.is_dir():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _head(shape: Shape, weights: Mapping[str, Array]) -> bytes:
    graph = _Graph()
    normed = graph.norm("x", weights["norm.weight"], shape.epsilon)
    graph.linear(normed, weights["head.weight"], output="y")
    return graph.finish({"x": (1, "t", shape.hidden)}, {"y": (1, "t", shape.vocabulary)})


def _segment(shape: Shape, weights: Mapping[str, Array], first: int, last: int, capacity: int) -> bytes:
    """The layers from `first` up to `last`. The attention operator turns, caches and mixes."""
    graph = _Graph()
    exponents = np.arange(0, shape.head, 2) / shape.head
    angles = np.arange(capacity)[:, None] * shape.rope_base**-exponents
    cosine, sine = graph.constant(np.cos(angles)), graph.constant(np.sin(angles))
    x = "x"
    caches: dict[str, tuple[int | str, ...]] = {}
    outputs: dict[str, tuple[int | str, ...]] = {}
    for number in range(first, last):
        own = {
            name.removeprefix(f"layers.{number}."): weight
            for name, weight in weights.items()
            if name.startswith(f"layers.{number}.")
        }
        names = [f"self_attn.{part}_proj" for part in "qkv"]
        bias = [own[f"{name}.bias"] for name in names if f"{name}.bias" in own]
        normed = graph.norm(x, own["input_layernorm.weight"], shape.epsilon)
        turned = graph.linear(normed, np.concatenate([own[f"{name}.weight"] for name in names]), bias)
        for part in "kv":
            caches[f"past_{part}{number}"] = (1, shape.key_heads, "p", shape.head)
            outputs[f"now_{part}{number}"] = (1, shape.key_heads, "n", shape.head)
        mixed = f"mixed{number}"
        graph.node(
            "GroupQueryAttention",
            [turned, "", "", f"past_k{number}", f"past_v{number}", "last", "total", cosine, sine],
            [mixed, f"now_k{number}", f"now_v{number}"],
            num_heads=shape.heads,
            kv_num_heads=shape.key_heads,
            do_rotary=1,
            scale=shape.head**-0.5,
        )
        x = graph.add(x, graph.linear(mixed, own["self_attn.o_proj.weight"]))
        normed = graph.norm(x, own["post_attention_layernorm.weight"], shape.epsilon)
        gate = graph.linear(normed, own["mlp.gate_proj.weight"])
        opened = graph.multiply(gate, graph.sigmoid(gate))
        gated = graph.multiply(opened, graph.linear(normed, own["mlp.up_proj.weight"]))
        x = graph.add(
            x, graph.linear(gated, own["mlp.down_proj.weight"]), output="y" if number == last - 1 else ""
        )
    outputs["y"] = (1, "t", shape.hidden)
    return graph.finish({"x": (1, "t", shape.hidden), **caches}, outputs, counters=("last", "total"))


class _Graph:
    """An ONNX graph in the making; every method adds an operation and returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if value.dtype == np.float64:
            value = value.astype(np.float32)
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:  # noqa: ANN401
        from onnx import helper

        domain = _MICROSOFT if kind in ("MatMulNBits", "GroupQueryAttention") else ""
        self._nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))

    def norm(self, x: str, weight: Array, epsilon: float) -> str:
        output = self._name()
        scale = self.constant(weight)
        self.node("SimplifiedLayerNormalization", [x, scale], [output], epsilon=epsilon, axis=-1)
        return output

    def linear(self, x: str, weight: Array, bias: Sequence[Array] = (), *, output: str = "") -> str:
        rows, columns = weight.shape
        numbers, scales = quantise(weight)
        inputs = [x, self.constant(numbers), self.constant(scales)]
        if bias:
            inputs += ["", "", self.constant(np.concatenate(bias))]
        output = output or self._name()
        sizes = {"K": columns, "N": rows, "bits": 8, "block_size": BLOCK}
        self.node("MatMulNBits", inputs, [output], accuracy_level=4, **sizes)
        return output

    def add(self, x: str, y: str, *, output: str = "") -> str:
        output = output or self._name()
        self.node("Add", [x, y], [output])
        return output

    def multiply(self, x: str, y: str) -> str:
        output = self._name()
        self.node("Mul", [x, y], [output])
        return output

    def sigmoid(self, x: str) -> str:
        output = self._name()
        self.node("Sigmoid", [x], [output])
        return output

    def finish(
        self,
        inputs: Mapping[str, tuple[int | str, ...]],
        outputs: Mapping[str, tuple[int | str, ...]],
        counters: Sequence[str] = (),
    ) -> bytes:
        """The graph as bytes; `counters` are inputs of one whole number."""
        from onnx import TensorProto, helper

        real = TensorProto.FLOAT
        given = [helper.make_tensor_value_info(name, real, size) for name, size in inputs.items()]
        given += [helper.make_tensor_value_info(name, TensorProto.INT32, [1]) for name in counters]
        made = [helper.make_tensor_value_info(name, real, size) for name, size in outputs.items()]
        graph = helper.make_graph(self._nodes, "decoder", given, made, self._constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 10
        content: bytes = model.SerializeToString()
        return content

    def _name(self) -> str:
        return f"v{len(self._nodes)}"


def quantise(weight: Array) -> tuple[NDArray[np.uint8], Array]:
    """Eight bits a number, around 128: (N, K) to (N, K / block, block), and the scales, (N, K / block)."""
    blocks = weight.reshape(len(weight), -1, BLOCK)
    scales = np.abs(blocks).max(-1) / 127
    scales[scales == 0] = 1
    numbers = (np.rint(blocks / scales[..., None]) + 128).clip(0, 255).astype(np.uint8)
    return numbers, scales.astype(np.float32)
