"""`Analysis`: what is asked of this layer, for one snapshot of the workspace."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from typewright.analysis.absent import Absent, Checker
from typewright.analysis.completion import CallContext, Completion
from typewright.analysis.evaluator import Evaluator
from typewright.analysis.evidence import Inferred
from typewright.analysis.fixpoint import Budget, Exhausted
from typewright.analysis.inventory import Member, Members, Signature
from typewright.analysis.modules import Workspace
from typewright.analysis.navigation import Location, Navigator
from typewright.analysis.slots import Slot, Slots
from typewright.analysis.spelling import Annotation, Spelling
from typewright.analysis.types import UNKNOWN, Type
from typewright.analysis.variants import Variant, Variants
from typewright.indexer.cancellation import NEVER, CancelToken

__all__ = [
    "Absent",
    "Analysis",
    "Annotation",
    "CallContext",
    "Inferred",
    "Location",
    "Member",
    "Members",
    "Signature",
    "Slot",
    "Variant",
]


class Analysis:
    """Answers about one snapshot. `previous` lends what has not changed since; no answer depends on it."""

    def __init__(
        self, snapshot: Workspace, previous: Analysis | None = None, *, budget: Budget | None = None
    ) -> None:
        self.snapshot = snapshot
        if previous is None or (budget is not None and budget != previous._evaluator.budget):
            self._evaluator: Evaluator = Evaluator(snapshot, budget)
        else:
            self._evaluator = previous._evaluator.over(snapshot)
        self._variants: dict[Path, Variants] = {}
        self._checker: Checker | None = None
        self._earlier_checker: Checker | None = (
            previous._checker or previous._earlier_checker if previous is not None else None
        )

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator, which other analyses of the workspace may have moved to another snapshot."""
        return self._evaluator.over(self.snapshot)

    def slots(self, path: Path, cancel: CancelToken = NEVER) -> Sequence[Slot]:
        """Every slot of a file without an annotation, in the order of the text. Raises UnreadableSource."""
        self.snapshot.text(path)
        with self.evaluator.memo.query(cancel):
            return list(Slots(self.evaluator, path).all(cancel))

    def type_at(self, path: Path, line: int, column: int, cancel: CancelToken = NEVER) -> Inferred | None:
        """The type of the innermost expression or definition at a position; None where there is none."""
        syntax = self.evaluator.modules.syntax(path)
        with self.evaluator.memo.query(cancel):
            for node in reversed(syntax.nodes_at(line, column)):
                if not isinstance(
                    node,
                    ast.expr | ast.arg | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.alias,
                ):
                    continue
                named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                if named and not syntax.name_span(node).contains(line, column):
                    return None
                try:
                    return self.evaluator.infer(path, node)
                except (Exhausted, RecursionError):
                    return Inferred(UNKNOWN, (), 0.0)
        return None

    def members_of(self, type: Type) -> Members:
        """Every member of a type."""
        return self.evaluator.members(type)

    def annotation(self, type: Type, path: Path) -> Annotation | None:
        """How the module at `path` would write a type; None where it cannot be spoken there."""
        return Spelling(self.evaluator, path).annotation(type)

    def variants(self, type: Type, path: Path) -> Sequence[Variant]:
        """What else people would write at `path` for values of a type: aliases, bases, abstractions."""
        found = self._variants.get(path)
        if found is None:
            found = self._variants[path] = Variants(self.evaluator, path)
        return list(found.of(type))

    def definition(
        self, path: Path, line: int, column: int, cancel: CancelToken = NEVER
    ) -> Sequence[Location]:
        """Where the symbol at a position is defined."""
        with self.evaluator.memo.query(cancel):
            return Navigator(self.evaluator, cancel).definition(path, line, column)

    def references(
        self, path: Path, line: int, column: int, cancel: CancelToken = NEVER
    ) -> Sequence[Location]:
        """Where the symbol at a position is used."""
        with self.evaluator.memo.query(cancel):
            return Navigator(self.evaluator, cancel).references(path, line, column)

    def members_at(self, path: Path, line: int, column: int, cancel: CancelToken = NEVER) -> Members | None:
        """The members of the receiver before the dot at a position."""
        with self.evaluator.memo.query(cancel):
            return Completion(self.evaluator, path, line, column).members()

    def names_at(self, path: Path, line: int, column: int, cancel: CancelToken = NEVER) -> Sequence[Member]:
        """The names in scope at a position."""
        with self.evaluator.memo.query(cancel):
            return Completion(self.evaluator, path, line, column).names()

    def call_at(self, path: Path, line: int, column: int, cancel: CancelToken = NEVER) -> CallContext | None:
        """The call around a position: its signatures and the parameter that is being written."""
        with self.evaluator.memo.query(cancel):
            return Completion(self.evaluator, path, line, column).call()

    def absent(self, path: Path, cancel: CancelToken = NEVER) -> Sequence[Absent]:
        """Members, imports and keyword arguments in a file that provably do not exist.

        Raises UnreadableSource.
        """
        self.snapshot.text(path)
        if self._checker is None:
            self._checker = Checker(self.snapshot, self._earlier_checker)
            self._earlier_checker = None
        return self._checker.check(path, cancel)
