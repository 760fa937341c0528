"""Calls: arguments bound to parameters, overloads chosen, generics solved, results."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from typewright.analysis.arguments import Arguments, Bound, bind
from typewright.analysis.constructions import Constructions
from typewright.analysis.definitions import FunctionDefinition
from typewright.analysis.generics import Generics, Solution, substitute
from typewright.analysis.types import (
    NEVER,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    Never,
    Parameter,
    Partial,
    SpecialForm,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    Wrapped,
    alternatives,
    is_complete,
    join,
    known,
    walk,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


class Site(Protocol):
    """Who calls: told which arguments reached which function."""

    def observe(self, function: FunctionDefinition, bound: dict[str, Type], node: ast.AST | None) -> None:
        """Notes a call."""

    def fill(self, growth: Mapping[object, Type]) -> None:
        """Takes over what a call has put into containers."""


class Calls:
    """Evaluates calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.generics = Generics(evaluator)
        self.constructions = Constructions(evaluator)

    def call(
        self, callee: Type, arguments: Arguments, site: Site | None, node: ast.AST | None = None
    ) -> Type:
        """The result of calling `callee`."""
        self.evaluator.memo.tick()
        match callee:
            case Function():
                return self._function(callee, arguments, None, site, node)
            case BoundMethod(function=Function() as function, receiver=receiver):
                return self._function(function, arguments.behind(receiver), receiver, site, node)
            case BoundMethod(function=Callable(origin=origin) as inner, receiver=receiver):
                if isinstance(origin, Function):
                    return self._callable(inner, arguments.behind(receiver), site, node)
                return self._callable(inner, arguments, site, node)
            case BoundMethod(function=function, receiver=receiver):
                return self.call(function, arguments.behind(receiver), site, node)
            case ClassObject():
                return self.constructions.construct(callee, arguments, site, node)
            case Callable():
                return self._callable(callee, arguments, site, node)
            case Partial(function=function, positional=positional, keywords=keywords):
                given = dict(keywords) | dict(arguments.keywords)
                merged = Arguments(
                    (*positional, *arguments.positional),
                    tuple(given.items()),
                    arguments.rest,
                    arguments.mapping,
                )
                return self.call(function, merged, site, node)
            case Union(items=items):
                results = [self.call(item, arguments, site, node) for item in items]
                return join(*results)
            case Instance() | Tuple() | Literal():
                if isinstance(callee, Instance) and callee.definition.qualified_name == "builtins.type":
                    return self._instance_of(callee)
                method = self.evaluator.classes.attribute(callee, "__call__")
                if isinstance(method, BoundMethod | Function | Callable | Union | Partial):
                    return self.call(method, arguments, site, node)
                return UNKNOWN
            case Wrapped(function=function):
                return self.call(function, arguments, site, node)
            case TypeVariable(bound=bound) if bound is not None:
                return self.call(bound, arguments, site, node)
            case _:
                return UNKNOWN

    def call_with(self, callee: Type, *positional: Type) -> Type:
        """The result of calling with positional arguments, where no call is written."""
        return self.call(callee, Arguments(positional), self.evaluator.activations.observer)

    @staticmethod
    def positional(*types: Type) -> Arguments:
        """Positional arguments."""
        return Arguments(types)

    def takes(self, callee: Type, positional: tuple[Type, ...]) -> bool:
        """Whether a callable takes these arguments, as far as its declaration says."""
        function = callee.function if isinstance(callee, BoundMethod) else callee
        if not isinstance(function, Function):
            return True
        receiver = callee.receiver if isinstance(callee, BoundMethod) else UNKNOWN
        solution = self.evaluator.classes.receiver_solution(receiver, function.definition.owner)
        arguments = Arguments((receiver, *positional) if isinstance(callee, BoundMethod) else positional)
        for definition in function.overloads or (function.definition,):
            parameters = self.parameters(definition, function)
            bound = self.bind(parameters, arguments)
            if bound.fits and self._takes(parameters, bound, solution):
                return True
        return False

    @staticmethod
    def _instance_of(type: Instance) -> Type:
        return type.arguments[0] if type.arguments else UNKNOWN

    def decorate(self, decorator: Type, value: Type, site: Site | None, node: ast.AST) -> Type:
        """The result of applying a decorator."""
        if isinstance(decorator, SpecialForm | Unknown):
            return UNKNOWN
        return self.call(decorator, Arguments((value,)), site, node)

    # Functions.

    def _function(
        self,
        function: Function,
        arguments: Arguments,
        receiver: Type | None,
        site: Site | None,
        node: ast.AST | None,
    ) -> Type:
        definition = function.definition
        solution: Solution = {}
        if definition.owner is not None:
            first = (
                receiver
                if receiver is not None
                else (arguments.positional[0] if arguments.positional else UNKNOWN)
            )
            solution = self.evaluator.classes.receiver_solution(first, definition.owner)
            solution = {variable: type for variable, type in solution.items() if type != variable}
        if function.overloads:
            return self._overloaded(function, arguments, solution)
        parameters = self.parameters(definition, function)
        bound = self.bind(parameters, arguments)
        if site is not None and definition.module.origin == "workspace":
            names = {parameters[i].name: t for i, t in bound.types.items()}
            site.observe(definition, names, node)
        if self.declares_result(definition):
            return self._declared(definition, function, parameters, bound, solution)
        if definition.module.origin == "stub":
            return UNKNOWN
        return self.evaluator.activations.call(function, parameters, bound, site, node)

    def _overloaded(self, function: Function, arguments: Arguments, solution: Solution) -> Type:
        """The first overload that takes the arguments; with unions, each alternative by itself."""
        candidates = []
        for definition in function.overloads:
            parameters = self.parameters(definition, function)
            bound = self.bind(parameters, arguments)
            if bound.fits:
                candidates.append((definition, parameters, bound))
        matching = [c for c in candidates if self._takes(c[1], c[2], solution)]
        if not matching and candidates:
            split = self._split(function, arguments, solution)
            if split is not None:
                return split
        if not matching:
            matching = candidates if len(candidates) == 1 else []
        if not matching:
            return UNKNOWN
        results = []
        for definition, parameters, bound in matching:
            results.append(self._declared(definition, function, parameters, bound, dict(solution)))
            if not self._ambiguous(parameters, bound):
                break
        return self._agreed(results)

    @staticmethod
    def _ambiguous(parameters: tuple[Parameter, ...], bound: Bound) -> bool:
        """Whether an unknown argument may have chosen the overload."""
        return any(
            isinstance(type, Unknown) and not isinstance(parameters[i].type, Unknown | TypeVariable)
            for i, type in bound.types.items()
        )

    def _agreed(self, results: list[Type]) -> Type:
        first = results[0]
        if all(result == first for result in results):
            return first
        names = {r.definition.name for r in results if isinstance(r, Instance)}
        if len(names) == 1 and all(isinstance(r, Instance) for r in results):
            return Instance(first.definition) if isinstance(first, Instance) else first
        # `str` and `bytes` variants of the same function: text is what people mean.
        if all(isinstance(r, Instance) for r in results) and names <= {"str", "bytes"}:
            return first
        return UNKNOWN

    def _split(self, function: Function, arguments: Arguments, solution: Solution) -> Type | None:
        for position, type in enumerate(arguments.positional):
            if isinstance(type, Union):
                results = []
                for item in type.items:
                    positional = (
                        *arguments.positional[:position],
                        item,
                        *arguments.positional[position + 1 :],
                    )
                    one = Arguments(positional, arguments.keywords, arguments.rest, arguments.mapping)
                    results.append(self._overloaded(function, one, solution))
                return join(*results)
        return None

    def _takes(self, parameters: tuple[Parameter, ...], bound: Bound, solution: Solution) -> bool:
        for index, type in bound.types.items():
            expected = substitute(parameters[index].type, solution, keep=True)
            if not self.generics.accepts(expected, type):
                return False
        return True

    def declares_result(self, definition: FunctionDefinition) -> bool:
        """Whether the function's result is annotated."""
        return getattr(definition.head, "returns", None) is not None

    def _declared(
        self,
        definition: FunctionDefinition,
        function: Function,
        parameters: tuple[Parameter, ...],
        bound: Bound,
        solution: Solution,
    ) -> Type:
        """The annotated result, its variables solved from the arguments, callables last."""
        result = self.result(definition, function)
        if any(isinstance(inner, TypeVariable) for inner in walk(result)) or isinstance(result, Callable):
            late = []
            for index, type in bound.types.items():
                expected = parameters[index].type
                if index == 0 and definition.owner is not None and isinstance(expected, Unknown):
                    continue
                if any(isinstance(item, Callable) for item in alternatives(expected)):
                    late.append((expected, type))
                else:
                    self.generics.solve(expected, type, solution)
            for expected, type in late:
                self.generics.solve(expected, type, solution)
            own = TypeVariable("Self", "Self", "")
            if own in solution:
                solution[own] = substitute(solution[own], solution, keep=True)
            result = substitute(result, solution)
            if isinstance(result, Never):  # an element of a container that is still empty
                result = UNKNOWN
        self._reach_callbacks(parameters, bound, solution)
        return result

    def _reach_callbacks(self, parameters: tuple[Parameter, ...], bound: Bound, solution: Solution) -> None:
        """Functions handed to a function that is known by its signature are called with what it says."""
        site = self.evaluator.activations.observer
        if site is None:
            return
        for index, type in bound.types.items():
            for expected in alternatives(parameters[index].type):
                if isinstance(expected, Callable) and expected.parameters is not None:
                    given = tuple(substitute(p.type, solution) for p in expected.parameters)
                    for item in alternatives(type):
                        if isinstance(item, Function | BoundMethod | Partial):
                            self.call(item, Arguments(given), site)

    def result(self, definition: FunctionDefinition, function: Function) -> Type:
        """The annotated result of a call: a coroutine for `async def`."""
        node = definition.head
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.returns is None:
            return UNKNOWN
        type = self.evaluator.annotations.evaluate(node.returns, function.closure)
        if isinstance(type, SpecialForm):
            type = self.evaluator.instance("bool") if type.name in ("TypeGuard", "TypeIs") else UNKNOWN
        if isinstance(node, ast.AsyncFunctionDef) and not self.evaluator.activations.is_generator(definition):
            return self.evaluator.instance("typing.Coroutine", UNKNOWN, UNKNOWN, type)
        return type

    def parameters(self, definition: FunctionDefinition, function: Function) -> tuple[Parameter, ...]:
        """The parameters of a function with their annotated types."""
        key = ("parameters", definition, function.closure)
        return self.evaluator.memo.get(key, lambda: self._parameters(definition, function), ())

    def _parameters(self, definition: FunctionDefinition, function: Function) -> tuple[Parameter, ...]:
        a = definition.head.args
        positional = [*a.posonlyargs, *a.args]
        required = len(positional) - len(a.defaults)
        made = []
        for position, argument in enumerate(positional):
            hidden = argument.arg.startswith("__") and not argument.arg.endswith("__")
            kind = "positional" if position < len(a.posonlyargs) or hidden else "normal"
            made.append(self._parameter(argument, kind, function, position < required))
        if a.vararg is not None:
            made.append(self._parameter(a.vararg, "variadic", function, False))
        for argument, default in zip(a.kwonlyargs, a.kw_defaults, strict=True):
            made.append(self._parameter(argument, "keyword", function, default is None))
        if a.kwarg is not None:
            made.append(self._parameter(a.kwarg, "keywords", function, False))
        return tuple(made)

    def _parameter(self, argument: ast.arg, kind: str, function: Function, required: bool) -> Parameter:
        type: Type = UNKNOWN
        if argument.annotation is not None:
            type = self.evaluator.annotations.evaluate(argument.annotation, function.closure)
        return Parameter(argument.arg, kind, type, required)  # type: ignore[arg-type]

    def bind(self, parameters: tuple[Parameter, ...], arguments: Arguments) -> Bound:
        """Binds arguments to parameters as a call does."""
        return bind(self.evaluator, parameters, arguments)

    # Callables known by signature.

    def _callable(
        self, callee: Callable, arguments: Arguments, site: Site | None, node: ast.AST | None
    ) -> Type:
        solution: Solution = {}
        if callee.parameters is not None:
            bound = self.bind(callee.parameters, arguments)
            for index, type in bound.types.items():
                self.generics.solve(callee.parameters[index].type, type, solution)
        if callee.origin is not None and site is not None and not isinstance(callee.origin, TypeVariable):
            self.call(callee.origin, arguments, site, node)
        return substitute(callee.returns, solution)

    def declared_arguments(self, callee: BoundMethod) -> Arguments:
        """The arguments that a method declares to need."""
        function = callee.function
        if not isinstance(function, Function):
            return Arguments()
        parameters = self.parameters(function.definition, function)
        required = [p for p in parameters if p.required and p.kind in ("positional", "normal")]
        return Arguments(tuple(substitute(p.type, {}) for p in required[1:]))

    def declared_result(self, callee: BoundMethod) -> Type:
        """The annotated result of a method with its variables kept."""
        function = callee.function
        if not isinstance(function, Function):
            return UNKNOWN
        definition = function.overloads[0] if function.overloads else function.definition
        if not self.declares_result(definition):
            return UNKNOWN
        solution = self.evaluator.classes.receiver_solution(callee.receiver, definition.owner)
        return substitute(self.result(definition, function), solution, keep=True)

    def result_for(self, argument: Type, parameter: Callable, solution: Solution) -> Type:
        """What a callable argument returns when it is called as the parameter says."""
        if parameter.parameters is None:
            return self.declared_or_plain(argument)
        given = Arguments(tuple(substitute(p.type, solution) for p in parameter.parameters))
        return self.call(argument, given, self.evaluator.activations.observer)

    def declared_or_plain(self, callee: Type) -> Type:
        """What a callable returns when nothing is known of its arguments."""
        match callee:
            case Function(definition=definition) | BoundMethod(function=Function(definition=definition)):
                function = callee if isinstance(callee, Function) else callee.function
                assert isinstance(function, Function)
                if self.declares_result(definition):
                    return self.result(definition, function)
                plain = self.evaluator.activations.plain_result(function)
                if is_complete(plain) or definition.module.origin != "workspace":
                    return plain
                return self.evaluator.activations.canonical(function).returns
            case ClassObject(definition=definition, arguments=arguments):
                return Instance(definition, arguments)
            case Callable(returns=returns):
                return returns
            case _:
                result = self.call(callee, Arguments(), None)
                return result if known(result) != NEVER else UNKNOWN
