"""The annotations of many files in work, together because each makes others known.

What an annotation makes known may settle further slots, so files are annotated until nothing new is found: a
second run then has nothing left to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.spelling import Annotation
from typewright.assist.blame import Item, Placed
from typewright.assist.checker_choice import NONE
from typewright.assist.checkers import CheckerError
from typewright.assist.edits import SourceFile, unified_diff
from typewright.assist.placement import Key, Placement
from typewright.assist.plan import Plan, Target, annotated_text, plan
from typewright.assist.python_versions import lowest_version
from typewright.assist.spelling import INSPECTS, root_names
from typewright.assist.types import SlotType, types
from typewright.assist.weakening import weaker
from typewright.indexer.cancellation import CancelToken, Progress
from typewright.indexer.errors import TypewrightError
from typewright.indexer.syntax import parse

if TYPE_CHECKING:
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot

MINIMUM_CONFIDENCE = 0.8
KINDS = {"params": "param", "returns": "return", "variables": "variable"}
NOTHING_KNOWN, NOT_SURE, NO_WAY = "nothing known", "not sure enough", "cannot be written there"
_Sure = tuple[Path, Key, SlotType]  # a slot that is sure enough, and its site
_ROUNDS = 6  # annotations that settle others that settle others; in practice two or three


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """What to annotate: kinds of slots out of params, returns and variables, and how sure it must be.

    `checker` names a type checker that takes back annotations which bring new errors, or says `auto` or
    `none` (`checker_choice.py`). With `try_import` the annotated modules are imported in a child process.
    """

    select: frozenset[str] = frozenset({"params", "returns"})
    minimum_confidence: float = MINIMUM_CONFIDENCE
    checker: str = NONE
    try_import: bool = False


@dataclass(frozen=True, slots=True)
class AnnotatedFile:
    """A file before and after; `problem` says why one was left as it is.

    `slots` are annotated, those of `taken_back` would have brought an error, `left` counts the other open
    ones by what is in the way. `checkers` had the last word; `written` was handed out before.
    """

    source: SourceFile
    after: str
    slots: tuple[SlotType, ...] = ()
    problem: str = ""
    taken_back: tuple[tuple[SlotType, str], ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    checkers: tuple[str, ...] = ()
    written: str | None = None

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
        last = self.source if self.written is None else self.source.holding(self.written)
        if self.after != last.text:
            last.write(self.after)


@dataclass(slots=True)
class _File:
    """One file in work; slots in it have the positions of the original text.

    `found` holds every slot as it was inferred, `accepted` what is to be written, `barred` what was taken
    back and why, `kept` what is no longer on trial.
    """

    source: SourceFile
    target: Target
    after: str = ""
    problem: str = ""
    addresses: Mapping[Key, tuple[int, int]] = field(default_factory=dict)
    open: int = 0
    found: dict[Key, SlotType] = field(default_factory=dict)
    accepted: dict[Key, SlotType] = field(default_factory=dict)
    barred: dict[Key, str] = field(default_factory=dict)
    kept: set[Key] = field(default_factory=set)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    made: dict[Key, SlotType] = field(default_factory=dict)
    unsure: int = 0
    unspeakable: int = 0
    handed_out: str | None = None

    def accept(self, key: Key, slot: SlotType) -> None:
        """Note a slot of the text as it is now for the original text, which lacks the imports made since."""
        assert slot.annotation is not None
        own = {name or module.partition(".")[0]: (module, name) for module, name in slot.annotation.imports}
        used = root_names(ast.parse(slot.annotation.text, mode="eval").body)
        self.imports |= own
        imports = {**{name: self.imports[name] for name in used if name in self.imports}, **own}
        annotation = replace(slot.annotation, imports=tuple(imports.values()))
        line, column = self.addresses[key]
        self.found[key] = replace(slot, line=line, col=column, annotation=annotation)
        self.accepted[key] = self.found[key]

    def build(self) -> bool:
        """Plan anew from all accepted slots; return whether the text is another one now."""
        before = self.after
        syntax = parse(self.source.text)
        made = plan(syntax, self.target, self.accepted.values())
        after = annotated_text(syntax, made) if made.edits else syntax.text
        if after is None:
            self.leave("the annotated file would be other code than before")
        else:
            self.made, self.after = made.slots, after
        return self.after != before

    def leave(self, problem: str) -> None:
        """Leave the file as it was."""
        self.problem, self.after, self.made = problem, self.source.text, Plan().slots
        self.accepted.clear()
        self.barred.clear()

    def left(self) -> dict[str, int]:
        """Count the open slots that are not annotated by what is in the way."""
        unwritten = len(self.accepted) - len(self.made)
        counts = {NOT_SURE: self.unsure, NO_WAY: self.unspeakable + unwritten}
        told = sum(counts.values()) + len(self.made) + len(self.barred)
        return {NOTHING_KNOWN: max(self.open - told, 0), **counts}


class Work:
    """All files of one run."""

    def __init__(
        self,
        session: Session,
        paths: Sequence[Path],
        options: AnnotateOptions,
        *,
        progress: Progress | None,
        cancel: CancelToken,
    ) -> None:
        self._session = session
        self._options = options
        self._progress = progress
        self._cancel = cancel
        self._kinds = {KINDS[name] for name in options.select}
        self._rounds = 0
        self._settled: tuple[Mapping[Path, str], Sequence[Path]] | None = None
        self._sure: list[_Sure] = []
        snapshot = session.snapshot()
        self._readers = readers_of(snapshot)
        self._files: dict[Path, _File] = {}
        self._unreadable: list[AnnotatedFile] = []
        for path in paths:
            try:
                self._files[path] = self._open(snapshot, path)
            except TypewrightError as error:
                source = SourceFile(path, "", "utf-8", False, b"")
                self._unreadable.append(AnnotatedFile(source, "", problem=str(error)))

    @property
    def paths(self) -> list[Path]:
        """The files that could be read."""
        return list(self._files)

    def _open(self, snapshot: Snapshot, path: Path) -> _File:
        source = SourceFile.read(path)
        syntax = parse(source.text, remember=False)
        file = _File(source, target_of(snapshot, path, self._readers), after=source.text)
        if syntax.damage:
            file.problem = f"it does not parse (line {syntax.damage[0].line})"
            return file
        sites = Placement(syntax).by_key.values()
        file.addresses = {site.key: (site.line, site.column) for site in sites}
        file.open = sum(
            site.kind in self._kinds and not site.occupied and site.key[2] not in ("self", "cls")
            for site in sites
            if site.kind != "variable"
        )
        return file

    # -- what is found ----------------------------------------------------------------------------

    def settle(self, paths: Sequence[Path]) -> bool:
        """Annotate `paths` until nothing new is found; return whether anything was."""
        for done in range(_ROUNDS):
            found = self._infer(paths)
            changed = [self._files[path].build() for path in sorted(found)]
            if not any(changed):
                return done > 0
        return True

    def _infer(self, paths: Sequence[Path]) -> set[Path]:
        """Accept the slots that are sure enough now; return the files that have new ones."""
        overlay = self.texts()
        if self._settled != (overlay, paths):  # else this very code was asked about a moment ago
            self._rounds += 1
            self._sure = list(self._ask(paths, overlay))
            self._settled = overlay, paths
        found: set[Path] = set()
        for path, key, slot in self._sure:
            file = self._files[path]
            if not (file.problem or key in file.accepted or key in file.barred):
                file.accept(key, slot)
                found.add(path)
        return found

    def _ask(self, paths: Sequence[Path], overlay: Mapping[Path, str]) -> Iterator[_Sure]:
        keys: dict[Path, Mapping[tuple[str, int, int], Key]] = {}
        wanted = [path for path in paths if not self._files[path].problem]
        for path in wanted:
            self._files[path].unsure = self._files[path].unspeakable = 0

        def progress(stage: str, done: int, total: int) -> None:
            if self._progress is not None:
                self._progress(f"{stage}, round {self._rounds}", done, total)

        for slot in types(self._session, wanted, overlay=overlay, progress=progress, cancel=self._cancel):
            if slot.kind not in self._kinds:
                continue
            file = self._files[slot.file]
            if slot.confidence < self._options.minimum_confidence:
                file.unsure += 1
                continue
            if slot.file not in keys:
                sites = Placement(parse(file.after)).sites
                keys[slot.file] = {address: site.key for address, site in sites.items()}
            key = keys[slot.file].get((slot.kind, slot.line, slot.col))
            if key is None or slot.annotation is None:
                file.unspeakable += 1
            else:
                yield slot.file, key, slot

    # -- what is judged ---------------------------------------------------------------------------

    def placed(self) -> Placed:
        """Return the text of every file now, and the sites annotated in it that are not kept for good."""
        return {
            path: (file.after, frozenset(file.made.keys() - file.kept)) for path, file in self._files.items()
        }

    def texts(self) -> Mapping[Path, str]:
        """Return the text of every file that is not as it was."""
        return {path: file.after for path, file in self._files.items() if file.after != file.source.text}

    def take_back(self, reasons: Mapping[Item, str]) -> None:
        """Take annotations away, each for a reason."""
        for (path, key), reason in reasons.items():
            self._files[path].barred[key] = reason
            self._files[path].accepted.pop(key, None)
        self._rebuild(reasons)

    def give_back(self, forms: Mapping[Item, Annotation]) -> None:
        """Write annotations that were taken back, in these forms."""
        for (path, key), form in forms.items():
            file = self._files[path]
            del file.barred[key]
            file.accepted[key] = replace(file.found[key], annotation=form, type=form.text)
        self._rebuild(forms)

    def _rebuild(self, items: Mapping[Item, object]) -> None:
        for path in sorted({path for path, _ in items}):
            self._files[path].build()

    def form(self, item: Item) -> Annotation:
        """Return an annotation as it stands."""
        path, key = item
        annotation = self._files[path].accepted[key].annotation
        assert annotation is not None
        return annotation

    def forms(self, item: Item, error: CheckerError) -> Sequence[Annotation]:
        """Return an annotation as it was found, and what says less and might pass."""
        path, key = item
        annotation = self._files[path].found[key].annotation
        assert annotation is not None
        return annotation, *weaker(annotation, key[0], error)

    def keep(self) -> bool:
        """Hold on to what stands now and allow again what was taken back, if there is anything new.

        From here on everything is found as another run would find it.
        """
        if all(file.kept == file.made.keys() for file in self._files.values()):
            return False
        for file in self._files.values():
            file.kept = set(file.made)
            file.barred.clear()
        self._settled = None
        self._session.forget_analysis()
        return True

    def give_up(self, path: Path, problem: str) -> None:
        """Leave a file as it was."""
        self._files[path].leave(problem)

    def results(self, paths: Sequence[Path], checkers: tuple[str, ...]) -> Iterator[AnnotatedFile]:
        """Yield those of the files that have not been handed out as they are now."""
        yield from self._unreadable
        self._unreadable.clear()
        for file in map(self._files.__getitem__, paths):
            if file.after != file.handed_out:
                written, file.handed_out = file.handed_out, file.after
                taken_back = tuple((file.found[key], reason) for key, reason in file.barred.items())
                yield AnnotatedFile(
                    file.source,
                    file.after,
                    tuple(file.made.values()),
                    file.problem,
                    taken_back,
                    file.left(),
                    checkers,
                    written,
                )


def readers_of(snapshot: Snapshot) -> frozenset[str]:
    """The modules of the workspace that look at annotations at run time, as command-line frameworks do."""
    found = {path for name in INSPECTS for path in snapshot.files_using(name)}
    found |= set(snapshot.files_using("annotation")) & set(snapshot.files_using("signature"))
    return frozenset(snapshot.module_name(path) for path in found)


def target_of(snapshot: Snapshot, path: Path, readers: frozenset[str]) -> Target:
    """What the plan must know of a file."""
    return Target(
        snapshot.module_name(path),
        is_package=path.stem == "__init__",
        is_stub=path.suffix == ".pyi",
        version=lowest_version(snapshot.root, snapshot.environment.version),
        readers=readers,
    )
