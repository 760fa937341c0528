"""Type variables: solved from arguments, substituted in results; whether a parameter takes an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    Never,
    Partial,
    SpecialForm,
    Super,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    alternatives,
    join,
    transform,
    walk,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

Solution = dict[TypeVariable, Type]

_PROMOTIONS = {
    "float": ("int", "bool"),
    "complex": ("int", "float", "bool"),
    "bytes": ("bytearray", "memoryview"),
}
_CALLABLE = (Function, BoundMethod, Partial, Callable, ClassObject)
_MAX_PROTOCOL_MEMBERS = 6


def substitute(type: Type, solution: Solution, *, keep: bool = False) -> Type:
    """The type with its variables replaced; those without a solution become unknown unless kept."""

    def change(type: Type) -> Type | None:
        if isinstance(type, TypeVariable):
            found = solution.get(type)
            if found is not None:
                return found
            return type if keep else _unsolved(type)
        if isinstance(type, Callable) and isinstance(type.origin, TypeVariable):
            origin = solution.get(type.origin)
            returns = transform(type.returns, change)
            if origin is None:
                return Callable(type.parameters, returns, type.origin) if keep else Callable(None, returns)
            if type.parameters:  # Concatenate: the first arguments are given, the rest goes on
                return Callable(None, returns)
            if isinstance(origin, Callable):
                return Callable(origin.parameters, returns, origin.origin)
            return Callable(None, returns, origin)
        return None

    return transform(type, change)


def _unsolved(variable: TypeVariable) -> Type:
    if variable.default is not None:
        return variable.default
    for constraint in variable.constraints:  # `AnyStr`: text unless something says otherwise
        if isinstance(constraint, Instance) and constraint.definition.name == "str":
            return constraint
    return UNKNOWN


class Generics:
    """Solving and checking; asks the evaluator for super-classes and members."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def solve(self, parameter: Type, argument: Type, solution: Solution, depth: int = 0) -> None:
        """Adds to `solution` what passing `argument` for `parameter` says about type variables."""
        if depth > 6 or isinstance(argument, Unknown):
            return
        match parameter:
            case TypeVariable(kind="TypeVar"):
                self._assign(parameter, argument, solution)
            case Union(items=items):
                self._solve_union(items, argument, solution, depth)
            case Instance(definition=definition, arguments=arguments) if arguments:
                for item in alternatives(argument):
                    self._solve_instance(parameter, item, solution, depth)
            case Tuple(items=items):
                for item in alternatives(argument):
                    if isinstance(item, Tuple) and len(item.items) == len(items):
                        for one, other in zip(items, item.items, strict=True):
                            self.solve(one, other, solution, depth + 1)
                    elif isinstance(item, Instance) and item.definition.name == "tuple" and item.arguments:
                        for one in items:
                            self.solve(one, item.arguments[0], solution, depth + 1)
            case Callable():
                self._solve_callable(parameter, argument, solution, depth)
            case ClassObject(definition=definition, arguments=arguments) if arguments:
                for item in alternatives(argument):
                    if isinstance(item, ClassObject):
                        self._solve_instance(
                            Instance(definition, arguments),
                            Instance(item.definition, item.arguments),
                            solution,
                            depth,
                        )
            case _:
                pass

    def _assign(self, variable: TypeVariable, argument: Type, solution: Solution) -> None:
        if variable.constraints:
            for item in alternatives(argument):
                chosen = next((c for c in variable.constraints if self.accepts(c, item)), None)
                if chosen is not None:
                    solution[variable] = join(solution.get(variable, NEVER), chosen)
            return
        widened = widen_literals(argument)
        before = solution.get(variable)
        if before is None or isinstance(before, Never | Unknown):
            solution[variable] = widened
        elif not isinstance(widened, Never) and not self.accepts(before, widened):
            solution[variable] = join(before, widened)

    def _solve_union(self, items: tuple[Type, ...], argument: Type, solution: Solution, depth: int) -> None:
        variables = [item for item in items if isinstance(item, TypeVariable)]
        others = [item for item in items if not isinstance(item, TypeVariable)]
        for item in alternatives(argument):
            taken = next((other for other in others if self.accepts(other, item)), None)
            if taken is not None and not (
                variables and isinstance(taken, Instance) and self._is_protocol(taken)
            ):
                self.solve(taken, item, solution, depth + 1)
            else:
                for variable in variables:
                    self._assign(variable, item, solution)

    def _is_protocol(self, type: Instance) -> bool:
        return self.evaluator.classes.is_protocol(type.definition)

    def _solve_instance(self, parameter: Instance, item: Type, solution: Solution, depth: int) -> None:
        definition = parameter.definition
        if definition.qualified_name == "builtins.type":
            if isinstance(item, ClassObject):
                self.solve(
                    parameter.arguments[0], Instance(item.definition, item.arguments), solution, depth + 1
                )
            return
        arguments = self.evaluator.classes.supertype(item, definition)
        if arguments is not None:
            for one, other in zip(parameter.arguments, arguments, strict=False):
                self.solve(one, other, solution, depth + 1)
        elif self.evaluator.classes.is_protocol(definition):
            self._solve_protocol(parameter, item, solution, depth)

    def _solve_protocol(self, parameter: Instance, item: Type, solution: Solution, depth: int) -> None:
        """Structural: each member that the protocol declares is compared with the argument's."""
        classes = self.evaluator.classes
        for name in classes.protocol_members(parameter.definition)[:_MAX_PROTOCOL_MEMBERS]:
            declared = classes.attribute(parameter, name)
            actual = classes.attribute(item, name)
            if declared is None or actual is None:
                continue
            if isinstance(declared, BoundMethod):
                arguments = self.evaluator.calls.declared_arguments(declared)
                wanted = self.evaluator.calls.declared_result(declared)
                given = self.evaluator.calls.call(actual, arguments, None)
                self.solve(wanted, given, solution, depth + 1)
            else:
                self.solve(declared, actual, solution, depth + 1)

    def _solve_callable(self, parameter: Callable, argument: Type, solution: Solution, depth: int) -> None:
        for item in alternatives(argument):
            if isinstance(parameter.origin, TypeVariable):
                solution.setdefault(parameter.origin, item)
            if not any(isinstance(inner, TypeVariable) for inner in walk(parameter.returns)):
                continue
            returns = self.evaluator.calls.result_for(item, parameter, solution)
            self.solve(parameter.returns, returns, solution, depth + 1)

    # Whether it fits.

    def accepts(self, parameter: Type, argument: Type, depth: int = 0) -> bool:
        """Whether a parameter takes an argument, as far as that can be told; what is unknown fits."""
        if depth > 5 or parameter == argument:
            return True
        if isinstance(parameter, Unknown | Never) or isinstance(argument, Unknown | Never):
            return True
        if isinstance(argument, Union):
            return all(self.accepts(parameter, item, depth + 1) for item in argument.items)
        match parameter:
            case Union(items=items):
                return any(self.accepts(item, argument, depth + 1) for item in items)
            case TypeVariable(constraints=constraints, bound=bound):
                if constraints:
                    return any(self.accepts(c, argument, depth + 1) for c in constraints)
                return bound is None or self.accepts(bound, argument, depth + 1)
            case Literal():
                return False
            case Tuple(items=items):
                if isinstance(argument, Tuple):
                    return len(items) == len(argument.items) and all(
                        self.accepts(one, other, depth + 1)
                        for one, other in zip(items, argument.items, strict=True)
                    )
                return isinstance(argument, Instance) and argument.definition.name == "tuple"
            case ClassObject(definition=definition):
                if isinstance(argument, ClassObject):
                    return self.evaluator.classes.is_subclass(argument.definition, definition)
                return isinstance(argument, Instance) and argument.definition.name == "type"
            case Callable(returns=returns):
                if isinstance(returns, SpecialForm):  # a TypeGuard: only of functions that say so
                    return isinstance(argument, Function) and self._guards(argument)
                if isinstance(argument, _CALLABLE):
                    return True
                return self.evaluator.classes.attribute(argument, "__call__") is not None
            case Instance():
                return self._accepts_instance(parameter, argument, depth)
            case _:
                return isinstance(argument, type(parameter))

    def _guards(self, function: Function) -> bool:
        returns = getattr(function.definition.head, "returns", None)
        if returns is None:
            return False
        return isinstance(self.evaluator.annotations.evaluate(returns, function.closure), SpecialForm)

    def _accepts_instance(self, parameter: Instance, argument: Type, depth: int) -> bool:
        classes = self.evaluator.classes
        definition = parameter.definition
        name = definition.qualified_name
        if name == "builtins.object":
            return True
        if isinstance(argument, TypeVariable):
            return argument.bound is None or self.accepts(parameter, argument.bound, depth + 1)
        if isinstance(argument, ClassObject) and name == "builtins.type":
            inner = parameter.arguments[0] if parameter.arguments else UNKNOWN
            return self.accepts(inner, Instance(argument.definition, argument.arguments), depth + 1)
        if isinstance(argument, Module):
            return definition.name == "ModuleType"
        if isinstance(argument, Super):
            argument = argument.receiver
        arguments = classes.supertype(argument, definition)
        if arguments is not None:
            return all(
                isinstance(one, TypeVariable) or self.accepts(one, other, depth + 1)
                for one, other in zip(parameter.arguments, arguments, strict=False)
            )
        own = classes.class_of(argument)
        if own is not None and definition.module.name == "builtins":
            promoted = _PROMOTIONS.get(definition.name, ())
            if own.module.name == "builtins" and own.name in promoted:
                return True
        if classes.is_protocol(definition):
            if argument == NONE and definition.name not in ("Hashable", "SupportsBool"):
                return False
            members = classes.protocol_members(definition)[:_MAX_PROTOCOL_MEMBERS]
            return bool(members) and all(classes.attribute(argument, m) is not None for m in members)
        return own is not None and classes.has_unknown_base(own)
