"""Operators, subscripts, iteration, unpacking and awaiting, through the methods that Python calls."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from typewright.analysis.names import is_instance_of, literal_value
from typewright.analysis.outcomes import is_not_implemented
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Alias,
    ClassObject,
    Instance,
    Literal,
    Module,
    Never,
    Tuple,
    Type,
    Union,
    Unknown,
    alternatives,
    declared_union,
    join,
    known,
    widen_literals,
    without_none,
)

if TYPE_CHECKING:
    from typewright.analysis.arguments import Arguments
    from typewright.analysis.evaluator import Evaluator

_METHODS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "truediv",
    ast.Mod: "mod",
    ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or", ast.BitXor: "xor",
    ast.BitAnd: "and", ast.FloorDiv: "floordiv",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("__eq__", "__eq__"), ast.NotEq: ("__ne__", "__ne__"), ast.Lt: ("__lt__", "__gt__"),
    ast.LtE: ("__le__", "__ge__"), ast.Gt: ("__gt__", "__lt__"), ast.GtE: ("__ge__", "__le__"),
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}
_MAX_PAIRS = 16


class Operators:
    """What operators give. `last_slice` holds the bounds of the slice evaluated last."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.last_slice: tuple[Type, ...] = ()

    def binary(self, op: ast.operator, left: Type, right: Type, *, in_place: bool = False) -> Type:
        """The result of a binary operator, or of its in-place form."""
        name = _METHODS[type(op)]
        pairs = [(one, other) for one in alternatives(left) for other in alternatives(right)]
        if not pairs or len(pairs) > _MAX_PAIRS:
            return UNKNOWN
        return join(*(self._pair(name, one, other, in_place) for one, other in pairs))

    def _pair(self, name: str, left: Type, right: Type, in_place: bool) -> Type:
        if isinstance(left, ClassObject | Alias | Tuple) or isinstance(right, Alias | ClassObject | Tuple):
            special = self._special(name, left, right)
            if special is not None:
                return special
        if isinstance(left, Literal) and left.definition.module.name == "builtins":
            left = Instance(left.definition)
        if isinstance(right, Literal) and right.definition.module.name == "builtins" and name != "pow":
            right = Instance(right.definition)
        if isinstance(left, Unknown):
            return UNKNOWN
        if name == "pow":
            power = self._power(left, right)
            if power is not None:
                return power
        if name == "mod" and isinstance(left, Instance) and left.definition.name in ("str", "bytes"):
            return Instance(left.definition)
        if name in ("add", "mul") and isinstance(left, Instance) and left.sites:
            concatenated = self._display(name, left, right)
            if concatenated is not None:
                return concatenated
        if not all(self._is_declared(operand) for operand in (left, right)):
            return self._dispatch(name, left, right, in_place)
        key = ("operator", name, in_place, left, right)
        return self.evaluator.memo.get(key, lambda: self._dispatch(name, left, right, in_place), UNKNOWN)

    def _power(self, left: Type, right: Type) -> Type | None:
        """Powers of numbers, which are declared to be anything: rarely is an exponent negative."""
        numbers = ("int", "float", "bool")
        if not all(is_instance_of(type, *(f"builtins.{n}" for n in numbers)) for type in (left, right)):
            return None
        whole = not any(is_instance_of(type, "builtins.float") for type in (left, right))
        return self.evaluator.instance("int" if whole else "float")

    def _is_declared(self, type: Type) -> bool:
        """Whether operators of a type are declared in stubs: then they call nobody else."""
        own = self.evaluator.classes.class_of(type)
        return own is None or own.module.origin == "stub"

    def _display(self, name: str, left: Instance, right: Type) -> Type | None:
        """Lists that are still open stay so when they are concatenated or repeated."""
        if name == "mul":
            return Instance(left.definition, left.arguments, (), left.sites)
        if (
            isinstance(right, Instance)
            and right.definition is left.definition
            and left.definition.name == "list"
        ):
            arguments = tuple(join(a, b) for a, b in zip(left.arguments, right.arguments, strict=False))
            return Instance(left.definition, arguments or left.arguments, (), left.sites | right.sites)
        return None

    def _special(self, name: str, left: Type, right: Type) -> Type | None:
        match left, right:
            case (ClassObject() | Alias(), _) | (_, ClassObject() | Alias()) if name == "or":
                meant, frame = self.evaluator.annotations.meant, self.evaluator.builtins.frame
                return Alias(declared_union(meant(left, frame), meant(right, frame)))
            case Tuple(items=first), Tuple(items=second) if name == "add":
                return self.evaluator.tuple_of(*first, *second)
            case Tuple(items=items), Literal(value=int() as count) if (
                name == "mul" and 0 < count * len(items) <= 12
            ):
                return self.evaluator.tuple_of(*(items * count))
            case _:
                return None

    def _dispatch(self, name: str, left: Type, right: Type, in_place: bool) -> Type:
        if in_place:
            result = self._method(left, f"__i{name}__", right)
            if result is not None:
                return result
        result = self._method(left, f"__{name}__", right)
        if result is not None:
            return result
        if isinstance(right, Unknown):
            return UNKNOWN
        return self._method(right, f"__r{name}__", left) or UNKNOWN

    def _method(self, receiver: Type, name: str, *arguments: Type) -> Type | None:
        """The result of a special method; None where it is missing or does not take the arguments."""
        method = self._special_method(receiver, name)
        if method is None:
            return None
        calls = self.evaluator.calls
        if not calls.takes(method, arguments):
            return None
        observer = self.evaluator.activations.observer
        result = calls.call(method, calls.positional(*arguments), observer)
        if isinstance(result, Unknown | Never):
            return result if isinstance(result, Unknown) else None
        own = known(join(*(t for t in alternatives(result) if not is_not_implemented(t))))
        return own if own != NEVER else None

    def _special_method(self, receiver: Type, name: str) -> Type | None:
        """Special methods are looked up on the class, never on the instance."""
        if isinstance(receiver, Unknown):
            return UNKNOWN
        if isinstance(receiver, ClassObject):
            meta = self.evaluator.classes.metaclass(receiver.definition)
            found = self.evaluator.classes.find(meta, name)
            return self.evaluator.classes.bind(found[1], receiver, found[0][0]) if found is not None else None
        return self.evaluator.classes.attribute(receiver, name)

    def set_item(self, container: Type, arguments: Arguments) -> None:
        """Calls `__setitem__` of a class of the workspace: whoever wrote it is told what is set."""
        for item in alternatives(container):
            own = self.evaluator.classes.class_of(item)
            if own is not None and own.module.origin == "workspace":
                self._method(item, "__setitem__", *arguments.positional)

    def compare(self, op: ast.cmpop, left: Type, right: Type) -> Type:
        """The result of a comparison: nearly always `bool`."""
        plain = self.evaluator.instance("bool")
        if isinstance(op, ast.In | ast.NotIn):
            for item in alternatives(right):
                own = self.evaluator.classes.class_of(item)
                if own is not None and own.module.origin == "workspace":
                    self._method(item, "__contains__", left)
            return plain
        names = _COMPARISONS.get(type(op))
        if names is None or isinstance(left, Unknown):
            return plain
        results: list[Type] = []
        for item in alternatives(left):
            own = self.evaluator.classes.class_of(item)
            if own is None or own.module.name == "builtins":
                results.append(plain)
                continue
            result = self._method(item, names[0], right)
            results.append(result if result is not None and not isinstance(result, Unknown) else plain)
        return widen_literals(join(*results)) if results else plain

    def unary(self, op: ast.unaryop, operand: Type) -> Type:
        """The result of a unary operator."""
        if isinstance(op, ast.Not):
            truth = self.evaluator.classes.is_truthy(operand)
            return self.evaluator.instance("bool") if truth is None else self.evaluator.literal(not truth)
        found: list[Type] = []
        for item in alternatives(operand):
            if isinstance(item, Literal) and isinstance(item.value, int) and isinstance(op, ast.USub):
                found.append(
                    self.evaluator.literal(-item.value)
                    if item.definition.name == "int"
                    else self.evaluator.instance("int")
                )
            else:
                found.append(self._method(widen_literals(item), _UNARY[type(op)]) or UNKNOWN)
        return join(*found) if found else UNKNOWN

    def with_truth(self, type: Type, truth: bool) -> Type:
        """The alternatives that can be true (or false); `bool` becomes the one literal."""
        found: list[Type] = []
        for item in alternatives(type):
            decided = self.evaluator.classes.is_truthy(item)
            if (
                decided is None
                and isinstance(item, Instance)
                and item.definition.qualified_name == "builtins.bool"
            ):
                found.append(self.evaluator.literal(truth))
            elif decided is None or decided is truth:
                found.append(item)
        return join(*found)

    # Subscripts.

    def subscript(self, receiver: Type, index: Type) -> Type:
        """What `receiver[index]` is."""
        if isinstance(receiver, Union):
            present = without_none(receiver)
            return join(*(self.subscript(item, index) for item in alternatives(present)))
        if isinstance(receiver, Unknown | Module):
            return UNKNOWN
        position = literal_value(index)
        if isinstance(receiver, Tuple):
            found = self._tuple_item(receiver, index, position)
            if found is not None:
                return found
        if isinstance(receiver, Instance):
            if position is not None:
                element = receiver.element(position)
                if (
                    element is None
                    and isinstance(position, int)
                    and position < 0
                    and receiver.definition.name == "list"
                ):
                    element = receiver.element(len(receiver.elements) + position)
                if element is not None:
                    return element
            field = self.evaluator.inventory.typed_dict_field(receiver.definition, position)
            if field is not None:
                return field
            fields = self.positions(receiver) if isinstance(position, int) else None
            if fields is not None and isinstance(position, int) and -len(fields) <= position < len(fields):
                return fields[position]
            if receiver.sites and receiver.definition.name == "list" and self._is_slice(index):
                return Instance(receiver.definition, receiver.arguments, (), receiver.sites)
        method = self._special_method(receiver, "__getitem__")
        if method is None:
            return UNKNOWN
        calls = self.evaluator.calls
        result = calls.call(method, calls.positional(index), self.evaluator.activations.observer)
        return UNKNOWN if isinstance(result, Never) else result

    @staticmethod
    def _is_slice(index: Type) -> bool:
        return isinstance(index, Instance) and index.definition.name == "slice"

    def _tuple_item(self, receiver: Tuple, index: Type, position: object) -> Type | None:
        items = receiver.items
        if isinstance(position, int) and -len(items) <= position < len(items):
            return items[position]
        if self._is_slice(index) and len(self.last_slice) == 3:
            bounds = [None if bound == NONE else literal_value(bound) for bound in self.last_slice]
            start, stop, step = (bound if isinstance(bound, int) else None for bound in bounds)
            fixed = all(bound == NONE or isinstance(bound, Literal) for bound in self.last_slice)
            if fixed and step != 0:
                return self.evaluator.tuple_of(*items[slice(start, stop, step)])
        if isinstance(index, Instance) and index.definition.name == "int":
            return join(*items) if items else UNKNOWN
        return None

    # Iteration.

    def element(self, type: Type, *, asynchronous: bool = False) -> Type:
        """What iterating over a value gives."""
        found = [self._element(item, asynchronous) for item in alternatives(type) if item != NONE]
        result = join(*found) if found else UNKNOWN
        return UNKNOWN if isinstance(result, Never) else result

    def _element(self, type: Type, asynchronous: bool) -> Type:
        if isinstance(type, Unknown):
            return UNKNOWN
        if isinstance(type, Tuple) and not asynchronous:
            return join(*type.items)
        if isinstance(type, ClassObject) and self.evaluator.classes.is_enum(type.definition):
            return Instance(type.definition)
        base = self.evaluator.class_named("typing.AsyncIterable" if asynchronous else "typing.Iterable")
        arguments = self.evaluator.classes.supertype(type, base)
        if arguments:
            return arguments[0]
        names = ("__aiter__", "__anext__") if asynchronous else ("__iter__", "__next__")
        iterator = self._method(type, names[0])
        if iterator is None:
            method = None if asynchronous else self._special_method(type, "__getitem__")
            return (
                self.evaluator.calls.call_with(method, self.evaluator.instance("int")) if method else UNKNOWN
            )
        if isinstance(iterator, Unknown):
            return UNKNOWN
        inner = self.evaluator.classes.supertype(iterator, base)
        if inner:
            return inner[0]
        result = self._method(iterator, names[1]) or UNKNOWN
        return self.awaited(result) if asynchronous else result

    def positions(self, type: Type) -> tuple[Type, ...] | None:
        """The items of a value that is known by position."""
        if isinstance(type, Tuple):
            return type.items
        if isinstance(type, Instance) and type.definition.module.origin != "stub":
            fields = self._fields(type)
            if fields is not None:
                return fields
        if isinstance(type, Instance) and type.elements and type.definition.name == "list":
            keys = [key for key, _ in type.elements]
            if keys == list(range(len(keys))):
                return tuple(item for _, item in type.elements)
        return None

    def _fields(self, type: Instance) -> tuple[Type, ...] | None:
        """The fields of a named tuple in order."""
        if "__fields__" in type.definition.members:
            return tuple(t for key, t in type.elements if isinstance(key, int)) or None
        named = self.evaluator.class_named("typing.NamedTuple")
        if not self.evaluator.classes.is_subclass(type.definition, named):
            return None
        fields = self.evaluator.calls.constructions.field_parameters(type.definition)
        return tuple(field.type for field in fields) if fields else None

    def unpack(self, type: Type, targets: Sequence[ast.expr]) -> list[Type]:
        """What assigning a value to several targets gives each."""
        rows = [self._unpack(item, targets) for item in alternatives(type)]
        if not rows:
            return [UNKNOWN] * len(targets)
        return [join(*column) for column in zip(*rows, strict=True)]

    def _unpack(self, type: Type, targets: Sequence[ast.expr]) -> list[Type]:
        items = self.positions(type)
        star = next((i for i, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
        list_class = self.evaluator.class_named("list")
        if items is not None and (
            len(items) == len(targets) if star is None else len(items) >= len(targets) - 1
        ):
            if star is None:
                return list(items)
            after = len(targets) - star - 1
            middle = items[star : len(items) - after]
            gathered = Instance(list_class, (widen_literals(join(*middle)),), tuple(enumerate(middle)))
            return [*items[:star], gathered, *items[len(items) - after :]]
        element = self.element(type)
        return [Instance(list_class, (element,)) if i == star else element for i in range(len(targets))]

    # Awaiting and context managers.

    def awaited(self, type: Type) -> Type:
        """What `await value` gives."""
        found = []
        for item in alternatives(type):
            arguments = self.evaluator.classes.supertype(item, self.evaluator.class_named("typing.Coroutine"))
            if arguments and len(arguments) == 3:
                found.append(arguments[2])
                continue
            arguments = self.evaluator.classes.supertype(item, self.evaluator.class_named("typing.Awaitable"))
            if arguments:
                found.append(arguments[0])
                continue
            generator = self._method(item, "__await__") if not isinstance(item, Unknown) else None
            inner = (
                self.evaluator.classes.supertype(generator, self.evaluator.class_named("typing.Generator"))
                if generator
                else None
            )
            found.append(inner[2] if inner and len(inner) == 3 else UNKNOWN)
        return join(*found) if found else UNKNOWN

    def entered(self, type: Type, *, asynchronous: bool = False) -> Type:
        """What `with value as target` binds."""
        found = []
        for item in alternatives(type):
            if item == NONE:
                continue
            result = self._method(item, "__aenter__" if asynchronous else "__enter__") or UNKNOWN
            found.append(self.awaited(result) if asynchronous else result)
        return join(*found) if found else UNKNOWN
