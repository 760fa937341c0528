"""Cancellation and progress of long work."""

import time
from collections.abc import Callable
from typing import Final

from .errors import Cancelled

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total)."""


class CancelToken:
    """Polled by long work. Cancelling a token cancels every token derived from it."""

    __slots__ = ("_cancelled", "_deadline", "_parent")

    def __init__(self, *, parent: "CancelToken | None" = None, deadline: float | None = None) -> None:
        """`deadline` is a reading of `time.monotonic()`."""
        self._cancelled = False
        self._deadline = deadline
        self._parent = parent

    def cancel(self) -> None:
        """Ask the work to stop; safe from any thread."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether the work should stop: cancelled here or above, or the deadline has passed."""
        if self._cancelled:
            return True
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return True
        return self._parent is not None and self._parent.cancelled

    def check(self) -> None:
        """Raise `Cancelled` if the work should stop."""
        if self.cancelled:
            raise Cancelled

    def with_deadline(self, seconds: float) -> "CancelToken":
        """Derive a token that is also cancelled `seconds` from now."""
        return CancelToken(parent=self, deadline=time.monotonic() + seconds)


class _Never(CancelToken):
    """The token of work that nobody withdraws; shared, so that cancelling it would be a mistake."""

    __slots__ = ()

    def cancel(self) -> None:
        """Refuse: every caller shares this token."""
        raise RuntimeError("NEVER is shared and cannot be cancelled")


NEVER: Final[CancelToken] = _Never()
