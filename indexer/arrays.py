"""Arrays in one block of bytes: stored in a database, or in a file that is memory-mapped.

The block starts with a line of JSON that names each array, its type and length; each array starts at a
multiple of 64 bytes, so that a view of it is as fast as a copy.
"""

import json
import mmap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays = Mapping[str, "NDArray[Any]"]

_ALIGNED: Final = 64


def pack(arrays: Arrays) -> bytes:
    """Return one-dimensional arrays as one block."""
    head = json.dumps([[name, each.dtype.str, len(each)] for name, each in arrays.items()]).encode() + b"\n"
    block = bytearray(head)
    for each in arrays.values():
        block += bytes(-len(block) % _ALIGNED) + each.tobytes()
    return bytes(block)


def unpack(block: "bytes | mmap.mmap") -> Arrays:
    """Return views of the arrays of a block. Raises `ValueError` where it is none, or is cut off."""
    end = block.find(b"\n", 0, 65_536)
    place = end + 1
    found = {}
    for name, kind, count in json.loads(block[: max(end, 0)]):
        place += -place % _ALIGNED
        found[name] = np.frombuffer(block, np.dtype(kind), count, place)
        place += found[name].nbytes
    return found


def read(path: Path) -> Arrays | None:
    """Return the arrays of a file, memory-mapped; None where there is none that is whole."""
    try:
        with path.open("rb") as file:
            return unpack(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, TypeError):
        return None


def write(path: Path, arrays: Arrays, former: str) -> None:
    """Keep arrays in a file, whole or not at all, in the place of those that the pattern `former` names.

    A folder that cannot be written is no error: the arrays are in memory.
    """
    part = path.with_suffix(".part")
    try:
        part.write_bytes(pack(arrays))
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        return
    for old in path.parent.glob(former):
        if old != path:
            with suppress(OSError):  # another process may have it mapped
                old.unlink()
