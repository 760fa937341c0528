"""Annotation expressions into types (PEP 484 and its successors)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import Frame
from typewright.analysis.scopes import Binding
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Alias,
    Callable,
    ClassObject,
    Instance,
    Literal,
    Parameter,
    SpecialForm,
    Type,
    TypeVariable,
    Unknown,
    alternatives,
    declared_union,
    join,
    transform,
    walk,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_QUALIFIERS = frozenset({"Annotated", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "Unpack"})


class Annotations:
    """Evaluates annotations in the frame in which they are written."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def evaluate(self, node: ast.expr, frame: Frame) -> Type:
        """The type of the values that an annotation describes."""
        return self.evaluator.memo.get(
            ("annotation", node, frame), lambda: self._evaluate(node, frame), UNKNOWN
        )

    def alias(self, node: ast.expr | None, frame: Frame) -> Type:
        """A type expression as a value."""
        return Alias(self.evaluate(node, frame)) if node is not None else UNKNOWN

    def is_alias_marker(self, node: ast.expr, frame: Frame) -> bool:
        """Whether an annotation is `TypeAlias`."""
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        return name == "TypeAlias" and self.value(node, frame) == SpecialForm("TypeAlias")

    def type_parameter(self, binding: Binding, frame: Frame) -> Type:
        """A parameter of a `[T]` list (PEP 695)."""
        node = binding.node
        kind = node.__class__.__name__
        bound = getattr(node, "bound", None)
        line = f"{frame.module.name}:{getattr(node, 'lineno', 0)}"
        name = binding.name
        if kind not in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            return UNKNOWN
        constraints: tuple[Type, ...] = ()
        if isinstance(bound, ast.Tuple):
            constraints, bound = tuple(self.evaluate(e, frame) for e in bound.elts), None
        limit = self.evaluate(bound, frame) if bound is not None else None
        return TypeVariable(name, kind, line, limit, constraints)  # type: ignore[arg-type]

    def value(self, node: ast.expr, frame: Frame) -> Type:
        """What the expression of an annotation is as a value."""
        return self.evaluator.activations.reader(frame).evaluate(node)

    def _evaluate(self, node: ast.expr, frame: Frame) -> Type:
        match node:
            case ast.Constant(value=None):
                return NONE
            case ast.Constant(value=str() as text):
                try:
                    inner = ast.parse(text.strip(), mode="eval").body
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return UNKNOWN
                return self._evaluate(inner, frame)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return declared_union(self.evaluate(left, frame), self.evaluate(right, frame))
            case ast.Subscript(value=value, slice=index):
                return self._subscript(self.value(value, frame), index, frame)
            case ast.Name() | ast.Attribute():
                return self.meant(self.value(node, frame), frame)
            case ast.Starred(value=value):
                return self.evaluate(value, frame)
            case ast.List(elts=elements):  # the parameters of a Callable that is an argument of a ParamSpec
                parameters = [Parameter("", "positional", self.evaluate(e, frame)) for e in elements]
                return Callable(tuple(parameters), UNKNOWN)
            case _:
                return UNKNOWN

    def is_any(self, node: ast.expr, frame: Frame) -> bool:
        """Whether an annotation is `Any` itself."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return False
        value = self.value(node, frame)
        if isinstance(value, ClassObject):
            return value.definition.qualified_name == "typing.Any"
        return isinstance(value, SpecialForm) and value.name == "Any"

    def meant(self, value: Type, frame: Frame) -> Type:
        """The type of the values that a type expression, given as a value, describes."""
        evaluator = self.evaluator
        match value:
            case ClassObject(definition=definition, arguments=arguments):
                if definition.qualified_name == "typing.Any":
                    return UNKNOWN
                if definition.qualified_name == "types.NoneType":
                    return NONE
                return Instance(definition, arguments)
            case Alias(type=type):
                return transform(type, lambda t: UNKNOWN if isinstance(t, TypeVariable) else None)
            case TypeVariable():
                return value
            case Literal(value=str() as text) if value.definition.name == "str":
                try:
                    return self._evaluate(ast.parse(text, mode="eval").body, frame)
                except (SyntaxError, ValueError, RecursionError):
                    return UNKNOWN
            case SpecialForm(name=name):
                match name:
                    case "NoReturn" | "Never":
                        return NEVER
                    case "LiteralString":
                        return evaluator.instance("str")
                    case "Self":
                        return self._self(frame)
                    case "Tuple":
                        return evaluator.instance("tuple")
                    case "Type":
                        return evaluator.instance("type")
                    case "Callable":
                        return Callable(None, UNKNOWN)
                    case "Final" | "ClassVar":
                        return value
                    case "TypeGuard" | "TypeIs":
                        return evaluator.instance("bool")
                    case _:
                        return UNKNOWN
            case _ if value == NONE:
                return NONE
            case _:
                return UNKNOWN

    def _self(self, frame: Frame) -> Type:
        around: Frame | None = frame
        while around is not None and around.owner is None:
            around = around.parent
        if around is None or around.owner is None:
            return UNKNOWN
        return TypeVariable("Self", "Self", "", self.evaluator.classes.self_type(around.owner))

    def _subscript(self, value: Type, index: ast.expr, frame: Frame) -> Type:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        match value:
            case SpecialForm(name=name):
                return self._special(name, parts, frame)
            case ClassObject(definition=definition):
                if definition.qualified_name == "builtins.tuple":
                    return self.tuple_of(parts, frame)
                if definition.qualified_name == "builtins.type":
                    return self._class_of(self.evaluate(parts[0], frame))
                if definition.qualified_name in ("collections.abc.Callable", "typing.Callable"):
                    return self._callable(parts, frame)
                return self.specialized(value, [self.evaluate(part, frame) for part in parts])
            case Alias(type=type):
                arguments = [self.evaluate(part, frame) for part in parts]
                variables = list(dict.fromkeys(t for t in walk(type) if isinstance(t, TypeVariable)))
                solution = dict(zip(variables, arguments, strict=False))
                return transform(
                    type, lambda t: solution.get(t, UNKNOWN) if isinstance(t, TypeVariable) else None
                )
            case _:
                return UNKNOWN

    def specialized(self, value: ClassObject, arguments: list[Type]) -> Instance:
        """An instance of a generic class with its arguments in the order of the class's parameters."""
        parameters = self.evaluator.classes.type_parameters(value.definition)
        if any(p.kind == "TypeVarTuple" for p in parameters):
            return Instance(value.definition)
        filled = arguments[: len(parameters)]
        for parameter in parameters[len(filled) :]:
            filled.append(parameter.default if parameter.default is not None else UNKNOWN)
        return Instance(value.definition, tuple(filled))

    def tuple_of(self, parts: list[ast.expr], frame: Frame) -> Type:
        """`tuple[…]` from its arguments."""
        evaluator = self.evaluator
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return evaluator.instance("tuple", self.evaluate(parts[0], frame))
        if any(isinstance(part, ast.Starred) for part in parts):
            return evaluator.instance("tuple", join(*(self.evaluate(part, frame) for part in parts)))
        return evaluator.tuple_of(*(self.evaluate(part, frame) for part in parts))

    def _class_of(self, type: Type) -> Type:
        classes: list[Type] = []
        for item in alternatives(type):
            if isinstance(item, Instance):
                classes.append(ClassObject(item.definition, item.arguments))
            elif isinstance(item, TypeVariable):
                classes.append(self.evaluator.instance("type", item))
            else:
                classes.append(UNKNOWN if isinstance(item, Unknown) else self.evaluator.instance("type"))
        return join(*classes)

    def _special(self, name: str, parts: list[ast.expr], frame: Frame) -> Type:
        match name:
            case "Optional":
                return declared_union(self.evaluate(parts[0], frame), NONE)
            case "Union":
                return declared_union(*(self.evaluate(part, frame) for part in parts))
            case "Literal":
                return declared_union(*(self._literal(part, frame) for part in parts))
            case "Callable":
                return self._callable(parts, frame)
            case "Tuple":
                return self.tuple_of(parts, frame)
            case "Type":
                return self._class_of(self.evaluate(parts[0], frame))
            case "TypeGuard" | "TypeIs":
                return SpecialForm(name)
            case _ if name in _QUALIFIERS:
                return self.evaluate(parts[0], frame)
            case _:
                return UNKNOWN

    def _literal(self, node: ast.expr, frame: Frame) -> Type:
        match node:
            case ast.Constant(value=None):
                return NONE
            case ast.Constant(value=bool() | int() | str() | bytes() as value):
                return self.evaluator.literal(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return self.evaluator.literal(-value)
            case _:
                meant = self.value(node, frame)
                return meant if isinstance(meant, Literal) else self.meant(meant, frame)

    def _callable(self, parts: list[ast.expr], frame: Frame) -> Type:
        if len(parts) != 2:
            return Callable(None, UNKNOWN)
        returns = self.evaluate(parts[1], frame)
        listed = parts[0]
        if isinstance(listed, ast.List):
            parameters = [Parameter("", "positional", self.evaluate(e, frame)) for e in listed.elts]
            return Callable(tuple(parameters), returns)
        if isinstance(listed, ast.Constant):
            return Callable(None, returns)
        specification = self.value(listed, frame)
        if isinstance(specification, TypeVariable) and specification.kind == "ParamSpec":
            return Callable(None, returns, specification)
        if isinstance(listed, ast.Subscript) and self.value(listed.value, frame) == SpecialForm(
            "Concatenate"
        ):
            inner = listed.slice.elts if isinstance(listed.slice, ast.Tuple) else [listed.slice]
            rest = self.value(inner[-1], frame)
            first = [Parameter("", "positional", self.evaluate(e, frame)) for e in inner[:-1]]
            if isinstance(rest, TypeVariable):
                return Callable(tuple(first), returns, rest)
        return Callable(None, returns)

    def without_variables(self, type: Type) -> Type:
        """The type with every type variable unknown."""
        return transform(type, lambda t: UNKNOWN if isinstance(t, TypeVariable) else None)
