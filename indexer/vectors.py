"""Vectors beside a database: a FAISS index of unit vectors, memory-mapped, made from what the database has.

The index is exact (inner product over half-precision vectors). Its file is named after what is in it, so that
a stale or half-written one is never read; a damaged one is built again.
"""

import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .apis import ApiTables

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS: Final = 384


def pack(vector: "NDArray[np.float32]") -> bytes:
    """Return a vector as the database stores it: half precision, little endian."""
    return np.asarray(vector, dtype="<f2").tobytes()


def unpack(blob: bytes) -> "NDArray[np.float32]":
    """Return a stored vector."""
    return np.frombuffer(blob, dtype="<f2").astype(np.float32)


class Vectors:
    """Nearest neighbours among the embedded APIs and sections of one database; thread-safe.

    `folder` is where the index file lies; None keeps it in memory.
    """

    def __init__(self, tables: ApiTables, folder: Path | None, name: str) -> None:
        self._tables: Final = tables
        self._folder: Final = folder
        self._name: Final = name
        self._lock: Final = threading.Lock()
        self._index: Any = None  # faiss has no types
        self._key = ""

    def search(
        self, vector: "NDArray[np.float32]", limit: int, libraries: Sequence[str] = ()
    ) -> Sequence[tuple[int, float]]:
        """Return (row, cosine) of the nearest, best first; rows as `ApiTables.vector_keys` numbers them."""
        with self._lock:
            index = self._fresh()
        if index is None or limit <= 0:
            return []
        import faiss

        parameters = None
        if libraries:
            rows = np.asarray(self._tables.rows_of(libraries), dtype=np.int64)
            if not len(rows):
                return []
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(rows))  # type: ignore[call-arg]
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if query.shape[1] != index.d:
            raise ValueError(f"a vector of {index.d} numbers is needed, not of {query.shape[1]}")
        scores, rows = index.search(query, limit, params=parameters)
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row != -1]

    def _fresh(self) -> Any:  # noqa: ANN401 - faiss has no types
        """The index of what is embedded now: the one in use, the one on disk, or a new one."""
        keys = self._tables.vector_keys()
        key = _key(keys)
        if self._index is None or key != self._key:
            self._index = self._opened(key, len(keys)) or self._built(key, keys)
            self._key = key
        return self._index if keys else None

    def _opened(self, key: str, count: int) -> Any:  # noqa: ANN401 - faiss has no types
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        import faiss

        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError:
            return None
        return index if index.ntotal == count else None

    def _built(self, key: str, keys: Sequence[tuple[int, str]]) -> Any:  # noqa: ANN401 - faiss has no types
        import faiss

        stored = {
            digest: unpack(blob) for digest, blob in self._tables.vectors({digest for _, digest in keys})
        }
        rows = [(row, stored[digest]) for row, digest in keys if digest in stored]
        dimensions = len(rows[0][1]) if rows else DIMENSIONS
        half = faiss.ScalarQuantizer.QT_fp16
        flat = faiss.IndexScalarQuantizer(dimensions, half, faiss.METRIC_INNER_PRODUCT)
        index = faiss.IndexIDMap2(flat)
        if rows:
            matrix = np.stack([vector for _, vector in rows])
            index.add_with_ids(matrix, np.asarray([row for row, _ in rows], dtype=np.int64))
        path = self._path(key)
        if path is not None and rows:
            self._write(index, path)
        return index

    def _write(self, index: Any, path: Path) -> None:  # noqa: ANN401 - faiss has no types
        """Keep the index on disk where that can be done; it is whole in memory in any case."""
        import faiss

        part = path.with_suffix(".part")
        try:
            faiss.write_index(index, str(part))
            part.replace(path)
        except (RuntimeError, OSError):
            with suppress(OSError):
                part.unlink(missing_ok=True)
            return
        for old in path.parent.glob(f"{self._name}-*.faiss"):
            if old != path:
                with suppress(OSError):  # another process may have it mapped
                    old.unlink()

    def _path(self, key: str) -> Path | None:
        return self._folder / f"{self._name}-{key}.faiss" if self._folder else None


def _key(keys: Sequence[tuple[int, str]]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for row, content in keys:
        digest.update(f"{row} {content}\n".encode())
    return digest.hexdigest()
