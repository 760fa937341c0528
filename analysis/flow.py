"""The abstract interpreter of statements: what every name holds at every point of one scope."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.conditions import static_condition
from typewright.analysis.definitions import Environment, Frame
from typewright.analysis.expressions import Expressions
from typewright.analysis.names import catches_import_error
from typewright.analysis.narrowing import decided, joined, narrow
from typewright.analysis.patterns import match_cases
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    ClassObject,
    Instance,
    Module,
    Never,
    SpecialForm,
    Tuple,
    Type,
    Unknown,
    alternatives,
    join,
    widen,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_MAX_ITERATIONS = 4


class _Loop:
    """Where `break` and `continue` of a loop lead."""

    def __init__(self) -> None:
        self.breaks: list[Environment] = []
        self.continues: list[Environment] = []


class Flow(Expressions):
    """Runs the statements of one frame. `reachable` is False behind a return, raise, break or continue."""

    def __init__(self, evaluator: Evaluator, frame: Frame, types: dict[ast.AST, Type] | None = None) -> None:
        frame.environment = frame.environment or Environment()
        super().__init__(evaluator, frame, types)
        self.reachable = True
        self.returned: list[tuple[ast.Return, Type]] = []
        self._loops: list[_Loop] = []
        self._handlers: list[list[Environment]] = []

    @property
    def environment(self) -> Environment:
        """What is known here; the frame shows it to scopes inside."""
        return self._environment

    @environment.setter
    def environment(self, environment: Environment) -> None:
        self._environment = environment
        self.frame.environment = environment

    def run(self, statements: list[ast.stmt]) -> None:
        """Runs statements one after the other."""
        for statement in statements:
            if not self.reachable:
                return
            self.evaluator.memo.tick()
            self._statement(statement)
            for handler in self._handlers:
                handler.append(self.environment.copy())

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                result = self.evaluate(value)
                if isinstance(result, Never) and isinstance(value, ast.Call):
                    self.reachable = False
            case ast.Assign(targets=targets, value=value):
                type = self.evaluate(value)
                for target in targets:
                    self.bind(target, type)
            case ast.AnnAssign():
                self._annotated(node)
            case ast.AugAssign():
                self._augmented(node)
            case ast.Return(value=value):
                self.returned.append((node, self.evaluate(value) if value is not None else NONE))
                self.reachable = False
            case ast.If():
                self._if(node)
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.While():
                self._while(node)
            case ast.Try():
                self._try(node.body, node.handlers, node.orelse, node.finalbody)
            case ast.With() | ast.AsyncWith():
                self._with(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Raise(exc=exception, cause=cause):
                for part in (exception, cause):
                    if part is not None:
                        self.evaluate(part)
                self.reachable = False
            case ast.Assert(test=test, msg=message):
                self.evaluate(test)
                if message is not None:
                    self.evaluate(message)
                self.environment = narrow(self, test, True)
                if isinstance(test, ast.Constant) and not test.value:
                    self.reachable = False
            case ast.Break() | ast.Continue():
                if self._loops:
                    loop = self._loops[-1]
                    (loop.breaks if isinstance(node, ast.Break) else loop.continues).append(self.environment)
                self.reachable = False
            case ast.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case ast.Match():
                match_cases(self, node)
            case _ if type_name(node) == "TryStar":
                self._try(node.body, node.handlers, node.orelse, node.finalbody)  # type: ignore[attr-defined]
            case _ if type_name(node) == "TypeAlias" and isinstance(getattr(node, "name", None), ast.Name):
                alias = self.evaluator.annotations.alias(getattr(node, "value", None), self.frame)
                self.environment.names[node.name.id] = alias  # type: ignore[attr-defined]
            case _:
                pass

    # Assignments.

    def _annotated(self, node: ast.AnnAssign) -> None:
        declared = self.evaluator.annotations.evaluate(node.annotation, self.frame)
        value = self.evaluate(node.value) if node.value is not None else None
        if value is None:
            if isinstance(node.target, ast.Name) and self.frame.scope.kind != "function":
                self.bind(node.target, declared)
            return
        known_type = value
        if self.evaluator.annotations.is_any(
            node.annotation, self.frame
        ):  # whoever writes it wants no questions
            known_type = UNKNOWN
        if isinstance(declared, SpecialForm):  # `Final`: the value says it all
            declared = UNKNOWN
        if not isinstance(declared, Unknown) and not self._refines(declared, value):
            known_type = declared
        self.bind(node.target, known_type)

    def _refines(self, declared: Type, value: Type) -> bool:
        """Whether an assigned value says more than the declaration: not for open containers and unknowns."""
        if any(isinstance(item, Unknown) for item in alternatives(value)):
            return False
        if any(isinstance(item, Instance) and item.sites for item in alternatives(value)):
            return False
        return self.evaluator.calls.generics.accepts(declared, value)

    def _augmented(self, node: ast.AugAssign) -> None:
        before = self.evaluate_target(node.target)
        value = self.evaluate(node.value)
        result = self.operators.binary(node.op, before, value, in_place=True)
        for item in alternatives(result):
            if isinstance(item, Instance):
                for site in item.sites:
                    self.growth[site] = join(self.growth.get(site, NEVER), item)
        self.bind(node.target, result)

    def evaluate_target(self, target: ast.expr) -> Type:
        """What an assignment target holds before it is assigned."""
        return self.quietly(target)

    def _delete(self, target: ast.expr) -> None:
        from typewright.analysis.references import reference

        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._delete(element)
            return
        key = reference(target)
        if key is not None:
            self.environment.forget(key)
            self.environment.facts.pop(key, None)
            if isinstance(target, ast.Name):
                self.environment.names.pop(key, None)
        if isinstance(target, ast.Subscript | ast.Attribute):
            self.evaluate(target.value)

    # Branches.

    def _if(self, node: ast.If) -> None:
        self.evaluate(node.test)
        fixed = static_condition(node.test, self.evaluator.workspace.environment.version)
        ends: list[Environment] = []
        before = self.environment
        for branch, taken in ((node.body, True), (node.orelse, False)):
            if fixed is not None and fixed is not taken:
                continue
            self.environment = before
            self.environment = narrow(self, node.test, taken)
            self.reachable = self.may_be(node.test, taken)
            self.run(branch)
            if self.reachable:
                ends.append(self.environment)
        self.meet(ends, before)

    def may_be(self, test: ast.expr, taken: bool) -> bool:
        """Whether a branch is worth running: with the arguments of one call, some never are."""
        if self.types is not None:
            return True
        return decided(self, test) is not (not taken)

    def meet(self, ends: list[Environment], before: Environment) -> None:
        """Joins the ends of branches; there may be none."""
        self.reachable = bool(ends)
        self.environment = joined(ends) if ends else before.copy()

    # Loops.

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterated = self.evaluate(node.iter)
        element = self.operators.element(iterated, asynchronous=isinstance(node, ast.AsyncFor))
        self._repeat(node, lambda: self.bind(node.target, element), None)

    def _while(self, node: ast.While) -> None:
        self._repeat(node, lambda: self.evaluate(node.test), node.test)

    def _repeat(self, node: ast.For | ast.AsyncFor | ast.While, start: object, test: ast.expr | None) -> None:
        """Runs a loop until another round would change nothing."""
        begin = self.environment
        endless = isinstance(test, ast.Constant) and bool(test.value)
        loop = _Loop()
        for round_ in range(_MAX_ITERATIONS):
            loop = _Loop()
            self._loops.append(loop)
            self.environment, self.reachable = begin.copy(), True
            start()  # type: ignore[operator]
            if test is not None:
                self.environment = narrow(self, test, True)
            self.run(node.body)
            self._loops.pop()
            ends = [begin, *loop.continues, *([self.environment] if self.reachable else [])]
            after = joined(ends)
            if after == begin:
                break
            begin = _widened(begin, after) if round_ else after
        exits = [] if endless else [begin]
        self.environment, self.reachable = begin.copy(), True
        if test is not None and not endless:
            self.environment = narrow(self, test, False)
            exits = [self.environment]
        elif not endless:
            # the loop variable keeps its last value
            exits = [begin]
        self.meet(exits, begin)
        if node.orelse and self.reachable:
            self.run(node.orelse)
            exits = [self.environment] if self.reachable else []
        self.meet([*exits, *loop.breaks], begin)

    # Exceptions.

    def _try(
        self,
        body: list[ast.stmt],
        handlers: list[ast.ExceptHandler],
        orelse: list[ast.stmt],
        finalbody: list[ast.stmt],
    ) -> None:
        before = self.environment.copy()
        states: list[Environment] = [before]
        self._handlers.append(states)
        self.run(body)
        self._handlers.pop()
        ends: list[Environment] = []
        if self.reachable:
            self.run(orelse)
            if self.reachable:
                ends.append(self.environment)
        raised = joined(states[-8:] if len(states) > 8 else states) if len(states) > 1 else before
        if len(states) > 8:
            raised = joined([before, raised])
        imported = self._imports_succeed(body)
        for handler in handlers:
            self.environment, self.reachable = raised.copy(), True
            self._handler(handler)
            if self.reachable and not (imported and catches_import_error(handler)):
                ends.append(self.environment)
        everything = joined([*ends, raised])
        if finalbody:
            completed = bool(ends)
            self.environment, self.reachable = (joined(ends) if ends else everything), True
            self.run(finalbody)
            self.reachable = self.reachable and completed
            return
        self.meet(ends, everything)

    def _imports_succeed(self, body: list[ast.stmt]) -> bool:
        """Whether a `try` only imports what is there: then its handler is for other environments."""
        found = False
        for statement in body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for alias in statement.names:
                    name = (alias.asname or alias.name).partition(".")[0]
                    if alias.name != "*" and isinstance(self.environment.names.get(name, UNKNOWN), Unknown):
                        return False
                    found = True
        return found

    def _handler(self, handler: ast.ExceptHandler) -> None:
        caught: Type = self.evaluator.instance("BaseException")
        if handler.type is not None:
            value = self.evaluate(handler.type)
            found: list[Type] = []
            for item in alternatives(value):
                inner = item.items if isinstance(item, Tuple) else (item,)
                found.extend(Instance(t.definition) if isinstance(t, ClassObject) else UNKNOWN for t in inner)
            caught = join(*found) if found else UNKNOWN
        if handler.name:
            self.environment.names[handler.name] = caught
            if self.types is not None:
                self.types[handler] = caught
        self.run(handler.body)
        if handler.name and self.reachable:
            self.environment.names.pop(handler.name, None)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        swallows = False
        for item in node.items:
            manager = self.evaluate(item.context_expr)
            value = self.operators.entered(manager, asynchronous=isinstance(node, ast.AsyncWith))
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
            swallows = swallows or self._swallows(manager)
        before = self.environment.copy()
        self.run(node.body)
        if swallows:
            self.meet([before, *([self.environment] if self.reachable else [])], before)

    def _swallows(self, manager: Type) -> bool:
        """Whether a context manager may suppress exceptions: its `__exit__` is declared to return `bool`."""
        name = manager.definition.name if isinstance(manager, Instance) else ""
        return name in ("suppress", "ExitStack", "AsyncExitStack", "RaisesContext", "RaisesExc")

    # Definitions and imports.

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.evaluate(default)
        value = self.evaluator.declarations.function(self.frame, node, self.evaluate)
        self.environment.names[node.name] = value
        if self.types is not None:
            self.types[node] = value

    def _class(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.evaluate(part)
        definition = self.evaluator.declarations.class_definition(self.frame, node)
        value = ClassObject(definition)
        for decorator in node.decorator_list:  # for the call site; nearly all of them give the class back
            self.evaluator.calls.decorate(self.quietly(decorator), value, self, decorator)
        self.environment.forget(node.name)
        self.environment.names[node.name] = value
        if self.types is not None:
            self.types[node] = value
            self.evaluator.activations.run_class_body(self, definition)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = self.evaluator.modules
        for alias in node.names:
            if alias.name == "*":
                assert isinstance(node, ast.ImportFrom)
                source = modules.imported_module(self.frame.module, node)
                for name in sorted(modules.exported(source)) if source is not None else ():
                    if name in self.environment.names:
                        self.environment.names[name] = modules.member(source, name) or UNKNOWN  # type: ignore[arg-type]
                continue
            name = alias.asname or alias.name.partition(".")[0]
            binding = next((b for b in self.frame.scope.bindings.get(name, ()) if b.node is alias), None)
            if binding is None:  # under `global`
                binding = next(
                    (b for b in self.frame.module.scopes.module.bindings.get(name, ()) if b.node is alias),
                    None,
                )
            value = modules.imported(self.frame.module, binding) if binding is not None else UNKNOWN
            self.environment.forget(name)
            self.environment.names[name] = value
            if self.types is not None:
                self.types[alias] = value
            if isinstance(node, ast.Import) and isinstance(value, Module):
                modules.find(alias.name)


def type_name(node: ast.AST) -> str:
    """The name of a node's class: for nodes that only later Pythons have."""
    return type(node).__name__


def _widened(before: Environment, after: Environment) -> Environment:
    names = {name: widen(before.names.get(name, NEVER), type) for name, type in after.names.items()}
    facts = {key: widen(before.facts.get(key, NEVER), type) for key, type in after.facts.items()}
    return Environment(names, facts)
