"""What types refer to by identity: modules, classes and functions as written, and activations of scopes."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis.scopes import Scope, Scopes

if TYPE_CHECKING:
    from typewright.analysis.types import Type

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ModuleOrigin = Literal["workspace", "stub", "library"]


@dataclass(slots=True, eq=False)
class ModuleDefinition:
    """A module that was read. `stub` modules declare, `library` modules are source that is not the user's."""

    name: str
    path: Path
    origin: ModuleOrigin
    is_package: bool
    tree: ast.Module
    scopes: Scopes
    bit: int = 0
    frame: Frame = field(init=False)
    functions: dict[ast.AST, FunctionDefinition] = field(default_factory=dict)
    classes: dict[ast.AST, ClassDefinition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.frame = Frame(self.scopes.module, self, None, (self.name, str(self.path)))

    @property
    def package(self) -> str:
        """The package that relative imports in this module start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(slots=True, eq=False)
class FunctionDefinition:
    """A `def`, `async def` or lambda. `owner` is the class whose body it stands in."""

    node: FunctionNode
    module: ModuleDefinition
    scope: Scope
    owner: ClassDefinition | None

    @property
    def name(self) -> str:
        """The name after `def`, or `<lambda>`."""
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def qualified_name(self) -> str:
        """Module and dotted scope."""
        return f"{self.module.name}.{self.scope.qualified_name or self.name}"

    @property
    def decorators(self) -> list[ast.expr]:
        """The decorators, outermost first."""
        return [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list

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
    """A class: written (`node` and the `frame` around it) or made by a call (`bases` and `members`)."""

    name: str
    module: ModuleDefinition
    frame: Frame
    node: ast.ClassDef | None
    scope: Scope | None
    bases: tuple[Type, ...] = ()
    members: dict[str, Type] = field(default_factory=dict)
    body: Frame | None = None

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

    Frames are equal when scope, arguments and surrounding frame are. `environment` holds the names while
    the scope runs and afterwards; it is None before, and for scopes that are read by declaration only.
    """

    __slots__ = ("_hash", "depth", "environment", "function", "key", "module", "owner", "parent", "scope")

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
        self.owner, self.function = owner, function
        self.key: tuple[object, ...] = (scope, arguments, parent.key if parent is not None else None)
        self._hash = hash(self.key)
        self.environment: Environment | None = None
        self.depth: int | None = None  # of the computation that runs it now

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Frame) and self._hash == other._hash and self.key == other.key
        )

    def __hash__(self) -> int:
        return self._hash

    @property
    def running(self) -> bool:
        """Whether the scope is being interpreted right now."""
        return self.depth is not None
