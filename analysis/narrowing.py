"""What a test says about references once it has held or failed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import Environment
from typewright.analysis.references import reference
from typewright.analysis.types import (
    NONE,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    Never,
    Partial,
    Tuple,
    Type,
    Unknown,
    alternatives,
    join,
)

if TYPE_CHECKING:
    from typewright.analysis.expressions import Expressions


def narrow(interpreter: Expressions, test: ast.expr, holds: bool) -> Environment:
    """A copy of the environment in which `test` has held (or failed)."""
    environment = interpreter.environment.copy()
    if isinstance(test, ast.BoolOp):
        return _narrow_boolean(interpreter, test, holds)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return narrow(interpreter, test.operand, not holds)
    target = _subject(test)
    key = reference(target) if target is not None else None
    if target is None or key is None:
        return environment
    before = _current(interpreter, target)
    after = _narrowed(interpreter, test, before, holds)
    if isinstance(test, ast.NamedExpr) and isinstance(test.value, ast.expr):
        environment.names[test.target.id] = after
        return environment
    if after != before:
        _set(environment, target, key, after)
    return environment


def _set(environment: Environment, target: ast.expr, key: str, type: Type) -> None:
    if isinstance(target, ast.Name):
        environment.names[key] = type
    else:
        environment.facts[key] = type


def _narrow_boolean(interpreter: Expressions, test: ast.BoolOp, holds: bool) -> Environment:
    conjunction = isinstance(test.op, ast.And) is holds
    before = interpreter.environment
    try:
        if conjunction:  # every part has had this outcome
            for value in test.values:
                interpreter.environment = narrow(interpreter, value, holds)
            return interpreter.environment
        branches = []
        for value in test.values:
            branches.append(narrow(interpreter, value, holds))
            interpreter.environment = narrow(interpreter, value, not holds)
        return joined(branches)
    finally:
        interpreter.environment = before


def joined(environments: list[Environment]) -> Environment:
    """What holds where several ways meet."""
    if len(environments) == 1:
        return environments[0].copy()
    names: dict[str, Type] = {}
    for environment in environments:
        for name, type in environment.names.items():
            before = names.get(name)
            names[name] = type if before is None or before is type else join(before, type)
    facts: dict[str, Type] = {}
    for key, type in environments[0].facts.items():
        others = [environment.facts.get(key) for environment in environments[1:]]
        present = [other for other in others if other is not None]
        if len(present) == len(others):
            facts[key] = join(type, *present)
    return Environment(names, facts)


def _subject(test: ast.expr) -> ast.expr | None:
    """The expression that a test says something about."""
    match test:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return test
        case ast.NamedExpr(target=target):
            return target
        case ast.Compare(left=left, ops=[_], comparators=[right]):
            if isinstance(left, ast.NamedExpr):
                return left.target
            if isinstance(left, ast.Call) and getattr(left.func, "id", "") in ("type", "len") and left.args:
                return left.args[0]
            if isinstance(left, ast.Constant) and reference(right) is not None:
                return right
            if isinstance(left, ast.Attribute) and left.attr == "__class__":
                return left.value
            return left
        case ast.Call(
            func=ast.Name(id="isinstance" | "issubclass" | "callable" | "hasattr" | "bool"), args=[first, *_]
        ):
            return first.target if isinstance(first, ast.NamedExpr) else first
        case ast.Call(args=[first]):
            return first
        case _:
            return None


def _current(interpreter: Expressions, target: ast.expr) -> Type:
    return interpreter.quietly(target)


def _narrowed(interpreter: Expressions, test: ast.expr, before: Type, holds: bool) -> Type:
    operators = interpreter.operators
    match test:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.NamedExpr():
            return _or_unknown(operators.with_truth(before, holds))
        case ast.Compare(ops=[op], left=left, comparators=[right]):
            return _compared(interpreter, op, left, right, before, holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, classes]):
            return by_class(interpreter, before, _classes(interpreter, classes), holds)
        case ast.Call(func=ast.Name(id="issubclass"), args=[_, classes]):
            wanted = [
                ClassObject(t.definition, t.arguments)
                for t in _classes(interpreter, classes)
                if isinstance(t, Instance)
            ]
            if not holds:
                return before
            kept = [
                i
                for i in alternatives(before)
                if any(operators.evaluator.calls.generics.accepts(w, i) for w in wanted)
                and not isinstance(i, Unknown)
            ]
            return join(*kept) if kept else (join(*wanted) if wanted else before)
        case ast.Call(func=ast.Name(id="callable")):
            kept = [
                item for item in alternatives(before) if _is_callable(interpreter, item) is not (not holds)
            ]
            return join(*kept) if kept else (Callable(None, UNKNOWN) if holds else UNKNOWN)
        case ast.Call(func=ast.Name(id="hasattr"), args=[_, ast.Constant(value=str() as name)]):
            classes_ = interpreter.evaluator.classes
            kept = [
                i
                for i in alternatives(before)
                if isinstance(i, Unknown) or (classes_.attribute(i, name) is not None) is holds
            ]
            return join(*kept) if kept else UNKNOWN
        case ast.Call(func=ast.Name(id="bool")):
            return _or_unknown(operators.with_truth(before, holds))
        case ast.Call(func=function):
            return _guarded(interpreter, function, before, holds)
        case _:
            return before


def _or_unknown(type: Type) -> Type:
    return UNKNOWN if isinstance(type, Never) else type


def _is_callable(interpreter: Expressions, type: Type) -> bool | None:
    match type:
        case Unknown():
            return None
        case Function() | BoundMethod() | ClassObject() | Callable() | Partial():
            return True
        case _:
            return interpreter.evaluator.classes.attribute(type, "__call__") is not None


def _compared(
    interpreter: Expressions, op: ast.cmpop, left: ast.expr, right: ast.expr, before: Type, holds: bool
) -> Type:
    if (
        isinstance(left, ast.Constant)
        and not isinstance(right, ast.Constant)
        and isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot)
    ):
        left, right = right, left
    positive = holds if isinstance(op, ast.Is | ast.Eq | ast.In) else not holds
    if not isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq | ast.In | ast.NotIn):
        return before
    if isinstance(left, ast.Call) and getattr(left.func, "id", "") == "len":
        return before
    other = interpreter.quietly(right)
    if (isinstance(left, ast.Call) and getattr(left.func, "id", "") == "type") or (
        isinstance(left, ast.Attribute) and left.attr == "__class__"
    ):
        wanted = [
            Instance(t.definition, t.arguments) for t in alternatives(other) if isinstance(t, ClassObject)
        ]
        return by_class(interpreter, before, list(wanted), True) if positive and wanted else before
    if isinstance(op, ast.In | ast.NotIn):
        return _contained(interpreter, before, other) if positive else before
    if other == NONE:
        return _is_none(before, positive)
    if isinstance(other, Literal):
        return _is_literal(interpreter, before, other, positive)
    return before


def _is_none(before: Type, positive: bool) -> Type:
    if positive:
        return NONE
    kept = [item for item in alternatives(before) if item != NONE]
    return join(*kept) if kept else UNKNOWN


def _is_literal(interpreter: Expressions, before: Type, value: Literal, positive: bool) -> Type:
    classes = interpreter.evaluator.classes
    kept: list[Type] = []
    for item in alternatives(before):
        if isinstance(item, Instance) and item.definition is value.definition:
            rest = _other_values(interpreter, item, value)
            kept.extend([value] if positive else rest)
        elif isinstance(item, Literal):
            if (item == value) is positive:
                kept.append(item)
        elif (
            positive
            and isinstance(item, Instance)
            and not classes.is_subclass(value.definition, item.definition)
        ):
            if item.definition.module.name != "builtins":  # it may define __eq__
                kept.append(item)
        elif not (positive and item == NONE):
            kept.append(item)
    return join(*kept) if kept else (value if positive else UNKNOWN)


def _other_values(interpreter: Expressions, item: Instance, value: Literal) -> list[Type]:
    if item.definition.name == "bool":
        return [interpreter.evaluator.literal(not value.value)]
    if item.definition.module.name != "builtins":
        names = interpreter.evaluator.classes.enum_members(item.definition)
        return [Literal(item.definition, name) for name in names if name != value.value]
    return [item]


def _contained(interpreter: Expressions, before: Type, container: Type) -> Type:
    """`x in (1, 2)`: only what may lie in there."""
    element = interpreter.operators.element(container)
    if isinstance(element, Unknown):
        return before
    classes = interpreter.evaluator.classes
    kept = []
    for item in alternatives(before):
        own = classes.class_of(item)
        if isinstance(item, Unknown) or any(
            classes.class_of(e) is own or isinstance(e, Unknown) for e in alternatives(element)
        ):
            kept.append(item)
    if any(isinstance(item, Unknown) for item in kept) and isinstance(container, Tuple | Instance):
        others = [item for item in kept if not isinstance(item, Unknown)]
        return join(*others, element)
    return join(*kept) if kept else before


def _classes(interpreter: Expressions, node: ast.expr) -> list[Type]:
    """The instance types that the second argument of isinstance() names."""
    found: list[Type] = []

    def add(value: Type) -> None:
        for item in alternatives(value):
            if isinstance(item, ClassObject):
                found.append(Instance(item.definition))
            elif isinstance(item, Tuple):
                for inner in item.items:
                    add(inner)
            elif item == NONE:
                found.append(NONE)
            else:
                meant = interpreter.evaluator.annotations.meant(item, interpreter.frame)
                found.extend(alternatives(meant) or (UNKNOWN,))

    add(interpreter.quietly(node))
    return found


def by_class(interpreter: Expressions, before: Type, wanted: list[Type], holds: bool) -> Type:
    """The alternatives that are instances of one of the wanted classes, or are not."""
    classes = interpreter.evaluator.classes
    kept: list[Type] = []
    open_ = False
    for item in alternatives(before):
        own = classes.class_of(item)
        if isinstance(item, Unknown) or own is None:
            open_ = open_ or isinstance(item, Unknown)
            if not holds:
                kept.append(item)
            continue
        inside = False
        for target in wanted:
            other = classes.class_of(target)
            if other is None:
                continue
            if classes.is_subclass(own, other):
                inside = True
                if holds:
                    kept.append(item)
                    break
            elif holds and classes.is_subclass(other, own):
                kept.append(target)
            elif (
                holds
                and isinstance(target, Instance)
                and classes.is_protocol(other)
                and interpreter.evaluator.calls.generics.accepts(target, item)
            ):
                kept.append(item)
                inside = True
                break
        if not holds and not inside:
            kept.append(item)
    if holds and open_:
        kept.extend(wanted)
    if kept:
        return join(*kept)
    # The code asks, so it may be: the callers seen so far are not all there are.
    return join(*wanted) if holds and wanted else UNKNOWN


def _guarded(interpreter: Expressions, function: ast.expr, before: Type, holds: bool) -> Type:
    """A user's `TypeGuard` or `TypeIs`."""
    callee = interpreter.quietly(function)
    inner = callee.function if isinstance(callee, BoundMethod) else callee
    if not isinstance(inner, Function):
        return before
    returns = getattr(inner.definition.head, "returns", None)
    if not isinstance(returns, ast.Subscript):
        return before
    name = getattr(returns.value, "id", getattr(returns.value, "attr", ""))
    if name not in ("TypeGuard", "TypeIs"):
        return before
    target = interpreter.evaluator.annotations.evaluate(returns.slice, inner.closure)
    if holds:
        return target
    return by_class(interpreter, before, list(alternatives(target)), False) if name == "TypeIs" else before


