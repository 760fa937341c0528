"""A type checker in the loop: which annotations bring new errors, so that they are taken back."""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.checkers import CONFIGURATION, CheckerError, find_checker
from typewright.assist.placement import Key, Placement, Site
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.syntax import Syntax, parse

if TYPE_CHECKING:
    from typewright.assist.session import Session

_WORD = re.compile(r"[^\W\d]\w*")
_RETURN_CODES = frozenset(
    {"return-value", "return", "reportReturnType", "bad-return", "invalid-explicit-return"}
)

Placed = Mapping[Path, tuple[str, frozenset[Key]]]  # file -> its text now, the sites annotated in it


class Gate:
    """Compares a checker's errors with those of the code as it was, on a copy of the sources."""

    def __init__(self, session: Session, checker: str, files: Sequence[Path]) -> None:
        snapshot = session.snapshot()
        self._root = snapshot.root
        self._checker = find_checker(checker, snapshot.environment)
        self._files = [path for path in files if path.is_relative_to(self._root)]
        self._sources = {path: snapshot.text(path) for path in snapshot.files()}
        self._sources |= {path: snapshot.text(path) for path in self._files}
        self._folder = tempfile.TemporaryDirectory(prefix="typewright-check-")
        self._copy = Path(self._folder.name).resolve()
        for name in CONFIGURATION:
            if (self._root / name).is_file():
                shutil.copy(self._root / name, self._copy / name)
        for path, text in self._sources.items():
            self._write(path, text)
            marker = path.parent / "py.typed"
            if marker.is_file():
                (self._place(path).parent / "py.typed").touch()
        self._runs = 0
        self.restart()

    def restart(self) -> None:
        """Take the errors that there are now for granted."""
        self._known = Counter(error.identity for error in self._errors())
        self._seen: Counter[tuple[Path, str, str]] = Counter()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def rejected(
        self, placed: Placed, *, progress: Progress | None = None, cancel: CancelToken = NEVER
    ) -> dict[Path, set[Key]]:
        """Return the annotations to take back because of errors that were not there before."""
        cancel.check()
        self._runs += 1
        if progress is not None:
            progress(f"{self._checker.name}, run {self._runs}", 0, 0)
        for path, (text, _) in placed.items():
            if path in self._sources and self._sources[path] != text:
                self._write(path, text)
                self._sources[path] = text
        new = self._new(self._errors())
        if not new:
            return {}
        blame = _Blame(placed)
        rejected: defaultdict[Path, set[Key]] = defaultdict(set)
        for error in new:
            # The nearest annotations first; when the error is still there, ever more of them.
            for path, key in blame.suspects(self._root / error.path, error, self._seen[error.identity]):
                rejected[path].add(key)
        self._seen.update({error.identity for error in new})
        return dict(rejected) or {path: set(keys) for path, (_, keys) in placed.items() if keys}

    def _new(self, errors: Iterable[CheckerError]) -> list[CheckerError]:
        left = Counter(self._known)
        new = []
        for error in errors:
            if left[error.identity]:
                left[error.identity] -= 1
            else:
                new.append(error)
        return new

    def _errors(self) -> tuple[CheckerError, ...]:
        return self._checker.errors(self._copy, [path.relative_to(self._root) for path in self._files])

    def _place(self, path: Path) -> Path:
        return self._copy / path.relative_to(self._root)

    def _write(self, path: Path, text: str) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")


class _Blame:
    """Which annotations an error may come from."""

    def __init__(self, placed: Placed) -> None:
        self._placed = {path: (parse(text), keys) for path, (text, keys) in placed.items() if keys}
        self._sites = {
            path: [site for site in Placement(syntax).by_key.values() if site.key in keys]
            for path, (syntax, keys) in self._placed.items()
        }
        self._by_function: defaultdict[str, list[tuple[Path, Key]]] = defaultdict(list)
        for path, sites in self._sites.items():
            for site in sites:
                for name in set(site.key[1].split(".")[-2:]):
                    self._by_function[name].append((path, site.key))

    def suspects(self, path: Path, error: CheckerError, attempt: int) -> list[tuple[Path, Key]]:
        """Return what to take back: on the line, in the function, what it names, all of the file."""
        sites = self._sites.get(path, [])
        on_line = [site for site in sites if site.line == error.line]
        inside = [site for site in sites if _encloses(site, error.line)]
        innermost = max((site.function.lineno for site in inside if site.function), default=0)
        inside = [site for site in inside if site.function and site.function.lineno == innermost]
        if error.code in _RETURN_CODES and attempt == 0:
            inside = [site for site in inside if site.kind == "return"] or inside
        steps = [
            [(path, site.key) for site in on_line],
            [(path, site.key) for site in inside],
            self._named(path, error),
            [(path, site.key) for site in sites],
        ]
        known = [step for step in steps if step]
        return known[attempt] if attempt < len(known) else []

    def _named(self, path: Path, error: CheckerError) -> list[tuple[Path, Key]]:
        """The annotations of functions that the error's message or its source line names."""
        words = set(_WORD.findall(error.message))
        if path in self._placed:
            syntax: Syntax = self._placed[path][0]
            if error.line <= len(syntax.lines):
                words.update(_WORD.findall(syntax.lines[error.line - 1]))
        return [found for word in sorted(words) for found in self._by_function.get(word, ())]


def _encloses(site: Site, line: int) -> bool:
    node: ast.AST | None = site.function
    return node is not None and node.lineno <= line <= (node.end_lineno or 0)  # type: ignore[attr-defined]
