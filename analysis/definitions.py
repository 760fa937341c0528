"""What types refer to by identity: modules, classes and functions as written, and activations of scopes."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis.mentions import Mentions
from typewright.analysis.scopes import Scope, Scopes

if TYPE_CHECKING:
    from typewright.analysis.types import Type

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ModuleOrigin = Literal["workspace", "stub", "library"]


@dataclass(slots=True, eq=False)
class ModuleDefinition:
    """A module that was read. `stub` modules declare, `library` modules are source that is not the user's.

    A module of the workspace stays the same object over edits, as its definitions do: their contents change.
    """

    name: str
    path: Path
    origin: ModuleOrigin
    is_package: bool
    tree: ast.Module
    scopes: Scopes
    mentions: Mentions = field(init=False)
    frame: Frame = field(init=False)
    functions: dict[ast.AST, FunctionDefinition] = field(default_factory=dict)
    classes: dict[ast.AST, ClassDefinition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.frame = Frame(self.scopes.module, self, None, None)
        self.mentions = Mentions(self.tree, self.scopes)

    def read(self) -> None:
        """Notes that the module's own statements are read."""
        read_own(self.scopes.module)

    @property
    def package(self) -> str:
        """The package that relative imports in this module start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(slots=True, eq=False)
class FunctionDefinition:
    """A `def`, `async def` or lambda. `owner` is the class whose body it stands in.

    Who reads only its decorators, parameters and annotations takes `head`, which an edit of its body leaves.
    """

    written: FunctionNode
    module: ModuleDefinition
    scope: Scope
    owner: ClassDefinition | None
    frames: dict[tuple[Frame, Hashable], Frame] = field(default_factory=dict)

    @property
    def node(self) -> FunctionNode:
        """The definition with its body."""
        read_own(self.scope)
        return self.written

    @property
    def head(self) -> FunctionNode:
        """The definition without its body."""
        read_head(self.scope)
        return self.written

    @property
    def name(self) -> str:
        """The name after `def`, or `<lambda>`."""
        return "<lambda>" if isinstance(self.written, ast.Lambda) else self.written.name

    @property
    def qualified_name(self) -> str:
        """Module and dotted scope."""
        return f"{self.module.name}.{self.scope.qualified_name or self.name}"

    @property
    def decorators(self) -> list[ast.expr]:
        """The decorators, outermost first."""
        head = self.head
        return [] if isinstance(head, ast.Lambda) else head.decorator_list

    @property
    def is_static(self) -> bool:
        """Whether the first parameter is an ordinary one although this stands in a class."""
        return self.name == "__new__" or any(
            isinstance(d, ast.Name) and d.id == "staticmethod" for d in self.decorators
        )

    @property
    def is_class_method(self) -> bool:
        """Whether the first parameter is the class."""
        named = any(isinstance(d, ast.Name) and d.id == "classmethod" for d in self.decorators)
        return named or self.name in ("__init_subclass__", "__class_getitem__")


@dataclass(slots=True, eq=False)
class ClassDefinition:
    """A class: written (`node` and the `frame` around it) or made by a call (`bases` and `members`).

    Who reads only its decorators and bases takes `head`, which an edit of its body leaves.
    """

    name: str
    module: ModuleDefinition
    frame: Frame
    written: ast.ClassDef | None
    scope: Scope | None
    bases: tuple[Type, ...] = ()
    members: dict[str, Type] = field(default_factory=dict)
    body: Frame | None = None

    @property
    def node(self) -> ast.ClassDef | None:
        """The definition with its body; None where it is not written."""
        if self.scope is not None:
            read_own(self.scope)
        return self.written

    @property
    def head(self) -> ast.ClassDef | None:
        """The definition without its body; None where it is not written."""
        if self.scope is not None:
            read_head(self.scope)
        return self.written

    @property
    def display_name(self) -> str:
        """The name within its module: `Outer.Inner`, but a local class without its functions."""
        if self.scope is None:
            return self.name
        names = [self.name]
        for scope in self.scope.ancestors():
            if scope.kind == "class":
                names.append(scope.name)
            elif scope.kind == "function":
                break
        return ".".join(reversed(names))

    @property
    def qualified_name(self) -> str:
        """Module and dotted scope."""
        return f"{self.module.name}.{self.scope.qualified_name if self.scope else self.name}"


class Environment:
    """What names and references hold at one point.

    `facts` are references with dots and literal subscripts (`self.x`, `d['a']`) as they were last assigned
    or narrowed.
    """

    __slots__ = ("facts", "names")

    def __init__(self, names: dict[str, Type] | None = None, facts: dict[str, Type] | None = None) -> None:
        self.names = names if names is not None else {}
        self.facts = facts if facts is not None else {}

    def copy(self) -> Environment:
        """An independent copy."""
        return Environment(dict(self.names), dict(self.facts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Environment) and self.names == other.names and self.facts == other.facts

    __hash__ = None  # type: ignore[assignment]

    def forget(self, reference: str) -> None:
        """Drops what is known below a reference that was rebound."""
        below = (reference + ".", reference + "[")
        for key in [key for key in self.facts if key.startswith(below)]:
            del self.facts[key]


class Frame:
    """An activation of a scope: a module, a class body, or a function with certain arguments.

    There is one frame for a scope, arguments and surrounding frame (`frame_of`). `environment` holds the
    names while the scope runs and afterwards; it is None before, and for scopes that are read by declaration
    only.
    """

    __slots__ = ("arguments", "depth", "environment", "function", "module", "owner", "parent", "scope")

    def __init__(
        self,
        scope: Scope,
        module: ModuleDefinition,
        parent: Frame | None,
        arguments: Hashable,
        *,
        owner: ClassDefinition | None = None,
        function: FunctionDefinition | None = None,
    ) -> None:
        self.scope, self.module, self.parent = scope, module, parent
        self.arguments = arguments
        self.owner, self.function = owner, function
        self.environment: Environment | None = None
        self.depth: int | None = None  # of the computation that runs it now

    @property
    def running(self) -> bool:
        """Whether the scope is being interpreted right now."""
        return self.depth is not None

    def holds(self, name: str) -> object:
        """What a name of the scope holds right now, None where it holds nothing yet."""
        return self.environment.names.get(name) if self.environment is not None else None


def frame_of(function: FunctionDefinition, parent: Frame, arguments: Hashable) -> Frame:
    """The frame of a function that was defined in `parent`, for arguments (None: for all known callers)."""
    frames = function.frames
    key = (parent, arguments)
    found = frames.get(key)
    if found is None:
        found = frames[key] = Frame(function.scope, function.module, parent, arguments, function=function)
    return found


def read_own(scope: Scope) -> None:
    """Notes that the statements of a scope are read."""
    if scope.inputs is not None:
        scope.inputs.tracker.depend(scope.inputs.own)


def read_head(scope: Scope) -> None:
    """Notes that the head of a definition is read."""
    if scope.inputs is not None:
        scope.inputs.tracker.depend(scope.inputs.head)


def read_deep(scope: Scope) -> None:
    """Notes that the statements of a scope and of all scopes in it are read."""
    read_own(scope)
    for inner in scope.children:
        read_deep(inner)


def read_inside(scope: Scope) -> None:
    """Notes that it is read which scopes there are in a module."""
    if scope.inputs is not None:
        scope.inputs.tracker.depend(scope.inputs.inside)


def read_stars(scope: Scope) -> None:
    """Notes that a scope's star imports are read."""
    if scope.inputs is not None:
        scope.inputs.tracker.depend(scope.inputs.stars)