def decided(interpreter: Expressions, test: ast.expr) -> bool | None:
    """What a test gives for the types at hand, where they decide."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = decided(interpreter, operand)
            return None if inner is None else not inner
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, classes]):
            return _all_instances(interpreter, interpreter.quietly(subject), interpreter.quietly(classes))
        case ast.Compare(
            left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]
        ):
            return _all_none(interpreter.quietly(left), isinstance(op, ast.Is))
        case ast.Name() | ast.Attribute() | ast.Constant():
            return interpreter.evaluator.classes.is_truthy(interpreter.quietly(test))
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[right]):
            one, other = interpreter.quietly(left), interpreter.quietly(right)
            if isinstance(one, Literal) and isinstance(other, Literal) and one.definition is other.definition:
                return (one.value == other.value) is isinstance(op, ast.Eq)
            return None
        case ast.BoolOp(op=op, values=values):
            decisive = isinstance(op, ast.Or)
            parts = [decided(interpreter, value) for value in values]
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        case _:
            return None


def _all_none(type: Type, positive: bool) -> bool | None:
    if type == NONE:
        return positive
    items = alternatives(type)
    if not items or any(item == NONE or isinstance(item, Unknown) for item in items):
        return None
    return not positive


def _all_instances(interpreter: Expressions, subject: Type, classes: Type) -> bool | None:
    wanted = classes.items if isinstance(classes, Tuple) else (classes,)
    if not all(isinstance(item, ClassObject) for item in wanted):
        return None
    outcomes = set()
    for item in alternatives(subject):
        own = interpreter.evaluator.classes.class_of(item)
        if own is None or isinstance(item, Unknown) or interpreter.evaluator.classes.has_unknown_base(own):
            return None
        outcomes.add(
            any(
                interpreter.evaluator.classes.is_subclass(own, w.definition)
                for w in wanted
                if isinstance(w, ClassObject)
            )
        )
    return outcomes.pop() if len(outcomes) == 1 else None
