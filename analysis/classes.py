"""Classes: their bases and order, their members, and what `receiver.name` is."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, ModuleDefinition
from typewright.analysis.generics import substitute
from typewright.analysis.hierarchy import Ancestor, Hierarchy
from typewright.analysis.types import (
    NEVER,
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
    Super,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    Wrapped,
    join,
    known,
)

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Attribute:
    """A member: its type on the receiver, the class that has it, and the node that defines it."""

    name: str
    type: Type
    owner: ClassDefinition | None
    module: ModuleDefinition | None
    node: ast.AST | None


class Classes(Hierarchy):
    """Asks classes for what they have."""

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
            stores = self.evaluator.attributes.stores(ancestor).get(name)
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
            for type in [self.evaluator.attributes.assigned(ancestor, name)]
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
        assigned = self.evaluator.attributes.assigned(definition, name)
        if assigned is not None:
            return assigned
        return UNKNOWN if self.has_unknown_base(definition) else None

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
