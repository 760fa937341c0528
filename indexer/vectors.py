"""Vectors beside a database: a FAISS index of unit vectors, memory-mapped, made from what the database has.

The index is exact (inner product over half-precision vectors). Its file is named after what is in it, so that
a stale or half-written one is never read; a damaged one is built again.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .apis import ApiTables
from .marks import VECTORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS: Final = 384
_MOST: Final = 1 << 62  # a row number above all


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
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)  # of its vectors, in their order
        self._stored: NDArray[np.float16] = np.zeros((0, DIMENSIONS), np.float16)
        self._key = ""

    def nearest_apis(
        self, vector: "NDArray[np.float32]", limit: int, libraries: Sequence[str] = ()
    ) -> Sequence[tuple[int, float]]:
        """Return (row, inner product) of the APIs nearest to a vector, best first.

        `libraries` are distributions or top-level modules and leave only their APIs.
        """
        import faiss

        if not libraries:
            with self._lock:
                mixed = self._fresh() is not None and self._rows[0] <= 0  # sections come first
            return self._search(vector, limit, faiss.IDSelectorRange(1, _MOST) if mixed else None)
        rows = np.asarray(self._tables.rows_of(libraries), dtype=np.int64)
        return self._search(vector, limit, faiss.IDSelectorBatch(rows)) if len(rows) else []

    def nearest_sections(self, vector: "NDArray[np.float32]", limit: int) -> Sequence[tuple[int, float]]:
        """Return (row, inner product) of the sections nearest to a vector; see `ApiTables.vector_keys`."""
        import faiss

        return self._search(vector, limit, faiss.IDSelectorRange(-_MOST, 0))

    def _search(
        self,
        vector: "NDArray[np.float32]",
        limit: int,
        selector: Any,  # noqa: ANN401 - faiss has no types
    ) -> Sequence[tuple[int, float]]:
        with self._lock:
            index = self._fresh()
        if index is None or limit <= 0:
            return []
        import faiss

        parameters = faiss.SearchParameters(sel=selector) if selector else None  # type: ignore[call-arg]
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if query.shape[1] != index.d:
            raise ValueError(f"a vector of {index.d} numbers is needed, not of {query.shape[1]}")
        scores, rows = index.search(query, limit, params=parameters)
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row != -1]

    def of(self, rows: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """Return the vectors of some rows, zeros where one has none: an array of (rows, dimensions)."""
        with self._lock:
            index, known, stored = self._fresh(), self._rows, self._stored
        found = np.zeros((len(rows), stored.shape[1]), np.float32)
        if index is not None:
            places = np.minimum(np.searchsorted(known, rows), len(known) - 1)
            there = known[places] == rows
            found[there] = stored[places[there]]
        return found

    def known(self, rows: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Return which of some rows have a vector."""
        with self._lock:
            known = self._rows if self._fresh() is not None else np.zeros(0, np.int64)
        return np.isin(rows, known, assume_unique=True)

    def _fresh(self) -> Any:  # noqa: ANN401 - faiss has no types
        """The index of what is embedded now: the one in use, the one on disk, or a new one."""
        key = self._tables.mark(VECTORS)
        if not key:
            return None
        if self._index is None or key != self._key:
            import faiss

            self._index = self._opened(key) or self._built(key)
            faiss.omp_set_num_threads(1)  # a second one gains nothing for one question, and spins after it
            self._rows = faiss.vector_to_array(self._index.id_map)
            flat: Any = faiss.downcast_index(self._index.index)
            codes = faiss.rev_swig_ptr(flat.codes.data(), flat.ntotal * flat.code_size)
            self._stored = codes.view("<f2").reshape(flat.ntotal, flat.d)  # the index's own memory
            self._key = key
        return self._index if len(self._rows) else None

    def _opened(self, key: str) -> Any:  # noqa: ANN401 - faiss has no types
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        import faiss

        try:
            return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError:
            return None

    def _built(self, key: str) -> Any:  # noqa: ANN401 - faiss has no types
        import faiss

        keys = self._tables.vector_keys()
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
