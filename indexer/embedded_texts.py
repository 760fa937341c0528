"""What stands for an API or a section in an embedding: how its text starts; time grows with the length."""

import hashlib
from typing import Final

from .docstrings import without_calls
from .words import parts

_CAP: Final = 200  # characters of a documentation: what an API does stands at the start


def api_text(name: str, documentation: str) -> str:
    """Return what stands for an API in an embedding: its name in words, and how its documentation starts."""
    owner, _, last = name.rpartition(".")
    start = " ".join(without_calls(documentation).strip()[:_CAP].split())
    return f"{' '.join(parts(last)) or last}: {start} ({owner.replace('.', ' ')})"


def section_text(title: str, text: str) -> str:
    """Return what stands for a section in an embedding; a solved question has nothing but its title."""
    start = " ".join(text[:_CAP].split())
    return f"{title}: {start}" if start else title


def digest(text: str) -> str:
    """Return the key of a text's vector, which outlives an upgrade that leaves the text as it was."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
