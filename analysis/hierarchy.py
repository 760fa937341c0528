"""The shape of classes: bases, resolution order, type parameters, super-types, fields, enumerations."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition
from typewright.analysis.generics import Solution, substitute
from typewright.analysis.types import (
    NEVER,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    NoneType,
    SpecialForm,
    Super,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    declared_union,
    join,
    transform,
    walk,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_ENUM_METHODS = frozenset({"_ignore_", "__order__", "_order_", "__slots__"})

Ancestor = tuple[ClassDefinition, tuple[Type, ...]]


class Hierarchy:
    """Asks classes how they are made."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def bases(self, definition: ClassDefinition) -> tuple[Type, ...]:
        """The base classes as class objects; `Unknown` for what is not known."""
        return self.evaluator.memo.get(("bases", definition), lambda: self._bases(definition), ())

    def _bases(self, definition: ClassDefinition) -> tuple[Type, ...]:
        if definition.head is None:
            return definition.bases
        found: list[Type] = []
        reader = self.evaluator.activations.reader(definition.frame)
        for node in definition.head.bases:
            value = reader.evaluate(node.value if isinstance(node, ast.Subscript) else node)
            if isinstance(node, ast.Subscript) and isinstance(value, ClassObject):
                described = self.evaluator.annotations.evaluate(node, definition.frame)
                if isinstance(described, Instance):
                    value = ClassObject(described.definition, described.arguments)
                elif isinstance(described, Tuple):
                    value = ClassObject(described.definition, (join(*described.items),))
            if isinstance(value, SpecialForm) or isinstance(node, ast.Starred):
                continue
            if isinstance(value, Union):
                value = next((item for item in value.items if isinstance(item, ClassObject)), UNKNOWN)
            found.append(value if isinstance(value, ClassObject) else UNKNOWN)
        return tuple(found)

    def type_parameters(self, definition: ClassDefinition) -> tuple[TypeVariable, ...]:
        """The type variables of a generic class in order."""
        return self.evaluator.memo.get(
            ("type parameters", definition), lambda: self._type_parameters(definition), ()
        )

    def _type_parameters(self, definition: ClassDefinition) -> tuple[TypeVariable, ...]:
        if definition.head is None:
            return ()
        annotations = self.evaluator.annotations
        header = definition.scope.parent if definition.scope is not None else None
        if header is not None and header.kind == "type_parameters":
            made = [annotations.type_parameter(b[0], definition.frame) for b in header.bindings.values()]
            return tuple(t for t in made if isinstance(t, TypeVariable))
        found: list[TypeVariable] = []
        generic: list[TypeVariable] | None = None
        for node in definition.head.bases:
            if not isinstance(node, ast.Subscript):
                continue
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            types = [annotations.evaluate(part, definition.frame) for part in parts]
            inside = [t for type in types for t in walk(type) if isinstance(t, TypeVariable)]
            for part, type in zip(parts, types, strict=True):
                if isinstance(type, Unknown):
                    value = annotations.value(part, definition.frame)
                    if isinstance(value, TypeVariable):
                        inside.append(value)
            if annotations.value(node.value, definition.frame) in (
                SpecialForm("Generic"),
                SpecialForm("Protocol"),
            ):
                generic = [*(generic or ()), *inside]
            found.extend(inside)
        return tuple(dict.fromkeys(generic or found))

    def mro(self, definition: ClassDefinition) -> tuple[Ancestor, ...]:
        """The class and its ancestors in method resolution order, each with its type arguments."""
        own = (definition, self.type_parameters(definition))
        return self.evaluator.memo.get(("mro", definition), lambda: self._mro(definition), (own,))

    def _mro(self, definition: ClassDefinition) -> tuple[Ancestor, ...]:
        own: Ancestor = (definition, self.type_parameters(definition))
        bases = [base for base in self.bases(definition) if isinstance(base, ClassObject)]
        rows: list[list[Ancestor]] = []
        for base in bases:
            if base.definition is definition:
                continue
            parameters = self.type_parameters(base.definition)
            arguments = base.arguments or tuple(UNKNOWN for _ in parameters)
            solution: Solution = dict(zip(parameters, arguments, strict=False))
            rows.append(
                [
                    (d, tuple(substitute(a, solution, keep=True) for a in args))
                    for d, args in self.mro(base.definition)
                ]
            )
        if not rows and definition.qualified_name != "builtins.object":
            root = self.evaluator.class_named("object")
            rows.append([(root, ())])
        return (own, *_merge(rows))

    def has_unknown_base(self, definition: ClassDefinition) -> bool:
        """Whether members may come from a base that is not known."""
        return any(
            isinstance(base, Unknown) for ancestor, _ in self.mro(definition) for base in self.bases(ancestor)
        )

    def is_subclass(self, definition: ClassDefinition, other: ClassDefinition) -> bool:
        """Whether `other` is among the ancestors."""
        return any(ancestor is other for ancestor, _ in self.mro(definition))

    def absorbed(self, type: Type) -> Type:
        """A type without the alternatives whose base class is another alternative, at any depth."""
        return transform(type, self._without_subclasses)

    def _without_subclasses(self, type: Type) -> Type | None:
        if not isinstance(type, Union):
            return None
        above = {item.definition for item in type.items if isinstance(item, Instance) and not item.arguments}
        left = [
            item
            for item in type.items
            if not isinstance(item, Instance)
            or item.definition.module.name == "builtins"
            or not any(ancestor in above for ancestor, _ in self.mro(item.definition)[1:])
        ]
        return self.absorbed(declared_union(*left)) if len(left) < len(type.items) else None

    def is_protocol(self, definition: ClassDefinition) -> bool:
        """Whether the class is a protocol itself."""
        if definition.head is None:
            return False
        names = {
            getattr(b.value if isinstance(b, ast.Subscript) else b, "id", getattr(b, "attr", ""))
            for b in definition.head.bases
        }
        return "Protocol" in names or any(
            isinstance(b, ast.Subscript) and isinstance(b.value, ast.Attribute) and b.value.attr == "Protocol"
            for b in definition.head.bases
        )

    def protocol_members(self, definition: ClassDefinition) -> list[str]:
        """The names that a protocol asks for."""
        names: list[str] = []
        for ancestor, _ in self.mro(definition):
            if self.is_protocol(ancestor) and ancestor.scope is not None:
                names.extend(
                    n for n in ancestor.scope.bindings if n not in ("__slots__", "__hash__", "__doc__")
                )
        return list(dict.fromkeys(names))

    def is_enum(self, definition: ClassDefinition) -> bool:
        """Whether the class is an enumeration."""
        return any(a.qualified_name == "enum.Enum" for a, _ in self.mro(definition)[1:])

    def is_typed_dict(self, definition: ClassDefinition) -> bool:
        """Whether the class is a TypedDict."""
        if definition.head is None:
            return "__typed_dict__" in definition.members
        for ancestor, _ in self.mro(definition):
            for node in ancestor.head.bases if ancestor.head is not None else ():
                if getattr(node, "id", getattr(node, "attr", "")) in ("TypedDict", "_TypedDict"):
                    return ancestor.qualified_name != "typing._TypedDict"
        return False

    def self_type(self, definition: ClassDefinition) -> Instance:
        """The type of `self` in the class's own methods."""
        return Instance(definition, tuple(self.type_parameters(definition)))

    def class_of(self, type: Type) -> ClassDefinition | None:
        """The class of a value."""
        match type:
            case (
                Instance(definition=definition)
                | Literal(definition=definition)
                | Tuple(definition=definition)
            ):
                return definition
            case NoneType():
                return self.evaluator.class_named("types.NoneType")
            case TypeVariable(bound=bound) if bound is not None:
                return self.class_of(bound)
            case Function() | BoundMethod() | Callable():
                return self.evaluator.class_named("types.FunctionType")
            case ClassObject():
                return self.evaluator.class_named("type")
            case _:
                return None

    def supertype(self, type: Type, definition: ClassDefinition) -> tuple[Type, ...] | None:
        """The type arguments that a value has as an instance of `definition`; None if it is not one."""
        own = self.class_of(type)
        if own is None:
            return None
        for ancestor, arguments in self.mro(own):
            if ancestor is definition:
                solution = self.solution(type)
                return tuple(substitute(argument, solution) for argument in arguments)
        if isinstance(type, ClassObject):
            return self._metaclass_supertype(type, definition)
        return None

    def _metaclass_supertype(self, type: ClassObject, definition: ClassDefinition) -> tuple[Type, ...] | None:
        if definition.name in ("Iterable", "Container", "Collection", "Reversible") and self.is_enum(
            type.definition
        ):
            return (Instance(type.definition),)
        return None

    def solution(self, type: Type) -> Solution:
        """What the type parameters of a value's class stand for."""
        own = self.class_of(type)
        if own is None:
            return {}
        parameters = self.type_parameters(own)
        match type:
            case Instance(arguments=arguments) if arguments:
                solution: Solution = dict(zip(parameters, arguments, strict=False))
            case Tuple(items=items):
                solution = dict.fromkeys(parameters, join(*items) if items else NEVER)
            case _:
                solution = {p: p.default if p.default is not None else UNKNOWN for p in parameters}
        return solution

    def receiver_solution(self, receiver: Type, owner: ClassDefinition | None) -> Solution:
        """What the type variables of `owner`, and `Self`, stand for in a method called on `receiver`."""
        value = (
            Instance(receiver.definition, receiver.arguments)
            if isinstance(receiver, ClassObject)
            else receiver
        )
        if isinstance(value, Super):
            value = value.receiver
            value = Instance(value.definition, value.arguments) if isinstance(value, ClassObject) else value
        solution: Solution = {TypeVariable("Self", "Self", ""): value}
        own = self.class_of(value)
        if own is None or owner is None:
            return solution
        mine = self.solution(value)
        for ancestor, arguments in self.mro(own):
            if ancestor is owner:
                for parameter, argument in zip(self.type_parameters(owner), arguments, strict=False):
                    solution[parameter] = substitute(argument, mine, keep=True)
                break
        return solution

    def enum_members(self, definition: ClassDefinition) -> list[str]:
        """The names of an enumeration's members in order."""
        names: list[str] = []
        for name, bindings in definition.scope.bindings.items() if definition.scope is not None else ():
            plain = all(
                b.kind == "assignment" and not isinstance(b.statement, ast.AnnAssign) for b in bindings
            )
            declared = definition.module.origin == "stub" and all(
                isinstance(b.statement, ast.AnnAssign) for b in bindings
            )
            private = name.startswith("_") and (name.endswith("_") or name.startswith("__"))
            if (plain or declared) and not private and name not in _ENUM_METHODS:
                names.append(name)
        return names or [n for n in definition.members if not n.startswith("_")]

    def metaclass(self, definition: ClassDefinition) -> ClassDefinition:
        """The class of a class."""
        for ancestor, _ in self.mro(definition):
            for keyword in ancestor.head.keywords if ancestor.head is not None else ():
                if keyword.arg == "metaclass":
                    value = self.evaluator.activations.reader(ancestor.frame).evaluate(keyword.value)
                    if isinstance(value, ClassObject):
                        return value.definition
        return self.evaluator.class_named("type")

    def fields(
        self, definition: ClassDefinition
    ) -> list[tuple[str, ast.expr | None, ast.expr | None, ClassDefinition]]:
        """Annotated names of a class body, ancestors first: name, annotation, default, class."""
        found: dict[str, tuple[str, ast.expr | None, ast.expr | None, ClassDefinition]] = {}
        for ancestor, _ in reversed(self.mro(definition)):
            if ancestor.written is None or ancestor.module.origin == "stub":
                continue
            for statement in ancestor.node.body:  # type: ignore[union-attr]
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    name = statement.target.id
                    found[name] = (name, statement.annotation, statement.value, ancestor)
        return list(found.values())


def _merge(rows: list[list[Ancestor]]) -> list[Ancestor]:
    """C3 linearisation of the ancestors' orders; inconsistent ones are taken as they come."""
    rows = [row for row in ([*row] for row in rows) if row]
    if len(rows) > 1:
        rows.append([row[0] for row in rows])
    result: list[Ancestor] = []
    while rows:
        for row in rows:
            head = row[0]
            if not any(any(other[0] is head[0] for other in rest[1:]) for rest in rows):
                break
        else:
            head = rows[0][0]
        result.append(head)
        rows = [rest for rest in ([a for a in row if a[0] is not head[0]] for row in rows) if rest]
    return result
