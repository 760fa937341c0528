"""The watch over the editor's process: a server must not outlive it."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

POLL_SECONDS: Final = 1.0


def watch_process(process_id: int, gone: Callable[[], None]) -> None:
    """Call `gone`, on a thread of its own, when the process ends.

    A process that is not there at the start is not watched: an editor outside of our container has an id that
    means nothing here, and the end of its stream tells as well.
    """
    if process_id > 0 and _alive(process_id):

        def watch() -> None:
            _wait(process_id)
            gone()

        threading.Thread(target=watch, name="parent watch", daemon=True).start()


if sys.platform == "win32":
    _SYNCHRONIZE: Final = 0x00100000
    _INFINITE: Final = 0xFFFFFFFF
    _kernel = ctypes.windll.kernel32

    def _alive(process_id: int) -> bool:
        handle = _kernel.OpenProcess(_SYNCHRONIZE, False, process_id)
        if handle:
            _kernel.CloseHandle(handle)
        return bool(handle)

    def _wait(process_id: int) -> None:
        handle = _kernel.OpenProcess(_SYNCHRONIZE, False, process_id)
        if handle:
            _kernel.WaitForSingleObject(handle, _INFINITE)
            _kernel.CloseHandle(handle)

else:

    def _alive(process_id: int) -> bool:
        try:
            os.kill(process_id, 0)
        except PermissionError:
            return True
        except (OSError, OverflowError):
            return False
        return True

    def _wait(process_id: int) -> None:
        if sys.platform == "linux":
            try:  # a process that has ended but was not waited for counts as gone, which kill() cannot tell
                handle = os.pidfd_open(process_id)
            except OSError:  # gone already, or a kernel before 5.3
                pass
            else:
                select.select([handle], [], [])
                os.close(handle)
                return
        while _alive(process_id):
            time.sleep(POLL_SECONDS)
