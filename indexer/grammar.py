"""CPython's own parser as functions that do not raise."""

import ast
import re
import warnings
from typing import Final

_FILE_NAME: Final = "<typewright>"
# CPython names a warning's module after the file: invalid escapes in other people's code are not our news.
warnings.filterwarnings("ignore", module=re.escape(_FILE_NAME))
_REFUSALS: Final = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError)


def module_or_none(text: str) -> ast.Module | None:
    """Parse a module; None where CPython refuses it for whatever reason."""
    try:
        return _parse(text)
    except _REFUSALS:
        return None


def _parse(text: str) -> ast.Module:
    try:
        return ast.parse(text, _FILE_NAME)
    except SystemError:
        # CPython 3.11 counts the recursion of all parses in one place: one that runs during another (in a
        # finalizer, or a thread that gets its turn there) spoils the count. The text is not at fault.
        return ast.parse(text, _FILE_NAME)


def error_offset(text: str) -> int | None:
    """Return the index in `text` (with `\\n` line ends) that CPython complains of; None where it does not."""
    try:
        _parse(text)
    except SyntaxError as error:
        lines = text.split("\n")
        line = min(max(error.lineno or 1, 1), len(lines))
        column = min(max((error.offset or 1) - 1, 0), len(lines[line - 1]))
        return sum(len(each) + 1 for each in lines[: line - 1]) + column
    except _REFUSALS:
        return 0
    return None
