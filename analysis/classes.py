"""Classes: their bases and order, their members, and what `receiver.name` is."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, ModuleDefinition
from typewright.analysis.generics import Solution, substitute
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    Module,
    NoneType,
    Partial,
    SpecialForm,
    Super,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    Wrapped,
    join,
    known,
    walk,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_ENUM_METHODS = frozenset({"_ignore_", "__order__", "_order_", "__slots__"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """A member: its type on the receiver, the class that has it, and the node that defines it."""

    name: str
    type: Type
    owner: ClassDefinition | None
    module: ModuleDefinition | None
    node: ast.AST | None


Ancestor = tuple[ClassDefinition, tuple[Type, ...]]


class Classes:
    """Asks classes for what they have."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    # The shape of a class.

    def bases(self, definition: ClassDefinition) -> tuple[Type, ...]:
        """The base classes as class objects; `Unknown` for what is not known."""
        return self.evaluator.memo.get(("bases", definition), lambda: self._bases(definition), ())

    def _bases(self, definition: ClassDefinition) -> tuple[Type, ...]:
        if definition.node is None:
            return definition.bases
        found: list[Type] = []
        reader = self.evaluator.activations.reader(definition.frame)
        for node in definition.node.bases:
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
        if definition.node is None:
            return ()
        annotations = self.evaluator.annotations
        header = definition.scope.parent if definition.scope is not None else None
        if header is not None and header.kind == "type_parameters":
            made = [annotations.type_parameter(b[0], definition.frame) for b in header.bindings.values()]
            return tuple(t for t in made if isinstance(t, TypeVariable))
        found: list[TypeVariable] = []
        generic: list[TypeVariable] | None = None
        for node in definition.node.bases:
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

    def is_protocol(self, definition: ClassDefinition) -> bool:
        """Whether the class is a protocol itself."""
        if definition.node is None:
            return False
        names = {
            getattr(b.value if isinstance(b, ast.Subscript) else b, "id", getattr(b, "attr", ""))
            for b in definition.node.bases
        }
        return "Protocol" in names or any(
            isinstance(b, ast.Subscript) and isinstance(b.value, ast.Attribute) and b.value.attr == "Protocol"
            for b in definition.node.bases
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
        if definition.node is None:
            return "__typed_dict__" in definition.members
        for ancestor, _ in self.mro(definition):
            for node in ancestor.node.bases if ancestor.node is not None else ():
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

    # Members.

    def own_member(self, definition: ClassDefinition, name: str) -> Type | None:
        """What the class's own body binds a name to; None where it does not."""
        made = definition.members.get(name)
        if made is not None:
            return made
        body = definition.body
        if body is None:
            return None
        key = ("member", definition, name)
        return self.evaluator.memo.get(key, lambda: self.evaluator.names.settled(body, name), None)

    def find(
        self, definition: ClassDefinition, name: str, after: ClassDefinition | None = None
    ) -> tuple[Ancestor, Type] | None:
        """The first class in resolution order, behind `after`, whose body binds `name`, and the value."""
        behind = after is None
        for ancestor in self.mro(definition):
            if behind:
                found = self.own_member(ancestor[0], name)
                if found is not None:
                    return ancestor, found
            elif ancestor[0] is after:
                behind = True
        return None

    def attribute(self, receiver: Type, name: str) -> Type | None:
        """What `receiver.name` is; None where there is no such member."""
        match receiver:
            case Unknown():
                return UNKNOWN
            case Union(items=items):
                found = [self.attribute(item, name) for item in items]
                present = [type for type in found if type is not None]
                return join(*present) if present else None
            case Instance(definition=definition):
                field = receiver.element(name) if "__fields__" in definition.members else None
                return field if field is not None else self._of_instance(receiver, definition, name)
            case Literal(definition=definition) if definition.module.name != "builtins":
                return self._of_enum_member(receiver, name)
            case Literal(definition=definition):
                return self._of_instance(Instance(definition), definition, name)
            case Tuple(definition=definition):
                return self._of_instance(receiver, definition, name)
            case ClassObject():
                return self._of_class(receiver, name)
            case Module(definition=module):
                found_in_module = self.evaluator.modules.member(module, name)
                if found_in_module is None:
                    return self._of_instance(receiver, self.evaluator.class_named("types.ModuleType"), name)
                return found_in_module
            case Super(definition=definition, receiver=inner):
                return self._of_super(definition, inner, name)
            case TypeVariable(bound=bound, constraints=constraints):
                if constraints:
                    return self.attribute(join(*constraints), name)
                return self.attribute(bound, name) if bound is not None else UNKNOWN
            case Function() | BoundMethod() | Callable():
                if isinstance(receiver, BoundMethod) and name in ("__self__", "__func__"):
                    return receiver.receiver if name == "__self__" else receiver.function
                return self._of_function(receiver, name)
            case Partial(function=function):
                return function if name == "func" else UNKNOWN
            case NoneType():
                return self._of_instance(receiver, self.evaluator.class_named("types.NoneType"), name)
            case _:
                return UNKNOWN if not isinstance(receiver, Wrapped) else None

    def lookup(self, receiver: Type, name: str) -> Attribute | None:
        """A member with the place that defines it."""
        type = self.attribute(receiver, name)
        if type is None:
            return None
        if isinstance(receiver, Module):
            module = receiver.definition
            bindings = module.scopes.module.bindings.get(name)
            return Attribute(name, type, None, module, bindings[-1].node if bindings else None)
        if isinstance(receiver, Union):
            return next((a for a in (self.lookup(i, name) for i in receiver.items) if a is not None), None)
        definition = (
            receiver.definition if isinstance(receiver, ClassObject | Super) else self.class_of(receiver)
        )
        for ancestor, _ in self.mro(definition) if definition is not None else ():
            if isinstance(receiver, Super) and ancestor is receiver.definition:
                continue
            bindings = ancestor.scope.bindings.get(name) if ancestor.scope is not None else None
            if bindings:
                return Attribute(name, type, ancestor, ancestor.module, bindings[-1].node)
            stores = self.evaluator.activations.attribute_stores(ancestor).get(name)
            if stores:
                return Attribute(name, type, ancestor, ancestor.module, stores[0][1])
        return Attribute(name, type, definition, None, None)

    def _of_instance(self, receiver: Type, definition: ClassDefinition, name: str) -> Type | None:
        if name == "__class__":
            return ClassObject(definition)
        found = self.find(definition, name)
        if found is not None:
            (owner, _), value = found
            if isinstance(value, Function | Wrapped) or (
                owner.scope is not None and self._is_declared(owner, name)
            ):
                return self.bind(value, receiver, owner)
        assigned = [
            type
            for ancestor, _ in self.mro(definition)
            for type in [self.evaluator.activations.assigned_attribute(ancestor, name)]
            if type is not None
        ]
        if found is not None:
            assigned.insert(0, self.bind(found[1], receiver, found[0][0]))
        if assigned:
            type = join(*assigned)
            return (
                substitute(type, self.solution(receiver), keep=True)
                if isinstance(receiver, Instance)
                else type
            )
        fallback = self.find(definition, "__getattr__")
        if fallback is not None and fallback[0][0].qualified_name != "builtins.object":
            method = self.bind(fallback[1], receiver, fallback[0][0])
            return self.evaluator.calls.call_with(method, self.evaluator.instance("str"))
        return UNKNOWN if self.has_unknown_base(definition) else None

    def _of_function(self, receiver: Type, name: str) -> Type | None:
        found = self._of_instance(receiver, self.evaluator.class_named("types.FunctionType"), name)
        if found is None and isinstance(receiver, Function | BoundMethod):
            inner = receiver.function if isinstance(receiver, BoundMethod) else receiver
            if isinstance(inner, Function) and inner.definition.decorators:  # `functools.cache` and the like
                cached = self.evaluator.instance("functools._lru_cache_wrapper", UNKNOWN)
                return self._of_instance(cached, cached.definition, name)
        return found

    @staticmethod
    def _is_declared(owner: ClassDefinition, name: str) -> bool:
        bindings = owner.scope.bindings.get(name, ()) if owner.scope is not None else ()
        return any(isinstance(b.statement, ast.AnnAssign) for b in bindings)

    def _of_enum_member(self, receiver: Literal, name: str) -> Type | None:
        if name in ("value", "_value_"):
            raw = self.own_member(receiver.definition, str(receiver.value))
            if raw is not None and self.find(receiver.definition, name) is not None:
                (owner, _), _ = self.find(receiver.definition, name) or ((receiver.definition, ()), UNKNOWN)
                if owner.module.name == "enum":
                    return self._enum_value(raw)
        if name in ("name", "_name_"):
            return self.evaluator.literal(str(receiver.value))
        return self._of_instance(Instance(receiver.definition), receiver.definition, name)

    def _enum_value(self, raw: Type) -> Type:
        if isinstance(raw, Instance) and raw.definition.qualified_name == "enum.auto":
            return self.evaluator.instance("int")
        return raw

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

    def _of_class(self, receiver: ClassObject, name: str) -> Type | None:
        definition = receiver.definition
        if self.is_enum(definition) and name in self.enum_members(definition):
            return Literal(definition, name)
        found = self.find(definition, name)
        if found is not None and not (found[0][0].qualified_name == "builtins.object" and name == "__init__"):
            (owner, _), value = found
            return self._bind_to_class(value, receiver, owner)
        if name == "__name__" or name == "__qualname__" or name == "__module__":
            return self.evaluator.instance("str")
        meta = self.metaclass(definition)
        found = self.find(meta, name)
        if found is not None:
            return self.bind(found[1], receiver, found[0][0])
        assigned = self.evaluator.activations.assigned_attribute(definition, name)
        if assigned is not None:
            return assigned
        return UNKNOWN if self.has_unknown_base(definition) else None

    def metaclass(self, definition: ClassDefinition) -> ClassDefinition:
        """The class of a class."""
        for ancestor, _ in self.mro(definition):
            for keyword in ancestor.node.keywords if ancestor.node is not None else ():
                if keyword.arg == "metaclass":
                    value = self.evaluator.activations.reader(ancestor.frame).evaluate(keyword.value)
                    if isinstance(value, ClassObject):
                        return value.definition
        return self.evaluator.class_named("type")

    def _bind_to_class(self, value: Type, receiver: ClassObject, owner: ClassDefinition) -> Type:
        match value:
            case Function(definition=function) if function.is_class_method:
                return BoundMethod(value, receiver)
            case Wrapped(kind="classmethod", function=function):
                return BoundMethod(function, receiver)
            case Wrapped(kind="staticmethod", function=function):
                return function
            case Function() | Wrapped() | Callable():
                return value
            case _:
                return substitute(value, self.receiver_solution(receiver, owner), keep=True)

    def _of_super(self, definition: ClassDefinition, receiver: Type, name: str) -> Type | None:
        own = receiver.definition if isinstance(receiver, ClassObject) else self.class_of(receiver)
        if own is None:
            return UNKNOWN
        if not self.is_subclass(own, definition):
            own = definition
        found = self.find(own, name, after=definition)
        if found is None:
            return UNKNOWN if self.has_unknown_base(own) else None
        (owner, _), value = found
        if isinstance(receiver, ClassObject):
            return self._bind_to_class(value, receiver, owner)
        return self.bind(value, receiver, owner)

    def bind(self, value: Type, receiver: Type, owner: ClassDefinition) -> Type:
        """What a class's attribute becomes when it is read through an instance: the descriptor protocol."""
        match value:
            case Function(definition=function) if function.is_class_method:
                return BoundMethod(value, self._class_object(receiver))
            case Function(definition=function) if function.is_static and function.name != "__new__":
                return value
            case Function():
                return BoundMethod(value, receiver)
            case Callable(origin=origin):
                return (
                    BoundMethod(value, receiver)
                    if owner.module.origin != "stub" or origin is not None
                    else value
                )
            case Wrapped(kind="classmethod", function=function):
                return BoundMethod(function, self._class_object(receiver))
            case Wrapped(kind="staticmethod", function=function):
                return function
            case Wrapped(function=function):
                return self.evaluator.calls.call_with(BoundMethod(function, receiver))
            case Instance(definition=definition):
                getter = self.find(definition, "__get__")
                if getter is not None and not isinstance(receiver, Module):
                    method = self.bind(getter[1], value, getter[0][0])
                    result = self.evaluator.calls.call_with(method, receiver, self._class_object(receiver))
                    if known(result) != NEVER:
                        return result
                return substitute(value, self.receiver_solution(receiver, owner), keep=True)
            case Union(items=items):
                return join(*(self.bind(item, receiver, owner) for item in items))
            case _:
                return substitute(value, self.receiver_solution(receiver, owner), keep=True)

    def _class_object(self, receiver: Type) -> Type:
        if isinstance(receiver, ClassObject):
            return receiver
        own = self.class_of(receiver)
        if own is None:
            return UNKNOWN
        return ClassObject(own, receiver.arguments if isinstance(receiver, Instance) else ())

    def fields(
        self, definition: ClassDefinition
    ) -> list[tuple[str, ast.expr | None, ast.expr | None, ClassDefinition]]:
        """Annotated names of a class body, ancestors first: name, annotation, default, class."""
        found: dict[str, tuple[str, ast.expr | None, ast.expr | None, ClassDefinition]] = {}
        for ancestor, _ in reversed(self.mro(definition)):
            if ancestor.node is None or ancestor.module.origin == "stub":
                continue
            for statement in ancestor.node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    name = statement.target.id
                    found[name] = (name, statement.annotation, statement.value, ancestor)
        return list(found.values())

    def _stub_truth(self, definition: ClassDefinition) -> bool | None:
        """Instances of a class with neither `__bool__` nor `__len__` are true."""
        if definition.name == "object" or self.is_protocol(definition) or self.has_unknown_base(definition):
            return None
        sized = self.find(definition, "__bool__") or self.find(definition, "__len__")
        return None if sized is not None or definition.name == "type" else True

    def is_truthy(self, type: Type) -> bool | None:
        """Whether a value counts as true; None where that depends."""
        match type:
            case NoneType():
                return False
            case Literal(definition=definition, value=value) if definition.module.name == "builtins":
                return bool(value)
            case Tuple(items=items) if type.definition.name == "tuple":
                return bool(items)
            case Function() | ClassObject() | Module() | BoundMethod():
                return True
            case Instance(definition=definition) if definition.module.origin == "stub":
                return self._stub_truth(definition)
            case _:
                return None


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


__all__ = ["NONE", "Attribute", "Classes"]
