"""Arguments, and how a call binds them to parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typewright.analysis.types import Instance, Parameter, Type, join, widen_literals

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call passes. `rest` and `mapping` are the elements of `*x` and `**x` of unknown length."""

    positional: tuple[Type, ...] = ()
    keywords: tuple[tuple[str, Type], ...] = ()
    rest: Type | None = None
    mapping: Type | None = None

    def behind(self, *first: Type) -> Arguments:
        """The same call with more arguments in front."""
        return Arguments((*first, *self.positional), self.keywords, self.rest, self.mapping)


@dataclass(frozen=True, slots=True)
class Bound:
    """Arguments by parameter, those of `*args` and `**kwargs` joined, and packed as the function sees them.

    `fits` is False where the call would fail.
    """

    types: dict[int, Type]
    fits: bool
    packed: dict[int, Type]


def bind(evaluator: Evaluator, parameters: tuple[Parameter, ...], arguments: Arguments) -> Bound:
    """Binds arguments to parameters as a call does."""
    types: dict[int, Type] = {}
    packed: dict[int, Type] = {}
    waiting, given = list(arguments.positional), dict(arguments.keywords)
    by_name = {p.name: i for i, p in enumerate(parameters) if p.kind in ("normal", "keyword")}
    for index, parameter in enumerate(parameters):
        if parameter.kind in ("positional", "normal"):
            if waiting:
                types[index] = waiting.pop(0)
            elif arguments.rest is not None and parameter.required and parameter.name not in given:
                types[index] = arguments.rest
        elif parameter.kind == "variadic":
            rest = [*waiting, *([arguments.rest] if arguments.rest is not None else [])]
            if arguments.rest is None:
                packed[index] = evaluator.tuple_of(*waiting)
            elif rest:
                packed[index] = evaluator.instance("tuple", widen_literals(join(*rest)))
            waiting = []
            if rest:
                types[index] = join(*rest)
    fits = not waiting
    extra: list[Type] = []
    named: list[tuple[str, Type]] = []
    for name, type in arguments.keywords:
        index = by_name.get(name, -1)
        if index < 0 or (index in types and arguments.rest is None):
            extra.append(type)
            named.append((name, type))
            fits = fits and index < 0
        else:
            types[index] = type
    mapping = next((i for i, p in enumerate(parameters) if p.kind == "keywords"), None)
    if arguments.mapping is not None:
        for index, parameter in enumerate(parameters):
            if index not in types and parameter.kind in ("normal", "keyword") and parameter.required:
                types[index] = arguments.mapping
        extra.append(arguments.mapping)
    if mapping is not None:
        if extra:
            types[mapping] = join(*extra)
        made = evaluator.instance("dict", evaluator.instance("str"), widen_literals(join(*extra)))
        packed[mapping] = Instance(made.definition, made.arguments, tuple(named))
    elif extra and arguments.mapping is None:
        fits = False
    missing = any(p.required and i not in types for i, p in enumerate(parameters))
    return Bound(types, fits and not missing, packed)
