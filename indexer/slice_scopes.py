"""The scopes of a module while it is being sliced: what is bound in them and what is done with each name."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

from .slice_features import shapes

SlotKind = Literal["return", "param", "variable"]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Notes = defaultdict[str, list[str]]

_RECEIVERS = frozenset({"self", "cls", "mcs", "mcls"})


def _empty() -> Notes:
    return defaultdict(list)


@dataclass(slots=True, eq=False)
class ClassNotes:
    """What the methods of a class do with the attributes of `self`, taken together."""

    name: str
    bases: tuple[str, ...]
    attributes: Notes = field(default_factory=_empty)
    # The scope in which an attribute is assigned first: there it is a slot.
    first: dict[str, Scope] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Binding:
    """Where a name is bound first, and what the binding itself says."""

    kind: SlotKind
    node: ast.AST
    annotation: ast.expr | None
    features: list[str]


@dataclass(slots=True, eq=False)
class Scope:
    """A function, a class body or the module. `receiver` is the method's own name for `self`."""

    path: tuple[str, ...]
    node: FunctionNode | ast.Lambda | ast.ClassDef | ast.Module
    parent: Scope | None
    cls: ClassNotes | None
    receiver: str = ""
    bindings: dict[str, Binding] = field(default_factory=dict)
    uses: Notes = field(default_factory=_empty)
    # What its return and yield statements say, and the names and callees that they give back.
    returned: list[str] = field(default_factory=list)
    returned_names: list[str] = field(default_factory=list)
    returned_calls: list[str] = field(default_factory=list)
    # Names that go on into attributes of self: (name, attribute).
    stored: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            self._bind_arguments(self.node.args)

    def _bind_arguments(self, arguments: ast.arguments) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        if self.cls is not None and positional and positional[0].arg in _RECEIVERS:
            self.receiver = positional[0].arg
        missing = len(positional) - len(arguments.defaults)
        rows: list[tuple[str, ast.arg, ast.expr | None]] = [
            ("positional", a, None) for a in positional[:missing]
        ]
        rows += [("positional", a, d) for a, d in zip(positional[missing:], arguments.defaults, strict=True)]
        rows += [("vararg", arguments.vararg, None)] if arguments.vararg else []
        rows += [("keyword", a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        rows += [("kwarg", arguments.kwarg, None)] if arguments.kwarg else []
        own = [row for row in rows if row[1].arg != self.receiver]
        for index, (kind, argument, default) in enumerate(own):
            features = [f"kind:{kind}", f"position:{min(index, 5)}"]
            features += [f"default:{shape}" for shape in shapes(default)] or ["default:absent"]
            self.bindings[argument.arg] = Binding("param", argument, argument.annotation, features)

    def notes(self, key: str) -> list[str]:
        """What is known of a name, or of `self.name` in all methods of the class."""
        name = key.removeprefix("self.")
        cls = self.instance[1]
        return cls.attributes[name] if key != name and cls is not None else self.uses[name]

    @property
    def class_name(self) -> str:
        """The class whose body this is, or whose method; '' elsewhere."""
        return self.cls.name if self.cls is not None else ""

    @property
    def instance(self) -> tuple[str, ClassNotes | None]:
        """The receiver that is in sight, the one of an enclosing method included, and its class."""
        scope: Scope | None = self
        while scope is not None:
            if scope.receiver:
                return scope.receiver, scope.cls
            scope = scope.parent
        return "", None
