"""Ghost text: what the language model would write at a place, and whether it is worth showing."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis import cursor
from typewright.assist.completion_items import CompletionList, Item, items
from typewright.assist.repository_context import module_path, repository_context
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.models.protocol import CompletionRequest, InferenceTimeout, Mode

if TYPE_CHECKING:
    from typewright.assist.session import Session

__all__ = ["CompletionList", "Item", "Suggestion", "items", "suggest"]

MAX_TOKENS = 48
# Confidence from which a suggestion is shown; docs/completion.md has the measurement.
SHOWN_CONFIDENCE = 0.5

_CLOSERS = re.compile(r"[\s)\]}:,;\"']*\Z")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What could come next.

    `shown` is False where a person would rather see nothing: little confidence, a comment or a string,
    code behind the cursor, no model. `confidence` estimates the probability that all of `completion` is
    right. Times are in milliseconds from the call; `layers_run` is the mean number of layers of a token.
    """

    completion: str
    shown: bool
    confidence: float
    first_token_ms: float
    total_ms: float
    tokens: int
    layers_run: float


NOTHING = Suggestion("", False, 0.0, 0.0, 0.0, 0, 0.0)


def suggest(
    session: Session,
    path: Path,
    line: int,
    column: int,
    *,
    mode: Mode = "exact",
    overlay: Mapping[Path, str] | None = None,
    deadline: float | None = None,
    automatic: bool = False,
    cancel: CancelToken = NEVER,
) -> Suggestion:
    """Return what the language model would write at a position, to the end of its line.

    What lies on disk at `path` is ignored where `overlay` has a text for it. `deadline` is in seconds
    from now. `automatic`: nobody asked but the editor, so that nothing is computed where nothing would
    be shown. Without weights, or when the model fails, the suggestion is empty and the session has a
    notice. Raises `Cancelled`, `UnreadableSource`.
    """
    if not session.settings.neural:
        return NOTHING
    started = time.perf_counter()
    snapshot = session.snapshot(overlay, cancel=cancel)
    syntax = snapshot.syntax(path)
    offset = syntax.offset(line, column)
    fitting = _is_fitting(syntax.text, offset)
    if automatic and not fitting:
        return NOTHING
    prefix, suffix = _one_line_end(syntax.text[:offset]), _one_line_end(syntax.text[offset:])
    request = CompletionRequest(
        prefix=prefix,
        suffix=suffix,
        mode=mode,
        max_tokens=MAX_TOKENS,
        stop="line",
        path=module_path(snapshot.module_name(path)),
        pieces=repository_context(snapshot, path, prefix, cancel),
    )
    left = None if deadline is None else max(0.0, deadline - (time.perf_counter() - started))
    try:
        answer = session.inference.complete(request, deadline=left, cancel=cancel)
    except InferenceTimeout:
        return NOTHING
    except TypewrightError as error:
        session.notice(str(error))
        return NOTHING
    total_ms = (time.perf_counter() - started) * 1000
    completion = answer.text.rstrip()
    worthy = bool(completion.strip()) and not _stands_already(completion, prefix, suffix)
    return Suggestion(
        completion=completion,
        shown=fitting and worthy and answer.confidence >= SHOWN_CONFIDENCE,
        confidence=answer.confidence,
        first_token_ms=total_ms - (answer.total_ms - answer.first_token_ms),
        total_ms=total_ms,
        tokens=answer.tokens,
        layers_run=answer.layers_run,
    )


def _is_fitting(text: str, offset: int) -> bool:
    """Whether ghost text may stand here: in code, with nothing but closers behind it in the line."""
    end = text.find("\n", offset)
    rest = text[offset : end if end >= 0 else len(text)]
    return bool(_CLOSERS.match(rest)) and cursor.at(text, offset) is not None


def _stands_already(completion: str, prefix: str, suffix: str) -> bool:
    """Whether the line would only repeat the one below."""
    below = suffix.lstrip("\n").partition("\n")[0]
    return (prefix.rpartition("\n")[2] + completion).strip() == below.strip()


def _one_line_end(text: str) -> str:
    """The text as models know it: lines end with a line feed, and no half of a surrogate pair is left."""
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
