"""Scopes that are run: module and class bodies, functions for their known callers, functions for one call."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from typewright.analysis.definitions import (
    ClassDefinition,
    Environment,
    Frame,
    FunctionDefinition,
    ModuleDefinition,
    frame_of,
    read_deep,
    read_own,
)
from typewright.analysis.expressions import Expressions
from typewright.analysis.fixpoint import Exhausted
from typewright.analysis.flow import Flow
from typewright.analysis.outcomes import (
    Observation,
    Outcome,
    has_yield,
    ignores_sent,
    is_abstract,
    is_ellipsis,
    is_not_implemented,
    is_placeholder,
    is_stub,
    mentioned_names,
    widened_outcome,
)
from typewright.analysis.scopes import Binding, Scope, parameters
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Function,
    Instance,
    Never,
    Parameter,
    Type,
    Unknown,
    alternatives,
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
        self._contexts: dict[FunctionDefinition, dict[object, None]] = {}

    def reader(self, frame: Frame) -> Expressions:
        """Evaluates expressions by declaration, as they are once the frame has run."""
        reader = Expressions(self.evaluator, frame)
        reader.environment = Environment()
        return reader

    # Bodies of modules and classes.

    def body(self, frame: Frame) -> Outcome | None:
        """The outcome of a module's or class's body."""
        return self.evaluator.memo.get(
            ("body", frame), lambda: self._body(frame), Outcome(NEVER), widened_outcome, Outcome(UNKNOWN)
        )

    def _body(self, frame: Frame) -> Outcome:
        read_own(frame.scope)
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
            if isinstance(function.written, ast.Lambda) and function.module is flow.frame.module:
                merged = seen.setdefault(function.written, {})
                for name, type in bound.items():
                    merged[name] = join(merged.get(name, NEVER), widen_literals(type))
        for node in list(flow.types or ()):
            if not isinstance(node, ast.Lambda):
                continue
            definition = self.evaluator.declarations.function_definition(flow.frame, node)
            frame = frame_of(definition, flow.frame, None)
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

    def local(self, frame: Frame, name: str) -> Type:
        """What a name of a function holds once the function has run."""
        return self.evaluator.memo.get(("local", frame, name), lambda: self._local(frame, name), UNKNOWN)

    def _local(self, frame: Frame, name: str) -> Type:
        definition, parent = frame.function, frame.parent
        if definition is None or parent is None:
            return UNKNOWN
        if frame.arguments is not None:
            key = ("call", definition, parent, frame.arguments)
            if self.evaluator.memo.has(key):
                function, given = Function(definition, parent), frame.arguments
                return self._outcome_of_call(function, given).names.get(name, UNKNOWN)  # type: ignore[arg-type]
        elif not isinstance(definition.written, ast.Lambda):
            return self.canonical(Function(definition, parent)).names.get(name, UNKNOWN)
        read_own(frame.scope)
        return frame.environment.names.get(name, UNKNOWN) if frame.environment is not None else UNKNOWN

    def _canonical(self, function: Function) -> Outcome:
        definition = function.definition
        names, recorded = self.evaluator.callers.parameter_types(function)
        frame = frame_of(definition, function.closure, None)
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
        read_deep(definition.scope)
        returned = [flow.final(type) for _, type in flow.returned]
        # Python itself takes `NotImplemented` and asks the other operand.
        items = [item for type in returned for item in alternatives(type) if not is_not_implemented(item)]
        returned = items or returned
        if flow.reachable:
            returned.append(NONE)
        result = join(*returned)
        if self._is_left_open(flow, definition, result):
            result = self.evaluator.overrides.implemented(definition) or UNKNOWN
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

    def _is_left_open(self, flow: Flow, definition: FunctionDefinition, result: Type) -> bool:
        """Whether a function leaves its result to those that override it."""
        node, owner = definition.node, definition.owner
        if isinstance(result, Never):
            return is_placeholder(node)
        if flow.returned or flow.yielded or not is_stub(node):
            return False
        return is_ellipsis(node) or (
            owner is not None and (is_abstract(definition.head) or self.evaluator.classes.is_protocol(owner))
        )

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
        key = ("call", function.definition, function.closure, arguments)
        memo = self.evaluator.memo
        if not memo.has(key) and not self._admit(function.definition, key):
            arguments = tuple(self._call_names(function, parameters, None).items())
        outcome = self._outcome_of_call(function, arguments)
        if site is not None:
            for _, definition, given in outcome.observations:
                site.observe(definition, given, node)
            site.fill(outcome.growth)
        return outcome.returns

    def _admit(self, definition: FunctionDefinition, key: object) -> bool:
        """Whether a function may be interpreted for yet other arguments."""
        contexts = self._contexts.setdefault(definition, {})
        if key not in contexts and len(contexts) >= self.evaluator.budget.contexts:
            stale = next((old for old in contexts if not self.evaluator.memo.fresh(old)), None)
            if stale is None:
                return False
            del contexts[stale]
        contexts[key] = None
        return True

    def _outcome_of_call(self, function: Function, arguments: tuple[tuple[str, Type], ...]) -> Outcome:
        return self.evaluator.memo.get(
            ("call", function.definition, function.closure, arguments),
            lambda: self._called(function, arguments),
            Outcome(NEVER),
            widened_outcome,
            Outcome(UNKNOWN),
            transient=True,
        )

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
        a = function.definition.head.args
        positional = [*a.posonlyargs, *a.args]
        pairs = [*zip(positional[len(positional) - len(a.defaults) :], a.defaults, strict=True)]
        pairs += [(x, d) for x, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
        for argument, default in pairs:
            if argument.arg == name:
                if isinstance(default, ast.Constant) and default.value is Ellipsis:
                    return None  # stubs and overloads say no more than that there is a default
                reader = self.reader(function.closure)
                key = ("default", default, function.closure)
                return self.evaluator.memo.get(key, partial(reader.evaluate, default), UNKNOWN)
        return None

    def plain_result(self, function: Function) -> Type:
        """The result of an un-annotated function when nothing is known of its arguments."""
        calls = self.evaluator.calls
        parameters = calls.parameters(function.definition, function)
        arguments = tuple(self._call_names(function, parameters, None).items())
        return self._outcome_of_call(function, arguments).returns

    def _called(self, function: Function, arguments: tuple[tuple[str, Type], ...]) -> Outcome:
        definition = function.definition
        frame = frame_of(definition, function.closure, arguments)
        frame.environment = Environment(dict(arguments))
        flow, outcome = self._run(frame, lambda flow: self._statements(flow, definition), recording=False)
        outcome.returns = self._result(flow, definition)
        mentioned = self.mentioned(definition)
        # A caller sees nothing else of a call than what it puts into containers that it was given; functions
        # that are left behind still see its names.
        observations: list[Observation] = [
            (None, seen, bound)
            for _, seen, bound in outcome.observations
            if isinstance(seen.written, ast.Lambda) or seen.name not in mentioned
        ]
        left_behind = any(scope.kind != "comprehension" for scope in definition.scope.children)
        passed = {
            site
            for _, type in arguments
            for item in alternatives(type)
            if isinstance(item, Instance)
            for site in item.sites
        }
        return Outcome(
            outcome.returns,
            growth={site: type for site, type in outcome.growth.items() if site in passed},
            observations=observations,
            names=outcome.names if left_behind else {},
        )

    def mentioned(self, definition: FunctionDefinition) -> frozenset[str]:
        """The names and attributes that a function mentions: calls of these are found by their name."""
        return self.evaluator.memo.get(
            ("mentioned", definition), lambda: self._mentioned(definition), frozenset()
        )

    @staticmethod
    def _mentioned(definition: FunctionDefinition) -> frozenset[str]:
        read_deep(definition.scope)
        return mentioned_names(definition.node)

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
            return frame_of(definition, around, None)
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
