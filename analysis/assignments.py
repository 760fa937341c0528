"""What assignments and mutating methods do to names, references and containers."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from typewright.analysis.arguments import Arguments
from typewright.analysis.definitions import Environment, Frame, FunctionDefinition
from typewright.analysis.operators import Operators
from typewright.analysis.references import grown, reference
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    BoundMethod,
    Instance,
    Never,
    Type,
    Wrapped,
    alternatives,
    join,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


class Assignments(ABC):
    """Binds targets in an environment; expressions are evaluated by the class that knows how."""

    def __init__(self, evaluator: Evaluator, frame: Frame, types: dict[ast.AST, Type] | None = None) -> None:
        self.evaluator = evaluator
        self.frame = frame
        self.types = types
        self.environment = frame.environment if frame.environment is not None else Environment()
        self.growth: dict[object, Type] = {}
        self.stores: dict[ast.AST, Type] = {}
        self.observations: dict[tuple[ast.AST | None, FunctionDefinition], dict[str, Type]] = {}
        self.operators = Operators(evaluator)

    def observe(self, function: FunctionDefinition, bound: dict[str, Type], node: ast.AST | None) -> None:
        """Notes that a call with these arguments reaches a function."""
        self.observations[node, function] = bound

    def fill(self, growth: Mapping[object, Type]) -> None:
        """Takes over what a call has put into containers, by the sites that made them."""
        for site, type in growth.items():
            self.growth[site] = join(self.growth.get(site, NEVER), type)

    @abstractmethod
    def evaluate(self, node: ast.expr) -> Type:
        """The type of an expression here and now."""

    def index(self, node: ast.expr) -> Type:
        """The type of what stands between brackets."""
        if isinstance(node, ast.Slice):
            bounds = [
                self.evaluate(part) if part is not None else NONE
                for part in (node.lower, node.upper, node.step)
            ]
            self.operators.last_slice = tuple(bounds)
            return self.evaluator.instance("slice")
        return self.evaluate(node)

    def quietly(self, node: ast.expr) -> Type:
        """Evaluates without recording or observing."""
        types, observations = self.types, self.observations
        self.types, self.observations = None, {}
        try:
            return self.evaluate(node)
        finally:
            self.types, self.observations = types, observations

    def mutate(self, target: ast.Attribute, arguments: Arguments) -> None:
        """A method that puts something into a container whose elements are still open."""
        container = self.types.get(target.value) if self.types is not None else None
        if container is None:
            container = self.quietly(target.value)
        changed = join(
            *(grown(self.operators, item, target.attr, arguments) for item in alternatives(container))
        )
        # An open container is stored even if nothing is new in it: in a cycle, `container` may stand for what
        # this very store brought in the round before.
        if changed != container or (isinstance(changed, Instance) and changed.sites):
            self.store(target.value, changed)

    def store(self, target: ast.expr, type: Type) -> None:
        """Replaces what a reference holds; elements change the container they lie in."""
        for item in alternatives(type):
            if isinstance(item, Instance):
                for site in item.sites:
                    self.growth[site] = join(self.growth.get(site, NEVER), item)
        match target:
            case ast.Name(id=name) if name in self.environment.names:
                self.environment.names[name] = type
            case ast.Attribute():
                key = reference(target)
                if key is not None:
                    self.environment.facts[key] = type
                self.stored_attribute(target, type)
            case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
                self.store_item(value, self.quietly(index), type)
            case ast.Call(func=ast.Attribute(value=value, attr="setdefault" | "get"), args=[key_node, *_]):
                self.store_item(value, self.quietly(key_node), type)
            case _:
                pass

    def store_item(self, container_node: ast.expr, index: Type, type: Type) -> None:
        """What `container[index] = value` does to the container."""
        container = self.quietly(container_node)
        arguments = Arguments((index, type))
        self.operators.set_item(container, arguments)
        changed = join(
            *(grown(self.operators, item, "__setitem__", arguments) for item in alternatives(container))
        )
        if changed != container or (isinstance(changed, Instance) and (changed.elements or changed.sites)):
            self.store(container_node, changed)

    def stored_attribute(self, target: ast.Attribute, type: Type) -> None:
        """Records what an attribute was assigned or filled with."""
        before = self.stores.get(target)
        self.stores[target] = type if before is None else join(before, type)

    def bind(self, target: ast.expr, type: Type) -> None:
        """Assigns to a target."""
        match target:
            case ast.Name(id=name):
                self.environment.forget(name)
                self.environment.names[name] = type if not isinstance(type, Never) else UNKNOWN
                if self.types is not None:
                    self.types[target] = type
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if self.types is not None:
                    self.types[target] = type
                for element, part in zip(elements, self.operators.unpack(type, elements), strict=True):
                    self.bind(element.value if isinstance(element, ast.Starred) else element, part)
            case ast.Starred(value=value):
                self.bind(value, type)
            case ast.Attribute(value=value):
                self.evaluate(value)
                key = reference(target)
                if key is not None:
                    self.environment.forget(key)
                    self.environment.facts[key] = type
                if self.types is not None:
                    self.types[target] = type
                self.stored_attribute(target, type)
                self.call_setter(target, type)
            case ast.Subscript(value=value, slice=index):
                self.evaluate(value)
                position = self.index(index)
                if self.types is not None:
                    self.types[target] = type
                if not isinstance(index, ast.Slice):
                    self.store_item(value, position, type)
                    key = reference(target)
                    if key is not None:
                        self.environment.forget(key)
                        self.environment.facts[key] = type
            case _:
                pass

    def call_setter(self, target: ast.Attribute, type: Type) -> None:
        """Calls the setter of a property."""
        receiver = self.quietly(target.value)
        definition = self.evaluator.classes.class_of(receiver)
        if definition is None or definition.module.origin != "workspace":
            return
        found = self.evaluator.classes.find(definition, target.attr)
        if found is not None and isinstance(found[1], Wrapped) and found[1].setter is not None:
            setter = BoundMethod(found[1].setter, receiver)
            self.evaluator.calls.call(setter, Arguments((type,)), self, target)

    def unpacked(self, target: ast.expr, value: Type, wanted: ast.AST) -> Type | None:
        """What assigning `value` to `target` binds the name `wanted` to; None where it is not in there."""
        if target is wanted:
            return value
        if isinstance(target, ast.Starred):
            return self.unpacked(target.value, value, wanted)
        if isinstance(target, ast.Tuple | ast.List):
            for element, part in zip(target.elts, self.operators.unpack(value, target.elts), strict=True):
                found = self.unpacked(element, part, wanted)
                if found is not None:
                    return found
        return None

    def final(self, type: Type) -> Type:
        """The type with what its containers were filled with later."""
        if not self.growth:
            return type
        items: list[Type] = []
        for item in alternatives(type):
            if isinstance(item, Instance) and item.sites:
                items.extend(self.growth[site] for site in item.sites if site in self.growth)
            items.append(item)
        return join(*items) if items else type
