"""A small client of language servers: open files, ask many things at once, take the answers."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any


class LanguageClient:
    """One server process, initialised for one folder."""

    def __init__(
        self,
        command: Sequence[str],
        root: Path,
        settings: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self.on: dict[str, Callable[[], object]] = {}  # what to do when the server asks for something
        self._answers: dict[int, Queue[Any]] = {}
        self._count = 0
        self._writing = threading.Lock()
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._read, daemon=True).start()
        folder = {"uri": root.as_uri(), "name": root.name}
        capabilities = {
            "workspace": {
                "configuration": True,
                "workspaceFolders": True,
                "inlayHint": {"refreshSupport": True},
            },
            "textDocument": {
                "hover": {"contentFormat": ["plaintext"]},
                "inlayHint": {"dynamicRegistration": False},
            },
            "general": {"positionEncodings": ["utf-16"]},
        }
        started = {
            "processId": None,
            "rootUri": root.as_uri(),
            "workspaceFolders": [folder],
            "capabilities": capabilities,
            "initializationOptions": settings,
        }
        self.ask([("initialize", started)])
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": settings})

    def _write(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        with self._writing:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            size = 0
            while (line := stream.readline()) not in {b"\r\n", b""}:
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            if not size:
                break
            message = json.loads(stream.read(size))
            if "method" not in message:
                waiting = self._answers.pop(message["id"], None)
                if waiting is not None:
                    waiting.put(message.get("result"))
            elif "id" in message:
                self._write({"id": message["id"], "result": self._reply(message)})
                self.on.get(message["method"], object)()
        for waiting in list(self._answers.values()):
            waiting.put(None)

    def _reply(self, message: Mapping[str, Any]) -> object:
        if message["method"] != "workspace/configuration":
            return None
        sections = [item.get("section", "") for item in message["params"]["items"]]
        return [self._section(section) for section in sections]

    def _section(self, name: str) -> object:
        value: Any = self._settings
        for part in name.split(".") if name else ():
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return value

    def tell(self, method: str, params: object) -> None:
        """A notification."""
        self._write({"method": method, "params": params})

    def ask(self, requests: Sequence[tuple[str, object]], timeout: float = 300) -> list[Any]:
        """Send all requests, then wait for all answers; nothing where none came in time."""
        queues = []
        for method, params in requests:
            self._count += 1
            queue: Queue[Any] = Queue()
            self._answers[self._count] = queue
            queues.append(queue)
            self._write({"id": self._count, "method": method, "params": params})
        return [_taken(queue, timeout) for queue in queues]

    def open(self, path: Path, text: str) -> None:
        """Show a file to the server."""
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def close(self) -> None:
        """End the server."""
        try:
            self.ask([("shutdown", None)], timeout=10)
            self.tell("exit", None)
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


def _taken(queue: Queue[Any], timeout: float) -> object:
    try:
        return queue.get(timeout=timeout)
    except Empty:
        return None
