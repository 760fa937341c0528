"""Bindings read by themselves: what a `def`, `class` or import binds, without running its scope."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from typewright.analysis.definitions import (
    ClassDefinition,
    Frame,
    FunctionDefinition,
    FunctionNode,
    ModuleDefinition,
    read_head,
)
from typewright.analysis.scopes import Binding
from typewright.analysis.types import (
    NEVER,
    UNKNOWN,
    ClassObject,
    Function,
    SpecialForm,
    Type,
    Wrapped,
    known,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_TYPING_MODULES = frozenset({"typing", "typing_extensions"})
_SPECIAL_FORMS = frozenset(
    [
        "Any",
        "Union",
        "Optional",
        "Literal",
        "Callable",
        "Type",
        "Annotated",
        "ClassVar",
        "Final",
        "Required",
        "NotRequired",
        "ReadOnly",
        "Concatenate",
        "Unpack",
        "TypeGuard",
        "TypeIs",
        "Generic",
        "Protocol",
        "Self",
        "TypeAlias",
        "NoReturn",
        "Never",
        "LiteralString",
        "Tuple",
    ]
)
_ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "DefaultDict": "collections.defaultdict",
    "OrderedDict": "collections.OrderedDict",
    "Counter": "collections.Counter",
    "ChainMap": "collections.ChainMap",
    "Deque": "collections.deque",
}
_WRAPPERS = {
    "builtins.property": "property",
    "abc.abstractproperty": "property",
    "types.DynamicClassAttribute": "property",
    "enum.property": "property",
    "builtins.staticmethod": "staticmethod",
    "abc.abstractstaticmethod": "staticmethod",
    "builtins.classmethod": "classmethod",
    "abc.abstractclassmethod": "classmethod",
    "functools.cached_property": "cached_property",
}
_PLAIN = frozenset(
    {
        "overload",
        "abstractmethod",
        "final",
        "override",
        "type_check_only",
        "runtime_checkable",
        "no_type_check",
    }
)

_IDENTITIES = frozenset({"wraps", "lru_cache", "cache"})
"""Decorators whose result is called like the function itself."""

Evaluate = Callable[[ast.expr], Type]


class Declarations:
    """Evaluates single bindings."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def class_in(self, module: ModuleDefinition, name: str) -> ClassDefinition:
        """A class that a standard library module must have."""
        for binding in reversed(module.scopes.module.bindings.get(name, ())):
            if isinstance(binding.node, ast.ClassDef) and self.evaluator.modules.reachable(module, binding):
                return self.class_definition(module.frame, binding.node)
        found = self.evaluator.modules.member(module, name)
        assert isinstance(found, ClassObject), f"{module.name}.{name}"
        return found.definition

    def bound(self, frame: Frame, binding: Binding) -> Type:
        """What one binding binds."""
        key = ("bound", frame, binding.node)
        return self.evaluator.memo.get(key, lambda: self._bound(frame, binding), NEVER)

    def _bound(self, frame: Frame, binding: Binding) -> Type:
        statement = binding.statement
        match binding.kind:
            case "function" if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                return self.function(frame, statement)
            case "class" if isinstance(statement, ast.ClassDef):
                return ClassObject(self.class_definition(frame, statement))
            case "import":
                special = self._special(frame.module, binding.name)
                return special or self.evaluator.modules.imported(frame.module, binding)
            case "assignment" if isinstance(statement, ast.Assign) and binding.scope is frame.scope:
                return self._assigned(frame, binding, statement)
            case "type_alias":
                return self.evaluator.annotations.alias(getattr(statement, "value", None), frame)
            case "declaration":
                return UNKNOWN
            case _:
                if frame.module.origin != "workspace":
                    return UNKNOWN
                return self.evaluator.activations.assigned(frame.module, binding)

    def _assigned(self, frame: Frame, binding: Binding, statement: ast.Assign) -> Type:
        interpreter = self.evaluator.activations.reader(frame)
        special = self._special(frame.module, binding.name)
        if special is not None:
            return special
        value = interpreter.evaluate(statement.value)
        for target in statement.targets:
            found = interpreter.unpacked(target, value, binding.node)
            if found is not None:
                return found
        return UNKNOWN

    def _special(self, module: ModuleDefinition, name: str) -> Type | None:
        if module.name not in _TYPING_MODULES:
            return None
        if name in _ALIASES:
            return ClassObject(self.evaluator.class_named(_ALIASES[name]))
        return SpecialForm(name) if name in _SPECIAL_FORMS else None

    def annotated(self, frame: Frame, binding: Binding) -> Type | None:
        """What `name: annotation` says; None where that is nothing (`Final`, `ClassVar`)."""
        statement = binding.statement
        assert isinstance(statement, ast.AnnAssign)
        special = self._special(frame.module, binding.name)
        if special is not None:
            return special
        annotations = self.evaluator.annotations
        if annotations.is_alias_marker(statement.annotation, frame):
            return annotations.alias(statement.value, frame) if statement.value else UNKNOWN
        found = annotations.evaluate(statement.annotation, frame)
        if isinstance(found, SpecialForm):
            return (
                self.evaluator.activations.reader(frame).evaluate(statement.value)
                if statement.value
                else None
            )
        return found

    def class_definition(self, frame: Frame, node: ast.ClassDef) -> ClassDefinition:
        """The one definition of a `class` statement."""
        module = frame.module
        found = module.classes.get(node)
        if found is None:
            scope = module.scopes.inner(node)
            found = ClassDefinition(node.name, module, frame, node, scope)
            found.body = Frame(scope, module, frame, "class", owner=found)
            module.classes[node] = found
        return found

    def function_definition(self, frame: Frame, node: FunctionNode) -> FunctionDefinition:
        """The one definition of a `def` or lambda."""
        module = frame.module
        found = module.functions.get(node)
        if found is None:
            owner = frame.owner if frame.scope.kind == "class" else None
            found = FunctionDefinition(node, module, module.scopes.inner(node), owner)
            module.functions[node] = found
        return found

    def function(
        self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef, evaluate: Evaluate | None = None
    ) -> Type:
        """What a `def` binds: the function with its decorators applied, its overloads gathered."""
        definition = self.function_definition(frame, node)
        read_head(definition.scope)
        overloads: tuple[FunctionDefinition, ...] = ()
        group = self._group(frame, node)
        if len(group) > 1:
            marked = [n for n in group if _is_overload(n)]
            overloads = tuple(self.function_definition(frame, n) for n in marked)
        result: Type = Function(definition, frame, overloads)
        for decorator in reversed(node.decorator_list):
            result = self._decorated(frame, node, decorator, result, evaluate)
        return result

    def _group(
        self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> Sequence[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The definitions of the same name right before `node` that are its overloads, and itself."""
        bindings = frame.scope.bindings.get(node.name, ())
        if len(bindings) < 2:
            return (node,)
        modules = self.evaluator.modules
        group: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        for binding in bindings:
            other = binding.node
            if isinstance(other, ast.FunctionDef | ast.AsyncFunctionDef):
                read_head(frame.module.scopes.inner(other))
                if modules.reachable(frame.module, binding) and _is_overload(other):
                    group.append(other)
                if other is node:
                    break
                if not _is_overload(other):
                    group.clear()
        return group if node in group else [*group, node]

    def _decorated(
        self,
        frame: Frame,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        decorator: ast.expr,
        value: Type,
        evaluate: Evaluate | None,
    ) -> Type:
        if isinstance(decorator, ast.Name | ast.Attribute):
            name = decorator.id if isinstance(decorator, ast.Name) else decorator.attr
            if name in _PLAIN:
                return value
            accessor = isinstance(decorator, ast.Attribute) and name in ("setter", "getter", "deleter")
            if accessor and isinstance(decorator.value, ast.Name):  # type: ignore[union-attr]
                return self._accessor(frame, node, decorator.value.id, name, value)  # type: ignore[union-attr]
        elif isinstance(decorator, ast.Call):
            function = decorator.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        else:
            name = ""
        if name in _IDENTITIES:
            if evaluate is not None:
                evaluate(decorator)
            return value
        decorating = (evaluate or self.evaluator.activations.reader(frame).evaluate)(decorator)
        if isinstance(decorating, ClassObject):
            kind = _WRAPPERS.get(decorating.definition.qualified_name)
            if kind is None and decorating.definition.name.endswith("cached_property"):
                kind = "cached_property"
            if kind is not None:
                return Wrapped(kind, value)  # type: ignore[arg-type]
        inner = value.function if isinstance(value, Wrapped) else value
        # Where the definition runs, its decorators are called: a call site like any other.
        site = self.evaluator.activations.observer if evaluate is not None else None
        result = self.evaluator.calls.decorate(decorating, inner, site, decorator)
        if known(result) == NEVER or not self._is_callable(result):
            return value
        return Wrapped(value.kind, result) if isinstance(value, Wrapped) else result

    def _is_callable(self, type: Type) -> bool:
        """Whether a decorator's result says more than the function that went in."""
        return not isinstance(type, SpecialForm)

    def _accessor(self, frame: Frame, node: ast.AST, name: str, kind: str, value: Type) -> Type:
        """`@name.setter`: the property that is there already, with one more function."""
        before: Type = UNKNOWN
        for binding in frame.scope.bindings.get(name, ()):
            if binding.node is node:
                break
            if binding.kind == "function":
                before = self.bound(frame, binding)
        if isinstance(before, Wrapped):
            if kind == "getter":
                return Wrapped(before.kind, value, before.setter)
            return Wrapped(before.kind, before.function, value) if kind == "setter" else before
        return before


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        (isinstance(d, ast.Name) and d.id == "overload")
        or (isinstance(d, ast.Attribute) and d.attr == "overload")
        for d in node.decorator_list
    )
