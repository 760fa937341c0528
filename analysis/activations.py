"""Scopes that are run: module and class bodies, functions for their known callers, functions for one call."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING

from typewright.analysis.definitions import (
    ClassDefinition,
    Environment,
    Frame,
    FunctionDefinition,
    ModuleDefinition,
)
from typewright.analysis.expressions import Expressions
from typewright.analysis.fixpoint import Exhausted
from typewright.analysis.flow import Flow
from typewright.analysis.outcomes import (
    Outcome,
    has_yield,
    ignores_sent,
    is_ellipsis,
    is_placeholder,
    mentioned_names,
    widened_outcome,
)
from typewright.analysis.scopes import Binding, Scope, parameters
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Function,
    Never,
    Parameter,
    Type,
    Unknown,
    is_complete,
    join,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.arguments import Bound
    from typewright.analysis.calls import Site
    from typewright.analysis.evaluator import Evaluator


class Activations:
    """Runs scopes and keeps what comes out."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.observer: Site | None = None
        self._contexts: dict[FunctionDefinition, set[object]] = {}

    def reader(self, frame: Frame) -> Expressions:
        """Evaluates expressions by declaration, as they are once the frame has run."""
        reader = Expressions(self.evaluator, frame)
        reader.environment = Environment()
        return reader

    # Bodies of modules and classes.

    def body(self, frame: Frame) -> Outcome | None:
        """The outcome of a module's or class's body."""
        return self.evaluator.memo.get(
            ("body", frame.key), lambda: self._body(frame), Outcome(NEVER), widened_outcome, Outcome(UNKNOWN)
        )

    def _body(self, frame: Frame) -> Outcome:
        self.evaluator.memo.depend(frame.module.bit)
        node = frame.scope.node
        assert isinstance(node, ast.Module | ast.ClassDef)
        frame.environment = Environment()
        return self._run(frame, lambda flow: flow.run(node.body), recording=True)[1]

    def run_class_body(self, _flow: Flow, definition: ClassDefinition) -> None:
        """Runs the body of a class where its statement stands."""
        if definition.body is not None:
            self.body(definition.body)

    def _run(self, frame: Frame, work: object, *, recording: bool) -> tuple[Flow, Outcome]:
        memo = self.evaluator.memo
        flow = Flow(self.evaluator, frame, {} if recording else None)
        frame.depth = memo.depth - 1
        outside = self.observer
        self.observer = flow
        try:
            with memo.apart(memo.budget.steps) if recording else memo.limited(memo.budget.call_steps):
                work(flow)  # type: ignore[operator]
        except (Exhausted, RecursionError):
            if memo.exceeded or memo.overdrawn:
                raise
            memo.truncate()
            flow.returned.append((ast.Return(), UNKNOWN))
        finally:
            frame.depth = None
            self.observer = outside
        if recording:
            self._lambdas(flow)
        observations = [(node, function, bound) for (node, function), bound in flow.observations.items()]
        outcome = Outcome(
            NEVER,
            frame,
            flow.types if flow.types is not None else {},
            flow.stores,
            flow.growth,
            flow.returned,
            observations,
            dict(frame.environment.names) if frame.environment is not None else {},
        )
        return flow, outcome

    def _lambdas(self, flow: Flow) -> None:
        """Records what lambdas do for the arguments with which they were seen called."""
        seen: dict[ast.AST, dict[str, Type]] = {}
        for (_, function), bound in list(flow.observations.items()):
            if isinstance(function.node, ast.Lambda) and function.module is flow.frame.module:
                merged = seen.setdefault(function.node, {})
                for name, type in bound.items():
                    merged[name] = join(merged.get(name, NEVER), widen_literals(type))
        scopes = flow.frame.module.scopes
        for node in list(flow.types or ()):
            if not isinstance(node, ast.Lambda):
                continue
            definition = self.evaluator.declarations.function_definition(flow.frame, node)
            frame = Frame(scopes.inner(node), flow.frame.module, flow.frame, None, function=definition)
            bound = seen.get(node, {})
            names: dict[str, Type] = {}
            for argument in parameters(node.args):
                default = self.default(Function(definition, flow.frame), argument.arg)
                passed = join(bound.get(argument.arg, NEVER), widen_literals(default or NEVER))
                names[argument.arg] = UNKNOWN if isinstance(passed, Never) else passed
                if flow.types is not None:
                    flow.types[argument] = names[argument.arg]
            frame.environment = Environment(names)
            inner = Expressions(self.evaluator, frame, flow.types)
            try:
                result = inner.evaluate(node.body)
            except (Exhausted, RecursionError):
                result = UNKNOWN
            flow.observations.update(inner.observations)
            if flow.types is not None:
                flow.types[node.body] = result

    # Functions.

    def is_generator(self, definition: FunctionDefinition) -> bool:
        """Whether a function contains `yield`."""
        key = ("generator", definition)
        return self.evaluator.memo.get(key, lambda: has_yield(definition.node), False)

    def canonical(self, function: Function) -> Outcome:
        """The outcome of a function for all of its known callers."""
        definition = function.definition
        return self.evaluator.memo.get(
            ("canonical", definition),
            lambda: self._canonical(function),
            Outcome(NEVER),
            widened_outcome,
            Outcome(UNKNOWN),
        )

    def canonical_of(self, frame: Frame) -> None:
        """Runs the function of a frame that has not run, so that its names can be read."""
        if frame.function is None or frame.parent is None:
            return
        outcome = self.canonical(Function(frame.function, frame.parent))
        if outcome.frame is not None:
            frame.environment = outcome.frame.environment

    def _canonical(self, function: Function) -> Outcome:
        definition = function.definition
        memo = self.evaluator.memo
        memo.depend(definition.module.bit)
        names, recorded = self.evaluator.callers.parameter_types(function)
        frame = Frame(definition.scope, definition.module, function.closure, None, function=definition)
        frame.environment = Environment(names)
        flow, outcome = self._run(frame, lambda flow: self._statements(flow, definition), recording=True)
        outcome.types.update(recorded)
        outcome.returns = self._result(flow, definition)
        return outcome

    def _statements(self, flow: Flow, definition: FunctionDefinition) -> None:
        node = definition.node
        if isinstance(node, ast.Lambda):
            flow.returned.append((ast.Return(), flow.evaluate(node.body)))
            flow.reachable = False
        else:
            flow.run(node.body)

    def _result(self, flow: Flow, definition: FunctionDefinition) -> Type:
        """What a call of the function gives, from what its body returns and yields."""
        node = definition.node
        returned = [flow.final(type) for _, type in flow.returned]
        if flow.reachable:
            returned.append(NONE)
        result = join(*returned)
        if isinstance(result, Never) and is_placeholder(node):
            result = UNKNOWN
        if flow.reachable and not flow.returned and is_ellipsis(node):
            result = UNKNOWN
        instance = self.evaluator.instance
        if self.is_generator(definition):
            yielded = (
                widen_literals(join(*(flow.final(t) for t in flow.yielded))) if flow.yielded else UNKNOWN
            )
            sent = NONE if ignores_sent(node) else UNKNOWN
            if isinstance(result, Unknown) and is_placeholder(node):
                result = NONE
            if isinstance(node, ast.AsyncFunctionDef):
                return instance("typing.AsyncGenerator", yielded, sent)
            return instance("typing.Generator", yielded, sent, NONE if isinstance(result, Never) else result)
        if isinstance(node, ast.AsyncFunctionDef):
            return instance("typing.Coroutine", UNKNOWN, UNKNOWN, result)
        return result

    def call(
        self,
        function: Function,
        parameters: tuple[Parameter, ...],
        bound: Bound,
        site: Site | None,
        node: ast.AST | None,
    ) -> Type:
        """The result of one call of a function whose result is not annotated."""
        names = self._call_names(function, parameters, bound)
        arguments = tuple(names.items())
        key = ("call", function.definition, function.closure.key, arguments)
        memo = self.evaluator.memo
        if not memo.has(key) and not self._admit(function.definition, key):
            names = self._call_names(function, parameters, None)
            arguments = tuple(names.items())
            key = ("call", function.definition, function.closure.key, arguments)
        outcome = memo.get(
            key,
            lambda: self._called(function, names, arguments),
            Outcome(NEVER),
            widened_outcome,
            Outcome(UNKNOWN),
            transient=True,
        )
        if site is not None:
            for _, definition, given in outcome.observations:
                site.observe(definition, given, node)
            site.fill(outcome.growth)
        return outcome.returns

    def _admit(self, definition: FunctionDefinition, key: object) -> bool:
        """Whether a function may be interpreted for yet other arguments."""
        contexts = self._contexts.setdefault(definition, set())
        if key not in contexts and len(contexts) >= self.evaluator.budget.contexts:
            return False
        contexts.add(key)
        return True

    def _call_names(
        self, function: Function, parameters: tuple[Parameter, ...], bound: Bound | None
    ) -> dict[str, Type]:
        names: dict[str, Type] = {}
        packed = bound.packed if bound is not None else {}
        types = bound.types if bound is not None else {}
        for index, parameter in enumerate(parameters):
            type = packed.get(index) or types.get(index)
            if parameter.kind in ("variadic", "keywords"):
                names[parameter.name] = packed.get(index) or self.packed(parameter, parameter.type)
            elif type is None:
                default = self.default(function, parameter.name)
                if isinstance(parameter.type, Unknown) and default is not None:
                    names[parameter.name] = default if bound is not None else join(default, UNKNOWN)
                else:
                    names[parameter.name] = parameter.type
            elif isinstance(parameter.type, Unknown) or is_complete(type):
                names[parameter.name] = type
            else:
                names[parameter.name] = parameter.type
        return names

    def packed(self, parameter: Parameter, element: Type) -> Type:
        """What `*args` and `**kwargs` hold inside the function, for elements of a type."""
        if parameter.kind == "variadic":
            return self.evaluator.instance("tuple", element)
        return self.evaluator.instance("dict", self.evaluator.instance("str"), element)

    def default(self, function: Function, name: str) -> Type | None:
        """The type of a parameter's default; None where it has none."""
        a = function.definition.node.args
        positional = [*a.posonlyargs, *a.args]
        pairs = [*zip(positional[len(positional) - len(a.defaults) :], a.defaults, strict=True)]
        pairs += [(x, d) for x, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
        for argument, default in pairs:
            if argument.arg == name:
                reader = self.reader(function.closure)
                key = ("default", default, function.closure.key)
                return self.evaluator.memo.get(key, partial(reader.evaluate, default), UNKNOWN)
        return None

    def plain_result(self, function: Function) -> Type:
        """The result of an un-annotated function when nothing is known of its arguments."""
        calls = self.evaluator.calls
        parameters = calls.parameters(function.definition, function)
        names = self._call_names(function, parameters, None)
        arguments = tuple(names.items())
        key = ("call", function.definition, function.closure.key, arguments)
        return self.evaluator.memo.get(
            key,
            lambda: self._called(function, names, arguments),
            Outcome(NEVER),
            widened_outcome,
            Outcome(UNKNOWN),
        ).returns

    def _called(self, function: Function, names: dict[str, Type], arguments: Hashable) -> Outcome:
        definition = function.definition
        memo = self.evaluator.memo
        memo.depend(definition.module.bit)
        frame = Frame(definition.scope, definition.module, function.closure, arguments, function=definition)
        frame.environment = Environment(dict(names))
        flow, outcome = self._run(frame, lambda flow: self._statements(flow, definition), recording=False)
        outcome.returns = self._result(flow, definition)
        mentioned = self.mentioned(definition)
        outcome.observations = [
            seen
            for seen in outcome.observations
            if isinstance(seen[1].node, ast.Lambda) or seen[1].name not in mentioned
        ]
        outcome.names = {}
        return outcome

    def mentioned(self, definition: FunctionDefinition) -> frozenset[str]:
        """The names and attributes that a function mentions: calls of these are found by their name."""
        return self.evaluator.memo.get(
            ("mentioned", definition), lambda: mentioned_names(definition.node), frozenset()
        )

    # From syntax to outcomes.

    def frame_for(self, module: ModuleDefinition, scope: Scope) -> Frame:
        """The frame in which a scope's own statements run."""
        if scope.kind == "module":
            return module.frame
        assert scope.parent is not None
        around = self.frame_for(module, scope.parent)
        node = scope.node
        if scope.kind == "class" and isinstance(node, ast.ClassDef):
            body = self.evaluator.declarations.class_definition(around, node).body
            return body if body is not None else around
        if scope.kind == "function" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            definition = self.evaluator.declarations.function_definition(around, node)
            outcome = self.canonical(Function(definition, around))
            return outcome.frame or Frame(scope, module, around, None, function=definition)
        return around

    def outcome_of(self, module: ModuleDefinition, scope: Scope) -> Outcome | None:
        """The outcome of the module, class or function that a scope belongs to."""
        owner = scope.enclosing("module", "class", "function")
        assert owner is not None
        if owner.kind == "function" and isinstance(owner.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return self.canonical(self.function_at(module, owner.node))
        return self.body(self.frame_for(module, owner))

    def function_at(self, module: ModuleDefinition, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
        """The function that a `def` defines, in its canonical surroundings."""
        inner = module.scopes.inner(node)
        assert inner.parent is not None
        closure = self.frame_for(module, inner.parent)
        return Function(self.evaluator.declarations.function_definition(closure, node), closure)

    def assigned(self, module: ModuleDefinition, binding: Binding) -> Type:
        """What a binding assigns, from running its scope."""
        outcome = self.outcome_of(module, binding.scope)
        if outcome is None:
            return UNKNOWN
        return outcome.types.get(binding.node, UNKNOWN)

    def type_of(self, module: ModuleDefinition, node: ast.AST) -> Type | None:
        """The type of a node of a module; None where it was never reached."""
        scope = module.scopes.scope_of(node)
        if isinstance(node, ast.arg):
            scope = scope if scope.kind != "lambda" else (scope.parent or scope)
        outcome = self.outcome_of(module, scope)
        if outcome is None:
            return None
        found = outcome.types.get(node)
        return outcome.final(found) if found is not None else None
