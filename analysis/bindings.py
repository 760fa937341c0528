"""What a walk over a module finds: scopes and the bindings in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from typewright.analysis.inputs import ScopeInputs

ScopeKind = Literal["module", "class", "function", "lambda", "comprehension", "type_parameters"]
BindingKind = Literal[
    "parameter",
    "assignment",
    "declaration",  # an annotation without a value
    "augmented",
    "import",
    "function",
    "class",
    "for",
    "with",
    "except",
    "match",
    "walrus",
    "delete",
    "type_parameter",
    "type_alias",
]


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One place that binds a name.

    `node` carries the name (a `Name`, `arg`, `alias`, definition, `ExceptHandler`, pattern or type
    parameter); `statement` is the statement, comprehension, lambda or walrus that binds it; `scope`
    is where that stands, which `global` and `nonlocal` make differ from the scope that owns the name.
    """

    name: str
    kind: BindingKind
    node: ast.AST
    statement: ast.AST
    scope: Scope


@dataclass(slots=True, eq=False)
class Scope:
    """A region with names of its own. `bindings` are in textual order, those by `global` last.

    `given` are its bindings that belong to another scope, by `global` and `nonlocal`, with that scope.
    `inputs` is there where the module may be edited (`Scopes.update`).
    """

    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    name: str
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    uses: dict[str, list[ast.Name]] = field(default_factory=dict)
    children: list[Scope] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    given: list[tuple[Scope, Binding]] = field(default_factory=list)
    inputs: ScopeInputs | None = None

    @property
    def qualified_name(self) -> str:
        """The dotted name within the module: `Class.method`, '' for the module itself."""
        names = [s.name for s in (self, *self.ancestors()) if s.kind in ("class", "function")]
        return ".".join(reversed(names))

    def ancestors(self) -> Iterator[Scope]:
        """The scopes around this one, innermost first, whether their names are visible or not."""
        scope = self.parent
        while scope is not None:
            yield scope
            scope = scope.parent

    def visible(self) -> Iterator[Scope]:
        """The scopes in which a name used here is looked up, in that order.

        A class's names are visible in its own body, and to type parameters and annotations that stand
        directly in it, but not in its methods and comprehensions.
        """
        yield self
        directly = self.kind == "type_parameters"
        for scope in self.ancestors():
            if scope.kind != "class" or directly:
                yield scope
            directly = directly and scope.kind == "type_parameters"

    def enclosing(self, *kinds: ScopeKind) -> Scope | None:
        """The innermost scope of one of these kinds, this one included."""
        return next((scope for scope in (self, *self.ancestors()) if scope.kind in kinds), None)
