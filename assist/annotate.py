"""Annotations written into code: only what is sure enough, never what would change or break the code.

What an annotation makes known may settle further slots, so files are annotated until nothing new is found: a
second run then has nothing left to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.edits import SourceFile, TextEdit, unified_diff
from typewright.assist.placement import Key, Placement
from typewright.assist.plan import Plan, Target, annotated_text, plan
from typewright.assist.python_versions import lowest_version
from typewright.assist.spelling import INSPECTS, root_names
from typewright.assist.types import SlotType, types
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError
from typewright.indexer.syntax import Syntax, parse

if TYPE_CHECKING:
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot

MINIMUM_CONFIDENCE = 0.8
KINDS = {"params": "param", "returns": "return", "variables": "variable"}
_ROUNDS = 6  # annotations that settle others that settle others; in practice two or three


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """What to annotate: kinds of slots out of params, returns and variables, and how sure it must be.

    `checker` names a type checker that takes back annotations which bring new errors.
    """

    select: frozenset[str] = frozenset({"params", "returns"})
    minimum_confidence: float = MINIMUM_CONFIDENCE
    checker: str | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedFile:
    """A file before and after; `problem` says why one was left as it is."""

    source: SourceFile
    after: str
    slots: tuple[SlotType, ...] = ()
    problem: str = ""

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path

    @property
    def before(self) -> str:
        """The text as it was read."""
        return self.source.text

    @property
    def changed(self) -> bool:
        """Whether anything is annotated."""
        return self.after != self.source.text

    def diff(self, name: str) -> str:
        """Return the change as a unified diff of a file called `name`."""
        return unified_diff(self.before, self.after, name)

    def write(self) -> None:
        """Write the file in one step; raises TypewrightError where it changed since it was read."""
        if self.changed:
            self.source.write(self.after)


def annotation_edits(
    session: Session, path: Path, slots: Sequence[SlotType], *, overlay: Mapping[Path, str] | None = None
) -> Sequence[TextEdit]:
    """Return the edits that annotate `slots` of one file, imports included; none where that is not safe."""
    snapshot = session.snapshot(overlay)
    syntax = snapshot.syntax(path)
    made = plan(syntax, _target(snapshot, path, _readers(snapshot)), slots)
    return made.edits if made.edits and annotated_text(syntax, made) is not None else ()


def annotate(
    session: Session,
    paths: Iterable[Path],
    options: AnnotateOptions = AnnotateOptions(),
    *,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[AnnotatedFile]:
    """Yield every file of `paths` with the annotations that are sure enough; nothing is written.

    Raises TypewrightError where a path is no Python file or the checker is not installed.
    """
    work = _Work(session, session.files(paths, cancel=cancel), options)
    if options.checker is None:
        work.settle(progress, cancel)
    else:
        from typewright.assist.gate import Gate

        with Gate(session, options.checker, list(work.files)) as gate:
            # What was taken back for another's error gets a second chance, as it would in a second run.
            for _ in range(_ROUNDS):
                while work.settle(progress, cancel):
                    while rejected := gate.rejected(work.placed(), progress=progress, cancel=cancel):
                        work.reject(rejected)
                if not work.keep():
                    break
                gate.restart()
    yield from work.results()


@dataclass(slots=True)
class _File:
    """One file in work; `accepted` holds its slots with the positions of the original text."""

    source: SourceFile
    syntax: Syntax
    target: Target
    addresses: Mapping[Key, tuple[int, int]]
    accepted: dict[Key, SlotType] = field(default_factory=dict)
    barred: set[Key] = field(default_factory=set)
    kept: set[Key] = field(default_factory=set)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    made: Plan = field(default_factory=Plan)
    after: str = ""
    problem: str = ""

    def accept(self, key: Key, slot: SlotType) -> None:
        """Note a slot of the text as it is now for the original text, which lacks the imports made since."""
        assert slot.annotation is not None
        own = {name or module.partition(".")[0]: (module, name) for module, name in slot.annotation.imports}
        used = root_names(ast.parse(slot.annotation.text, mode="eval").body)
        self.imports |= own
        imports = {**{name: self.imports[name] for name in used if name in self.imports}, **own}
        annotation = replace(slot.annotation, imports=tuple(imports.values()))
        line, column = self.addresses[key]
        self.accepted[key] = replace(slot, line=line, col=column, annotation=annotation)

    def build(self) -> bool:
        """Plan anew from all accepted slots; return whether the text is another one now."""
        before = self.after
        self.made = plan(self.syntax, self.target, self.accepted.values())
        after = annotated_text(self.syntax, self.made) if self.made.edits else self.syntax.text
        if after is None:
            self.problem = "the annotated file would be other code than before"
            self.made, after = Plan(), self.syntax.text
            self.barred.update(self.accepted)
            self.accepted.clear()
        self.after = after
        return self.after != before


class _Work:
    """All files of one run, annotated together because each makes others known."""

    def __init__(self, session: Session, paths: Sequence[Path], options: AnnotateOptions) -> None:
        self._session = session
        self._options = options
        self._kinds = {KINDS[name] for name in options.select}
        snapshot = session.snapshot()
        self._readers = _readers(snapshot)
        self.files: dict[Path, _File] = {}
        self._unreadable: list[AnnotatedFile] = []
        for path in paths:
            try:
                self._open(snapshot, path)
            except TypewrightError as error:
                source = SourceFile(path, "", "utf-8", False, b"")
                self._unreadable.append(AnnotatedFile(source, "", problem=str(error)))

    def _open(self, snapshot: Snapshot, path: Path) -> None:
        source = SourceFile.read(path)
        syntax = parse(source.text)
        addresses = (
            {site.key: (site.line, site.column) for site in Placement(syntax).by_key.values()}
            if not syntax.damage
            else {}
        )
        file = _File(source, syntax, _target(snapshot, path, self._readers), addresses, after=source.text)
        if syntax.damage:
            file.problem = f"it does not parse (line {syntax.damage[0].line})"
        self.files[path] = file

    def settle(self, progress: Progress | None, cancel: CancelToken) -> bool:
        """Annotate until nothing new is found; return whether anything was."""
        for done in range(_ROUNDS):
            overlay = {
                path: file.after for path, file in self.files.items() if file.after != file.source.text
            }
            found = self._infer(overlay, progress, cancel)
            changed = [file.build() for path, file in self.files.items() if path in found]
            if not any(changed):
                return done > 0
        return True

    def _infer(
        self, overlay: Mapping[Path, str], progress: Progress | None, cancel: CancelToken
    ) -> set[Path]:
        """Accept the slots that are sure enough now; return the files that have new ones."""
        found: set[Path] = set()
        keys: dict[Path, Mapping[tuple[str, int, int], Key]] = {}
        paths = [path for path, file in self.files.items() if not file.problem]
        for slot in types(self._session, paths, overlay=overlay, progress=progress, cancel=cancel):
            if slot.kind not in self._kinds or slot.confidence < self._options.minimum_confidence:
                continue
            file = self.files[slot.file]
            if slot.file not in keys:
                sites = Placement(parse(file.after)).sites
                keys[slot.file] = {address: site.key for address, site in sites.items()}
            key = keys[slot.file].get((slot.kind, slot.line, slot.col))
            if key is None or key in file.accepted or key in file.barred or slot.annotation is None:
                continue
            file.accept(key, slot)
            found.add(slot.file)
        return found

    def placed(self) -> Mapping[Path, tuple[str, frozenset[Key]]]:
        """Return the text of every file now, and the sites annotated in it that are not kept for good."""
        return {
            path: (file.after, frozenset(file.made.slots.keys() - file.kept))
            for path, file in self.files.items()
        }

    def keep(self) -> bool:
        """Hold on to what stands now and allow again what was taken back; return whether anything is new."""
        new = False
        for file in self.files.values():
            new = new or file.kept != file.made.slots.keys()
            file.kept = set(file.made.slots)
            file.barred.clear()
        return new

    def reject(self, sites: Mapping[Path, Iterable[Key]]) -> None:
        """Take annotations back for good."""
        for path, keys in sites.items():
            file = self.files[path]
            for key in keys:
                file.barred.add(key)
                file.accepted.pop(key, None)
            file.build()

    def results(self) -> Iterator[AnnotatedFile]:
        """Yield the files as they are now."""
        yield from self._unreadable
        for file in self.files.values():
            yield AnnotatedFile(file.source, file.after, tuple(file.made.slots.values()), file.problem)


def _readers(snapshot: Snapshot) -> frozenset[str]:
    """The modules of the workspace that look at annotations at run time, as command-line frameworks do."""
    found = {path for name in INSPECTS for path in snapshot.files_using(name)}
    found |= set(snapshot.files_using("annotation")) & set(snapshot.files_using("signature"))
    return frozenset(snapshot.module_name(path) for path in found)


def _target(snapshot: Snapshot, path: Path, readers: frozenset[str]) -> Target:
    return Target(
        snapshot.module_name(path),
        is_package=path.stem == "__init__",
        is_stub=path.suffix == ".pyi",
        version=lowest_version(snapshot.root, snapshot.environment.version),
        readers=readers,
    )
