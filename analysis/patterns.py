"""`match` statements: what each case binds and leaves over."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.narrowing import by_class, narrow
from typewright.analysis.references import reference
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    ClassObject,
    Instance,
    Literal,
    Never,
    Tuple,
    Type,
    Unknown,
    alternatives,
    join,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.flow import Flow


def match_cases(flow: Flow, node: ast.Match) -> None:
    """Runs the cases of a `match` one after the other on what earlier ones left over."""
    subject = flow.evaluate(node.subject)
    before = flow.environment
    ends = []
    exhausted = False
    for case in node.cases:
        if exhausted:
            break
        flow.environment, flow.reachable = before.copy(), True
        matched = pattern(flow, case.pattern, subject)
        key = reference(node.subject)
        if key is not None and not isinstance(matched, Never):
            if isinstance(node.subject, ast.Name):
                flow.environment.names[key] = matched
            else:
                flow.environment.facts[key] = matched
        if case.guard is not None:
            flow.evaluate(case.guard)
            flow.environment = narrow(flow, case.guard, True)
        flow.run(case.body)
        if flow.reachable:
            ends.append(flow.environment)
        if case.guard is None:
            exhausted = _is_irrefutable(case.pattern)
            subject = _left_over(flow, case.pattern, subject)
    if not exhausted:
        ends.append(before.copy())
    flow.meet(ends, before)


def _is_irrefutable(node: ast.pattern) -> bool:
    match node:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=inner) if inner is not None:
            return _is_irrefutable(inner)
        case ast.MatchOr(patterns=patterns):
            return any(_is_irrefutable(p) for p in patterns)
        case _:
            return False


def _left_over(flow: Flow, node: ast.pattern, subject: Type) -> Type:
    """What of the subject gets past a case."""
    match node:
        case ast.MatchOr(patterns=patterns):
            for inner in patterns:
                subject = _left_over(flow, inner, subject)
            return subject
        case ast.MatchAs(pattern=inner) if inner is not None:
            return _left_over(flow, inner, subject)
        case ast.MatchClass(cls=cls, patterns=[], kwd_patterns=[]):
            value = flow.quietly(cls)
            if isinstance(value, ClassObject):
                return by_class(flow, subject, [Instance(value.definition)], False)
            return subject
        case ast.MatchSingleton(value=None):
            kept = [item for item in alternatives(subject) if item != NONE]
            return join(*kept) if kept else UNKNOWN
        case ast.MatchValue(value=value):
            found = flow.quietly(value)
            kept = [
                item for item in alternatives(subject) if not (isinstance(found, Literal) and item == found)
            ]
            return join(*kept) if kept else UNKNOWN
        case _:
            return subject


def pattern(flow: Flow, node: ast.pattern, subject: Type) -> Type:
    """Binds the names of a pattern and returns what the subject is where it matches."""
    match node:
        case ast.MatchValue(value=value):
            return flow.evaluate(value)
        case ast.MatchSingleton(value=value):
            return NONE if value is None else flow.evaluator.literal(value)
        case ast.MatchAs(pattern=inner, name=name):
            matched = pattern(flow, inner, subject) if inner is not None else subject
            if name is not None:
                _capture(flow, name, node, matched)
            return matched
        case ast.MatchOr(patterns=patterns):
            return join(*(pattern(flow, inner, subject) for inner in patterns))
        case ast.MatchSequence(patterns=patterns):
            return _sequence(flow, patterns, subject)
        case ast.MatchStar(name=name):
            if name is not None:
                _capture(flow, name, node, subject)
            return subject
        case ast.MatchMapping():
            return _mapping(flow, node, subject)
        case ast.MatchClass():
            return _class(flow, node, subject)
        case _:
            return subject


def _capture(flow: Flow, name: str, node: ast.AST, type: Type) -> None:
    flow.environment.forget(name)
    flow.environment.names[name] = UNKNOWN if isinstance(type, Never) else type
    if flow.types is not None:
        flow.types[node] = type


def _sequence(flow: Flow, patterns: list[ast.pattern], subject: Type) -> Type:
    star = next((i for i, p in enumerate(patterns) if isinstance(p, ast.MatchStar)), None)
    kept: list[Type] = []
    columns: list[Type] = [NEVER] * len(patterns)
    for item in alternatives(subject):
        items = flow.operators.positions(item)
        if isinstance(item, Instance | Literal) and item.definition.name in (
            "str",
            "bytes",
            "dict",
            "set",
            "int",
            "float",
            "bool",
        ):
            continue
        if items is not None and isinstance(item, Tuple):
            if len(items) != len(patterns) if star is None else len(items) < len(patterns) - 1:
                continue
        else:
            items = None
        kept.append(item)
        element = flow.operators.element(item)
        for position in range(len(patterns)):
            if star == position:
                part: Type = flow.evaluator.instance("list", widen_literals(element))
            elif items is not None:
                after = len(patterns) - position
                part = items[position] if star is None or position < star else items[len(items) - after]
            else:
                part = element
            columns[position] = join(columns[position], part)
    for inner, column in zip(patterns, columns, strict=True):
        pattern(flow, inner, UNKNOWN if isinstance(column, Never) else column)
    return join(*kept) if kept else UNKNOWN


def _mapping(flow: Flow, node: ast.MatchMapping, subject: Type) -> Type:
    mapping, classes = flow.evaluator.class_named("typing.Mapping"), flow.evaluator.classes
    kept = [
        item
        for item in alternatives(subject)
        if isinstance(item, Unknown) or classes.supertype(item, mapping) is not None
    ]
    matched = join(*kept) if kept else UNKNOWN
    for key, inner in zip(node.keys, node.patterns, strict=True):
        index = flow.evaluate(key)
        pattern(flow, inner, flow.operators.subscript(matched, index))
    if node.rest is not None:
        arguments = flow.evaluator.classes.supertype(matched, mapping)
        _capture(flow, node.rest, node, flow.evaluator.instance("dict", *(arguments or (UNKNOWN, UNKNOWN))))
    return matched


def _class(flow: Flow, node: ast.MatchClass, subject: Type) -> Type:
    value = flow.evaluate(node.cls)
    if not isinstance(value, ClassObject):
        for inner in (*node.patterns, *node.kwd_patterns):
            pattern(flow, inner, UNKNOWN)
        return UNKNOWN
    matched = by_class(flow, subject, [Instance(value.definition)], True)
    names = positional_names(flow, value)
    for position, inner in enumerate(node.patterns):
        if value.definition.module.name == "builtins" and position == 0:
            pattern(flow, inner, matched)
        elif position < len(names):
            pattern(flow, inner, flow.attribute(matched, names[position]))
        else:
            pattern(flow, inner, UNKNOWN)
    for name, inner in zip(node.kwd_attrs, node.kwd_patterns, strict=True):
        pattern(flow, inner, flow.attribute(matched, name))
    return matched


def positional_names(flow: Flow, value: ClassObject) -> list[str]:
    """The attributes that positional sub-patterns of a class look at: `__match_args__`."""
    declared = flow.evaluator.classes.attribute(value, "__match_args__")
    if isinstance(declared, Tuple):
        return [str(item.value) for item in declared.items if isinstance(item, Literal)]
    fields = flow.evaluator.calls.constructions.field_parameters(value.definition)
    return [field.name for field in fields or ()]
