"""Calls that mean more than their signature says: `super()`, `cast`, `TypeVar`, `namedtuple`, `getattr`…"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.names import literal_value
from typewright.analysis.types import (
    NONE,
    UNKNOWN,
    BoundMethod,
    ClassObject,
    Function,
    Type,
    TypeVariable,
    alternatives,
    join,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator
    from typewright.analysis.expressions import Expressions

_VARIABLES = ("TypeVar", "ParamSpec", "TypeVarTuple")
_NAMES = frozenset(
    {
        "super", "cast", "TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "namedtuple", "NamedTuple",
        "TypedDict", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "getattr", "next", "reveal_type",
        "assert_type", "sum", "update_wrapper",
    }
)  # fmt: skip


class Forms:
    """Evaluates those calls; None for every other call."""

    def __init__(self, evaluator: Evaluator, interpreter: Expressions) -> None:
        self.evaluator = evaluator
        self.interpreter = interpreter

    def evaluate(self, node: ast.Call) -> Type | None:
        """The result of a call that is special, else None."""
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if isinstance(function, ast.Call):
            return self._wrapped(node)
        if name not in _NAMES:
            return None
        callee = self.interpreter.quietly(function)
        match name:
            case "super" if self._is(callee, "builtins.super"):
                self.interpreter.evaluate(function)
                arguments = self.interpreter.arguments(node)
                return self.evaluator.calls.constructions.super_of(self.interpreter.frame, arguments)
            case "cast" if len(node.args) == 2 and isinstance(callee, Function):
                self.interpreter.evaluate(node.args[1])
                return self.evaluator.annotations.evaluate(node.args[0], self.interpreter.frame)
            case "TypeVar" | "ParamSpec" | "TypeVarTuple" if self._is(
                callee, f"typing.{name}", f"typing_extensions.{name}"
            ):
                return self._variable(name, node)
            case "NewType" if self._is(callee, "typing.NewType") and len(node.args) == 2:
                base = self.evaluator.annotations.evaluate(node.args[1], self.interpreter.frame)
                own = self.evaluator.classes.class_of(base)
                bases = (ClassObject(own),) if own is not None else (UNKNOWN,)
                return self._class(node, bases, {})
            case "namedtuple" if isinstance(callee, Function) and len(node.args) >= 2:
                return self._named_tuple(node, self._field_names(node.args[1]))
            case "NamedTuple" if self._is(callee, "typing.NamedTuple") and len(node.args) == 2:
                return self._named_tuple(node, self._typed_fields(node.args[1]))
            case "TypedDict" if len(node.args) == 2 and isinstance(node.args[1], ast.Dict):
                return self._typed_dict(node, node.args[1])
            case "Enum" | "IntEnum" | "StrEnum" | "Flag" | "IntFlag" if (
                self._is(callee, f"enum.{name}") and len(node.args) >= 2
            ):
                members = {n: self.evaluator.instance("int") for n in self._field_names(node.args[1])}
                return self._class(node, (callee,), dict(members))
            case "getattr" if len(node.args) in (2, 3) and isinstance(node.args[1], ast.Constant):
                return self._getattr(node)
            case "next" if node.args and isinstance(callee, Function):
                return self._next(node)
            case "update_wrapper" if len(node.args) >= 2 and isinstance(callee, Function):
                self.interpreter.evaluate(function)
                return self.interpreter.arguments(node).positional[0]
            case "sum" if len(node.args) == 1 and isinstance(callee, Function):
                return self._sum(node, callee)
            case "reveal_type" | "assert_type" if node.args:
                return self.interpreter.evaluate(node.args[0])
            case _:
                return None

    @staticmethod
    def _is(callee: Type, *names: str) -> bool:
        return isinstance(callee, ClassObject) and callee.definition.qualified_name in names

    def _wrapped(self, node: ast.Call) -> Type | None:
        """`functools.wraps(f)(wrapper)` is the wrapper."""
        inner = node.func
        if not isinstance(inner, ast.Call) or len(node.args) != 1:
            return None
        name = inner.func.id if isinstance(inner.func, ast.Name) else getattr(inner.func, "attr", "")
        if name != "wraps":
            return None
        self.interpreter.evaluate(inner)
        return self.interpreter.evaluate(node.args[0])

    def _variable(self, kind: str, node: ast.Call) -> Type:
        if not node.args or not isinstance(node.args[0], ast.Constant):
            return UNKNOWN
        annotations, frame = self.evaluator.annotations, self.interpreter.frame
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        constraints = tuple(annotations.evaluate(argument, frame) for argument in node.args[1:])
        bound = annotations.evaluate(given["bound"], frame) if "bound" in given else None
        default = annotations.evaluate(given["default"], frame) if "default" in given else None
        owner = f"{frame.module.name}:{node.lineno}"
        return TypeVariable(str(node.args[0].value), kind, owner, bound, constraints, default)  # type: ignore[arg-type]

    def _class(self, node: ast.Call, bases: tuple[Type, ...], members: dict[str, Type]) -> Type:
        first = node.args[0]
        name = str(first.value) if isinstance(first, ast.Constant) else "Unnamed"
        return self.evaluator.calls.constructions.made_class(
            node, name, bases, members, self.interpreter.frame
        )

    def _field_names(self, node: ast.expr) -> list[str]:
        value = self.interpreter.evaluate(node)
        text = literal_value(value)
        if isinstance(text, str):
            return text.replace(",", " ").split()
        items = self.interpreter.operators.positions(value) or ()
        return [name for name in map(literal_value, items) if isinstance(name, str)]

    def _typed_fields(self, node: ast.expr) -> dict[str, Type]:
        fields: dict[str, Type] = {}
        for item in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
            if isinstance(item, ast.Tuple) and len(item.elts) == 2 and isinstance(item.elts[0], ast.Constant):
                name = str(item.elts[0].value)
                fields[name] = self.evaluator.annotations.evaluate(item.elts[1], self.interpreter.frame)
        return fields

    def _named_tuple(self, node: ast.Call, fields: list[str] | dict[str, Type]) -> Type:
        members = dict.fromkeys(fields, UNKNOWN) if isinstance(fields, list) else dict(fields)
        base = ClassObject(self.evaluator.class_named("tuple"), (join(*members.values()),) if members else ())
        return self._class(
            node,
            (ClassObject(self.evaluator.class_named("typing.NamedTuple")), base),
            {**members, "__fields__": NONE},
        )

    def _typed_dict(self, node: ast.Call, fields: ast.Dict) -> Type:
        members: dict[str, Type] = {"__typed_dict__": NONE}
        for key, value in zip(fields.keys, fields.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                members[f"[{key.value}]"] = self.evaluator.annotations.evaluate(value, self.interpreter.frame)
        base = ClassObject(self.evaluator.class_named("typing._TypedDict"))
        return self._class(node, (base,), members)

    def _getattr(self, node: ast.Call) -> Type | None:
        name = node.args[1]
        assert isinstance(name, ast.Constant)
        self.interpreter.evaluate(node.func)
        receiver = self.interpreter.evaluate(node.args[0])
        self.interpreter.evaluate(name)
        default = self.interpreter.evaluate(node.args[2]) if len(node.args) == 3 else None
        if not isinstance(name.value, str):
            return None
        found = self.evaluator.classes.attribute(receiver, name.value)
        if default is None:
            return found if found is not None else UNKNOWN
        return join(found if found is not None else UNKNOWN, default)

    def _sum(self, node: ast.Call, callee: Type) -> Type:
        """A sum is what its items are; that an empty one is 0 is left out."""
        self.interpreter.evaluate(node.func)
        arguments = self.interpreter.arguments(node)
        result = self.evaluator.calls.call(callee, arguments, self.interpreter, node)
        zero = self.evaluator.literal(0)
        others = [item for item in alternatives(result) if item != zero]
        return join(*others) if others else result

    def _next(self, node: ast.Call) -> Type:
        self.interpreter.evaluate(node.func)
        arguments = self.interpreter.arguments(node)
        found = []
        for item in alternatives(arguments.positional[0] if arguments.positional else UNKNOWN):
            method = self.evaluator.classes.attribute(item, "__next__")
            found.append(
                self.evaluator.calls.call_with(method) if isinstance(method, BoundMethod) else UNKNOWN
            )
        result = join(*found) if found else UNKNOWN
        return join(result, arguments.positional[1]) if len(arguments.positional) > 1 else result
