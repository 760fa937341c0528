"""What exists: workspace, symbols, libraries, documents, in SQLite and FAISS.

The public names of this layer can be imported from here; each is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .cancellation import NEVER, CancelToken, Progress
    from .environment import Environment, discover
    from .errors import Cancelled, StorageError, TypewrightError, UnreadableSource
    from .index import DocumentReport, Index, LibraryReport, Snapshot, UpdateReport
    from .modules import ModuleFile, ModuleFinder
    from .outline import Import, Outline, Symbol, SymbolKind, Usage
    from .records import Api, Example, Hit, Parameter
    from .source import Span, content_hash, read_source
    from .syntax import Syntax, parse

_HOMES: Final = {
    "cancellation": ("NEVER", "CancelToken", "Progress"),
    "environment": ("Environment", "discover"),
    "errors": ("Cancelled", "StorageError", "TypewrightError", "UnreadableSource"),
    "index": ("DocumentReport", "Index", "LibraryReport", "Snapshot", "UpdateReport"),
    "modules": ("ModuleFile", "ModuleFinder"),
    "outline": ("Import", "Outline", "Symbol", "SymbolKind", "Usage"),
    "records": ("Api", "Example", "Hit", "Parameter"),
    "source": ("Span", "content_hash", "read_source"),
    "syntax": ("Syntax", "parse"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order of the layer's parts
    "NEVER", "CancelToken", "Progress",
    "Environment", "discover",
    "Cancelled", "StorageError", "TypewrightError", "UnreadableSource",
    "DocumentReport", "Index", "LibraryReport", "Snapshot", "UpdateReport",
    "ModuleFile", "ModuleFinder",
    "Import", "Outline", "Symbol", "SymbolKind", "Usage",
    "Api", "Example", "Hit", "Parameter",
    "Span", "content_hash", "read_source",
    "Syntax", "parse",
]  # fmt: skip


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)
