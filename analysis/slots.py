"""The places where a type could be written and none is: parameters, returns, variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis.callers import first_sites
from typewright.analysis.definitions import ModuleDefinition
from typewright.analysis.evidence import Evidence, Inferred
from typewright.analysis.fixpoint import Exhausted
from typewright.analysis.outcomes import Outcome, is_placeholder
from typewright.analysis.scopes import parameters
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Instance,
    Never,
    Type,
    Unknown,
    alternatives,
    is_complete,
    join,
    known,
    limit_depth,
    render,
    simplified,
    widen_literals,
)
from typewright.indexer.cancellation import NEVER as NO_CANCEL
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.syntax import Syntax

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

SlotKind = Literal["return", "param", "variable"]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_RECEIVERS = frozenset({"self", "cls", "mcs", "mcls"})


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a type, 1-based at the identifier, with what is known of it.

    `function` is the dotted scope: the function itself for its return. `default_none` says that a
    parameter's default is None, `class_name` names the class around.
    """

    kind: SlotKind
    path: Path
    line: int
    column: int
    function: str
    name: str
    inferred: Inferred
    default_none: bool
    class_name: str


@dataclass(frozen=True, slots=True)
class _Place:
    kind: SlotKind
    node: ast.AST
    function: str
    name: str
    class_name: str
    default_none: bool = False


@dataclass(frozen=True, slots=True)
class _Visit:
    """A node to be visited: its dotted scope, the function around it, the class around it."""

    node: ast.AST
    scope: tuple[str, ...]
    function: str
    class_name: str
    in_class: bool


