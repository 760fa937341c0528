"""Call sites into parameters: who in the workspace calls a function, and with what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import (
    ClassDefinition,
    FunctionDefinition,
    ModuleDefinition,
    read_inside,
)
from typewright.analysis.evidence import Evidence
from typewright.analysis.scopes import Scope, parameters
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    ClassObject,
    Function,
    Never,
    Parameter,
    Type,
    join,
    known,
    render,
    widen,
    widen_literals,
    without_none,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_MAX_SCOPES = 60
_MAX_SITES = 5
_MAX_NAMES = 12


@dataclass(frozen=True, slots=True)
class Passed:
    """An argument at a call site: what it is, and where. Positions are read late, since edits move nodes."""

    type: Type
    module: ModuleDefinition
    node: ast.AST | None

    @property
    def evidence(self) -> Evidence:
        """What is said of it."""
        text = f"{render(widen_literals(self.type))} passed in a call"
        return Evidence("call site", text, self.module.path, getattr(self.node, "lineno", 0))


Sites = dict[str, tuple[Type, tuple[Passed, ...]]]
"""What call sites pass, by parameter."""


class Callers:
    """Finds call sites by name and asks the scopes around them what they pass."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    # Parameters.

    def parameter_types(self, function: Function) -> tuple[dict[str, Type], dict[ast.AST, Type]]:
        """What the parameters hold for all known callers: by name, and by node as slots show them."""
        definition = function.definition
        declared = {p.name: p for p in self.evaluator.calls.parameters(definition, function)}
        names: dict[str, Type] = {}
        recorded: dict[ast.AST, Type] = {}
        sites: Sites | None = None
        receiver = self._receiver(function)
        for position, argument in enumerate(parameters(definition.head.args)):
            parameter = declared[argument.arg]
            if position == 0 and receiver is not None and argument.annotation is None:
                names[argument.arg] = recorded[argument] = receiver
                continue
            if argument.annotation is not None:
                type = parameter.type
            else:
                if sites is None:
                    sites = self.sites(function)
                type = self._open_parameter(function, argument, parameter, sites)
            recorded[argument] = type
            packed = parameter.kind in ("variadic", "keywords")
            names[argument.arg] = self.evaluator.activations.packed(parameter, type) if packed else type
        return names, recorded

    def _receiver(self, function: Function) -> Type | None:
        """The type of `self` or `cls`."""
        definition = function.definition
        owner = definition.owner
        if owner is None or (definition.is_static and definition.name != "__new__"):
            return None
        own = self.evaluator.classes.self_type(owner)
        meta = self.evaluator.class_named("type")
        if definition.is_class_method or definition.name == "__new__":
            return ClassObject(own.definition, own.arguments)
        if self.evaluator.classes.is_subclass(owner, meta) and owner is not meta:
            return own
        return own

    def _open_parameter(
        self, function: Function, argument: ast.arg, parameter: Parameter, sites: Sites
    ) -> Type:
        default = self.evaluator.activations.default(function, parameter.name)
        passed = sites.get(parameter.name, (NEVER, ()))[0]
        if known(without_none(passed)) == NEVER:
            inherited = self.evaluator.overrides.parameter_type(function.definition, argument)
            if inherited is not None:
                return join(inherited, NONE) if default == NONE else inherited
            filled = self.evaluator.fixtures.parameter_type(function.definition, argument.arg)
            if filled is not None and default is None:
                return filled
        if default is None:
            return passed if not isinstance(passed, Never) else UNKNOWN
        if isinstance(known(passed), Never) and default == NONE:
            return join(UNKNOWN, NONE)
        return join(widen_literals(passed), widen_literals(default))

    def sites(self, function: Function) -> Sites:
        """What call sites pass, by parameter, with the sites as evidence."""
        definition = function.definition
        memo = self.evaluator.memo
        if definition.module.origin != "workspace" or isinstance(definition.written, ast.Lambda):
            return {}
        if memo.callers <= 0 or (memo.hurried and not memo.has(("sites", definition))):
            memo.truncate()
            return {}
        key = ("sites", definition)
        return memo.get(key, lambda: self._sites(definition), {}, _widened)

    def _sites(self, definition: FunctionDefinition) -> Sites:
        memo = self.evaluator.memo
        memo.callers -= 1
        try:
            found: dict[str, list[Passed]] = {}
            for module, scope in self._scopes(definition):
                for node, bound in self._seen(module, scope, definition):
                    for name, type in bound.items():
                        found.setdefault(name, []).append(Passed(type, module, node))
            return {
                name: (widen_literals(join(*(each.type for each in seen))), tuple(seen))
                for name, seen in found.items()
            }
        finally:
            memo.callers += 1

    def passed_to_lambda(self, module: ModuleDefinition, node: ast.Lambda, name: str) -> Type:
        """What is passed to a lambda by those who call the function that made it."""
        scope = module.scopes.scope_of(node).enclosing("function")
        if scope is None or not isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return UNKNOWN
        maker = self.evaluator.activations.function_at(module, scope.node).definition
        found: list[Type] = []
        for caller, calling in self._scopes(maker):
            outcome = self.evaluator.activations.outcome_of(caller, calling)
            for _, function, bound in outcome.observations if outcome is not None else ():
                if function.node is node and name in bound:
                    found.append(bound[name])
        return join(*found) if found else UNKNOWN

    def _seen(
        self, module: ModuleDefinition, scope: Scope, definition: FunctionDefinition
    ) -> list[tuple[ast.AST | None, dict[str, Type]]]:
        """The calls of one function in a scope: where, and with which arguments."""
        nothing: list[tuple[ast.AST | None, dict[str, Type]]] = []
        return self.evaluator.memo.get(
            ("seen", scope, definition), lambda: self._find_calls(module, scope, definition), nothing
        )

    def _find_calls(
        self, module: ModuleDefinition, scope: Scope, definition: FunctionDefinition
    ) -> list[tuple[ast.AST | None, dict[str, Type]]]:
        outcome = self.evaluator.activations.outcome_of(module, scope)
        if outcome is None:
            return []
        return [(node, bound) for node, seen, bound in outcome.observations if seen is definition]

    def _scopes(self, definition: FunctionDefinition) -> list[tuple[ModuleDefinition, Scope]]:
        """The scopes that may call a function: those that mention its name, its own module's first."""
        key = ("calling scopes", definition)
        nothing: list[tuple[ModuleDefinition, Scope]] = []
        return self.evaluator.memo.get(key, lambda: self._find_scopes(definition), nothing)

    def _find_scopes(self, definition: FunctionDefinition) -> list[tuple[ModuleDefinition, Scope]]:
        names = self._search_names(definition)
        modules = self.evaluator.modules
        paths: list[Path] = []
        for name in names:  # grows by the names under which these are imported elsewhere
            using = modules.files_using(name)
            paths.extend(using)
            for path in using[:_MAX_SCOPES] if len(names) < _MAX_NAMES else ():
                names.extend(alias for alias in modules.at(path).mentions.aliases(name) if alias not in names)
        own = definition.module.path
        found: dict[Scope, ModuleDefinition] = {}
        for path in sorted(dict.fromkeys(paths), key=lambda p: (p != own, p.parent != own.parent, str(p))):
            module = modules.at(path)
            for scope in islice(self._scopes_in(module, names), _MAX_SCOPES):
                found.setdefault(scope, module)
            if len(found) >= _MAX_SCOPES:
                break
        return [(module, scope) for scope, module in list(found.items())[:_MAX_SCOPES]]

    def _scopes_in(self, module: ModuleDefinition, names: list[str]) -> Iterator[Scope]:
        """The scopes of a module that mention one of some names; then all, where one is stored somewhere."""
        escapes = False
        seen: set[Scope] = set()
        for name in names:
            for node in module.mentions.loads(name):
                escapes = escapes or _escapes(module, node)
                scope = module.scopes.scope_of(node).enclosing("module", "class", "function")
                if scope is not None and scope not in seen:
                    seen.add(scope)
                    yield scope
        if escapes:
            read_inside(module.scopes.module)
            yield from (
                scope
                for scope in module.scopes.all()
                if scope.kind in ("module", "class", "function") and scope not in seen
            )

    def _search_names(self, definition: FunctionDefinition) -> list[str]:
        """The identifiers under which calls of a function appear."""
        name, owner = definition.name, definition.owner
        if owner is None or not (name.startswith("__") and name.endswith("__")):
            return [name]
        names = [owner.name, name] if name in ("__init__", "__new__", "__call__") else [owner.name]
        names.extend(subclass.name for subclass in self.subclasses(owner))
        return names[:_MAX_NAMES]

    def subclasses(self, definition: ClassDefinition) -> list[ClassDefinition]:
        """Classes of the workspace that name this one among their bases."""
        modules = self.evaluator.modules
        found = []
        for path in modules.files_using(definition.name)[:_MAX_SCOPES]:
            module = modules.at(path)
            for node in module.mentions.loads(definition.name):
                parent = module.scopes.parent(node)
                if isinstance(parent, ast.Subscript):
                    parent = module.scopes.parent(parent)
                if isinstance(parent, ast.ClassDef) and node not in parent.decorator_list:
                    frame = self.evaluator.activations.frame_for(module, module.scopes.scope_of(parent))
                    found.append(self.evaluator.declarations.class_definition(frame, parent))
        return found

    # Attributes assigned from outside of the class.

    def outside_stores(
        self, definition: ClassDefinition, name: str
    ) -> list[tuple[ModuleDefinition, ast.Attribute]]:
        """Where the class's module assigns or fills `value.name` and the receiver is not `self`."""
        module = definition.module
        if module.origin != "workspace":
            return []
        return [(module, target) for target in module.mentions.stores(name)]


def _widened(old: Sites, new: Sites) -> Sites:
    return {name: (widen(old.get(name, (NEVER, ()))[0], type), sites) for name, (type, sites) in new.items()}


def first_sites(passed: tuple[Passed, ...]) -> list[Evidence]:
    """The first call sites as evidence."""
    found: dict[Evidence, None] = {}
    for each in passed:
        found.setdefault(each.evidence)
        if len(found) == _MAX_SITES:
            break
    return list(found)


def _escapes(module: ModuleDefinition, node: ast.AST) -> bool:
    """Whether a mention stores the function somewhere, so that it may be called under other names."""
    parent = module.scopes.parent(node)
    if isinstance(parent, ast.Attribute):
        return False
    if isinstance(parent, ast.Call):
        return False
    if isinstance(parent, ast.ClassDef | ast.arguments | ast.arg) or isinstance(node, ast.ImportFrom):
        return False
    return not isinstance(
        parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Expr | ast.Compare | ast.ExceptHandler
    )
