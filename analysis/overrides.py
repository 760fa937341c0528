"""What a method takes over from the class it overrides, and from Python's own protocols."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, FunctionDefinition
from typewright.analysis.generics import substitute
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    BoundMethod,
    ClassObject,
    Function,
    SpecialForm,
    Type,
    Unknown,
    Wrapped,
    join,
    known,
    widen,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_MAX_SUBCLASSES = 12
_EXIT = ("exception type", "exception", "traceback")
_SPECIAL: dict[str, tuple[str, ...]] = {
    "__exit__": _EXIT,
    "__aexit__": _EXIT,
    "__getattr__": ("str",),
    "__getattribute__": ("str",),
    "__delattr__": ("str",),
    "__set_name__": ("type", "str"),
    "__deepcopy__": ("memo",),
    "__format__": ("str",),
    "__missing__": (),
}


class Overrides:
    """Finds the methods that a method overrides."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def overridden(self, definition: FunctionDefinition) -> list[Function]:
        """The methods of the same name in the ancestors of the method's class, nearest first."""
        owner = definition.owner
        if owner is None or definition.name in ("__init__", "__new__"):
            return []
        found = []
        for ancestor, _ in self.evaluator.classes.mro(owner)[1:]:
            method = self._method(ancestor, definition.name)
            if method is not None:
                found.append(method)
        return found

    def _method(self, owner: ClassDefinition, name: str) -> Function | None:
        """The function behind a class's own method or property."""
        member = self.evaluator.classes.own_member(owner, name)
        if isinstance(member, Wrapped | BoundMethod):
            member = member.function
        return member if isinstance(member, Function) else None

    def parameter_type(self, definition: FunctionDefinition, argument: ast.arg) -> Type | None:
        """The type that an overridden method, or Python's protocol, gives a parameter; else None."""
        owner = definition.owner
        if owner is None:
            return None
        read = self._what_the_property_gives(definition, owner)
        if read is not None:
            return read
        a = definition.head.args
        positional = [x.arg for x in (*a.posonlyargs, *a.args)]
        position = positional.index(argument.arg) if argument.arg in positional else -1
        special = _SPECIAL.get(definition.name)
        if special is not None and 1 <= position <= len(special):
            return self._described(special[position - 1])
        for function in self.overridden(definition):
            if function.definition.owner is None or (function.overloads and not function.definition.written):
                continue
            found = self._declared(function, argument.arg, position)
            if found is not None:
                solution = self.evaluator.classes.receiver_solution(
                    self.evaluator.classes.self_type(owner), function.definition.owner
                )
                return substitute(found, solution)
        return None

    def _what_the_property_gives(self, definition: FunctionDefinition, owner: ClassDefinition) -> Type | None:
        """What reading a property gives, for the parameter of its setter; None for other functions."""
        for decorator in definition.decorators:
            if isinstance(decorator, ast.Attribute) and decorator.attr == "setter":
                found = self.evaluator.classes.own_member(owner, definition.name)
                getter = found.function if isinstance(found, Wrapped) else None
                if isinstance(getter, Function):
                    result = known(self.evaluator.activations.canonical(getter).returns)
                    return None if result == NEVER else widen_literals(result)
        return None

    def _declared(self, function: Function, name: str, position: int) -> Type | None:
        if function.overloads:
            return None
        parameters = self.evaluator.calls.parameters(function.definition, function)
        by_name = next((p for p in parameters if p.name == name), None)
        if by_name is None and 0 < position < len(parameters):
            at = parameters[position]
            # Stubs name positional parameters as they like; elsewhere another name is another parameter.
            by_name = at if at.kind == "positional" else None
        if by_name is None or by_name.kind in ("variadic", "keywords"):
            return None
        return None if isinstance(by_name.type, Unknown | SpecialForm) else by_name.type

    def result_type(self, definition: FunctionDefinition) -> Type | None:
        """The result that an overridden method declares; None where none does."""
        owner = definition.owner
        if owner is None:
            return None
        calls = self.evaluator.calls
        for function in self.overridden(definition):
            if function.overloads or not calls.declares_result(function.definition):
                continue
            result = calls.result(function.definition, function)
            receiver = self.evaluator.classes.self_type(owner)
            solution = self.evaluator.classes.receiver_solution(receiver, function.definition.owner)
            found = substitute(result, solution)
            return None if isinstance(found, Unknown) else found
        return None

    def implemented(self, definition: FunctionDefinition) -> Type | None:
        """What those who override a method return, awaited; None where nobody does or tells."""
        owner = definition.owner
        if owner is None or definition.module.origin != "workspace":
            return None
        key = ("implemented", definition)
        found = self.evaluator.memo.get(key, lambda: self._implemented(definition, owner), NEVER, widen)
        return None if known(found) == NEVER else found

    def _implemented(self, definition: FunctionDefinition, owner: ClassDefinition) -> Type:
        found: list[Type] = []
        for subclass in self._subclasses(owner):
            member = self._method(subclass, definition.name)
            if member is None or member.definition is definition:
                continue
            if self.evaluator.calls.declares_result(member.definition):
                result = self.evaluator.calls.result(member.definition, member)
            else:
                result = self.evaluator.activations.canonical(member).returns
            asynchronous = isinstance(member.definition.head, ast.AsyncFunctionDef)
            if asynchronous and not self.evaluator.activations.is_generator(member.definition):
                result = self.evaluator.awaited(result)
            found.append(result)
        return join(*found) if found else NEVER

    def _subclasses(self, owner: ClassDefinition) -> list[ClassDefinition]:
        """The classes below a class, in the workspace, the nearest first."""
        found = [owner]
        for each in found:
            found.extend(below for below in self.evaluator.callers.subclasses(each) if below not in found)
            if len(found) > _MAX_SUBCLASSES:
                break
        return found[1:]

    def _described(self, what: str) -> Type:
        evaluator = self.evaluator
        match what:
            case "exception type":
                return join(ClassObject(evaluator.class_named("BaseException")), NONE)
            case "exception":
                return join(evaluator.instance("BaseException"), NONE)
            case "traceback":
                return join(evaluator.instance("types.TracebackType"), NONE)
            case "memo":
                return evaluator.instance("dict", evaluator.instance("int"), UNKNOWN)
            case name:
                return evaluator.instance(name)