class Slots:
    """Finds the slots of a file and fills them."""

    def __init__(self, evaluator: Evaluator, path: Path) -> None:
        self.evaluator = evaluator
        self.path = path
        self.module: ModuleDefinition = evaluator.modules.at(path)
        self.syntax: Syntax = evaluator.modules.syntax(path)

    def all(self, cancel: CancelToken = NO_CANCEL) -> Iterator[Slot]:
        """Every slot, in the order of the text. Where the budget ends, types are unknown."""
        for place in self.places():
            cancel.check()
            try:
                inferred = self._inferred(place)
            except (Exhausted, RecursionError):
                inferred = Inferred(UNKNOWN, (), 0.0)
            span = (
                self.syntax.name_span(place.node)
                if isinstance(place.node, (*_FUNCTIONS, ast.ExceptHandler))
                else self.syntax.span(place.node)
            )
            yield Slot(
                place.kind, self.path, span.line, span.column, place.function, place.name, inferred,
                place.default_none, place.class_name,
            )  # fmt: skip

    # Places.

    def places(self) -> Iterator[_Place]:
        """The un-annotated places of the file. An explicit stack: expressions may be thousands deep."""
        waiting: list[_Place | _Visit] = [_Visit(self.module.tree, (), "", "", False)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, _Place):
                yield item
            else:
                waiting.extend(reversed(list(self._visited(item))))

    def _visited(self, at: _Visit) -> Iterator[_Place | _Visit]:
        """What visiting a node leads to: places, and nodes inside."""
        node = at.node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node, at)
            case ast.ClassDef(name=name, body=body):
                for statement in body:
                    yield _Visit(statement, (*at.scope, name), at.function, name, True)
            case ast.Lambda(args=arguments, body=body):
                yield from self._arguments(arguments, "lambda", at.class_name, False)
                yield replace(at, node=body, in_class=False)
            case _:
                if isinstance(node, ast.ExceptHandler) and node.name is not None:
                    yield _Place("variable", node, at.function, node.name, at.class_name)
                for target in _targets(node):
                    yield from self._target(target, at.function, at.class_name)
                inside = at.in_class and isinstance(node, ast.If | ast.Try | ast.With)
                for child in ast.iter_child_nodes(node):
                    yield replace(at, node=child, in_class=inside)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, at: _Visit
    ) -> Iterator[_Place | _Visit]:
        name = ".".join((*at.scope, node.name))
        owner = at.class_name if at.in_class else ""
        if node.returns is None:
            yield _Place("return", node, name, node.name, owner)
        yield from self._arguments(node.args, name, owner, at.in_class)
        outer = [
            *node.decorator_list,
            *node.args.defaults,
            *(d for d in node.args.kw_defaults if d is not None),
        ]
        for expression in outer:
            yield replace(at, node=expression, in_class=False)
        for statement in node.body:
            yield _Visit(statement, (*at.scope, node.name), name, owner, False)

    def _arguments(
        self, node: ast.arguments, function: str, class_name: str, method: bool
    ) -> Iterator[_Place]:
        first = next(iter([*node.posonlyargs, *node.args]), None) if method else None
        defaults = dict(
            zip([a.arg for a in [*node.posonlyargs, *node.args]][::-1], node.defaults[::-1], strict=False)
        )
        defaults.update(
            {a.arg: d for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None}
        )
        for argument in parameters(node):
            if argument.annotation is not None or (argument is first and argument.arg in _RECEIVERS):
                continue
            default = defaults.get(argument.arg)
            none = isinstance(default, ast.Constant) and default.value is None
            yield _Place("param", argument, function, argument.arg, class_name, none)

    def _target(self, target: ast.expr, function: str, class_name: str) -> Iterator[_Place]:
        match target:
            case ast.Name(id=name):
                yield _Place("variable", target, function, name, class_name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    yield from self._target(element, function, class_name)
            case ast.Starred(value=value):
                yield from self._target(value, function, class_name)
            case ast.Attribute() | ast.Subscript(slice=ast.Constant(value=str() | int() | bytes())):
                yield _Place("variable", target, function, self.syntax.source(target), class_name)
            case _:
                return

    # Types.

    def _inferred(self, place: _Place) -> Inferred:
        match place.kind:
            case "return":
                return self._returned(place)
            case "param":
                return self._parameter(place)
            case _:
                return self._variable(place)

    def _outcome(self, node: ast.AST) -> Outcome | None:
        return self.evaluator.activations.outcome_of(self.module, self.module.scopes.scope_of(node))

    def _returned(self, place: _Place) -> Inferred:
        node = place.node
        assert isinstance(node, _FUNCTIONS)
        activations = self.evaluator.activations
        function = activations.function_at(self.module, node)
        outcome = activations.canonical(function)
        type = outcome.returns
        if known(type) == NEVER:
            type = self.evaluator.overrides.result_type(function.definition) or type
        if isinstance(node, ast.AsyncFunctionDef) and not activations.is_generator(function.definition):
            type = self.evaluator.awaited(type)
        evidence = [
            Evidence(
                "return", f"returns {render(widen_literals(t))}", self.path, getattr(r, "lineno", node.lineno)
            )
            for r, t in outcome.returned[:5]
        ]
        if not evidence:
            evidence = [Evidence("return", "has no return statement", self.path, node.lineno)]
        if isinstance(type, Never) and not outcome.returned and _raises(node):
            return Inferred(NEVER, (Evidence("return", "never returns", self.path, node.lineno),), 0.9)
        return self._shown(type, tuple(evidence), 0.9)

    def _parameter(self, place: _Place) -> Inferred:
        node = place.node
        owner = self.module.scopes.scope_of(node).node
        if isinstance(owner, ast.Lambda):
            outcome = self.evaluator.activations.outcome_of(self.module, self.module.scopes.scope_of(node))
            type = outcome.types.get(node, UNKNOWN) if outcome is not None else UNKNOWN
            if isinstance(known(type), Never) and isinstance(node, ast.arg):
                type = self.evaluator.callers.passed_to_lambda(self.module, owner, node.arg)
            return self._shown(type, (), 0.8)
        assert isinstance(owner, _FUNCTIONS)
        assert isinstance(node, ast.arg)
        activations = self.evaluator.activations
        function = activations.function_at(self.module, owner)
        outcome = activations.canonical(function)
        type = outcome.final(outcome.types.get(node, UNKNOWN))
        sites = self.evaluator.callers.sites(function).get(node.arg, (NEVER, ()))
        evidence = first_sites(sites[1])
        default = activations.default(function, node.arg)
        if default is not None:
            evidence.append(
                Evidence("default", f"default is {render(widen_literals(default))}", self.path, node.lineno)
            )
        certainty = 0.85 if sites[1] else 0.6
        if not sites[1] and isinstance(default, Instance) and default.definition.module.origin == "workspace":
            certainty = 0.25  # most often a mark that nothing was passed
        if known(type) == NONE:
            return Inferred(UNKNOWN, tuple(evidence), 0.0)
        return self._shown(type, tuple(evidence), certainty)

    def _variable(self, place: _Place) -> Inferred:
        outcome = self._outcome(place.node)
        if outcome is None:
            return Inferred(UNKNOWN, (), 0.0)
        type = outcome.types.get(place.node)
        if type is None:
            return Inferred(UNKNOWN, (), 0.0)
        type = self._filled(place.node, type)
        line = getattr(place.node, "lineno", 0)
        evidence = Evidence("assignment", f"assigned {render(widen_literals(type))}", self.path, line)
        return self._shown(outcome.final(type), (evidence,), 1.0)

    def _filled(self, node: ast.AST, type: Type) -> Type:
        """An attribute's container with what other methods put into it."""
        open_ = [item for item in alternatives(type) if isinstance(item, Instance) and item.sites]
        declared: Type | None = None
        if open_ and isinstance(node, ast.Attribute):
            receiver = self.evaluator.infer(self.path, node.value).type
            declared = self.evaluator.classes.attribute(receiver, node.attr)
        elif open_ and isinstance(node, ast.Name):
            declared = self._settled(node)
        if declared is None:
            return type
        sites = frozenset[object]().union(*(item.sites for item in open_))
        filled = [i for i in alternatives(declared) if isinstance(i, Instance) and i.sites & sites]
        return join(type, *filled)

    def _settled(self, node: ast.Name) -> Type | None:
        """What a name holds in the end, with what other scopes put into it."""
        scope = self.module.scopes.scope_of(node).enclosing("module", "class", "function")
        if scope is None or node.id not in scope.bindings:
            return None
        frame = self.evaluator.activations.frame_for(self.module, scope)
        if frame.owner is not None:
            return self.evaluator.attributes.assigned(frame.owner, node.id)
        return self.evaluator.names.settled(frame, node.id)

    def _shown(self, type: Type, evidence: tuple[Evidence, ...], certainty: float) -> Inferred:
        """A type as a slot shows it: literals widened, unknown alternatives dropped but counted."""
        widened = limit_depth(self.evaluator.classes.absorbed(widen_literals(type)))
        if isinstance(widened, Never):
            return Inferred(NEVER, evidence, certainty * 0.5)
        shown = simplified(widened)
        if isinstance(shown, Unknown):
            return Inferred(UNKNOWN, evidence, 0.0)
        if known(widened) != widened:
            certainty *= 0.5
        elif not is_complete(shown):
            certainty *= 0.8
        return Inferred(shown, evidence, certainty)


def _raises(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function ends by raising, and does not only stand for those that override it."""
    return isinstance(node.body[-1], ast.Raise) and not is_placeholder(node)


def _targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            return [target]
        case ast.comprehension(target=target) | ast.NamedExpr(target=target):
            return [target]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.optional_vars for item in items if item.optional_vars is not None]
        case _:
            return []
