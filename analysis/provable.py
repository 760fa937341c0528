"""Whether the inferred type of an expression is a proof or only the best that is known.

Inference answers with what it sees: the callers that are here, the assignments that can be read. That is
right for hints, and too little to say that something does not exist. This module walks an expression down
to its roots and asks whether each of them is fixed by the code: an import, a definition, a literal, a call
of a class, an annotation.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ModuleDefinition
from typewright.analysis.fixpoint import Exhausted
from typewright.analysis.scopes import Binding, Scope, parameters
from typewright.analysis.types import (
    UNKNOWN,
    BoundMethod,
    ClassObject,
    Function,
    Instance,
    Literal,
    Module,
    Tuple,
    Type,
    Unknown,
    Wrapped,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_MAX_DEPTH = 12
_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property"})
_KEEP_RETURN = frozenset({"overload", "staticmethod", "classmethod", "abstractmethod", "final", "override"})


class Proof(IntEnum):
    """How far a type can be relied on. Of several, the least counts."""

    NONE = 0
    DECLARED = 1  # at least this type: what is there may be of a subclass
    EXACT = 2


class Provable:
    """Answers for one snapshot."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def type_of(self, module: ModuleDefinition, node: ast.expr) -> Type:
        """The inferred type of an expression; in annotations, which never run, what its names lead to."""
        try:
            found = self.evaluator.infer(module.path, node).type
        except (Exhausted, RecursionError):
            return UNKNOWN
        if not isinstance(found, Unknown):
            return found
        match node:
            case ast.Name(id=name):
                bindings = module.scopes.resolve(name, module.scopes.scope_of(node)).bindings
                if len(bindings) == 1 and bindings[0].kind == "import":
                    return self.evaluator.modules.imported(module, bindings[0])
            case ast.Attribute(value=receiver, attr=name):
                inside = self.type_of(module, receiver)
                if isinstance(inside, Module):
                    return self.evaluator.modules.member(inside.definition, name) or found
        return found

    def proof(self, module: ModuleDefinition, node: ast.expr, depth: int = _MAX_DEPTH) -> Proof:
        """How far the type inferred for an expression can be relied on."""
        if depth <= 0:
            return Proof.NONE
        match node:
            case ast.Constant() | ast.JoinedStr() | ast.List() | ast.Dict() | ast.Set() | ast.Tuple():
                return Proof.EXACT
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return Proof.EXACT
            case ast.Name(id=name):
                return self._name(module, name, module.scopes.scope_of(node), depth - 1)
            case ast.Attribute(value=receiver, attr=name):
                return self._attribute(module, receiver, name, depth - 1)
            case ast.Call(func=callee):
                return self._call(module, callee, depth - 1)
            case ast.IfExp(body=body, orelse=orelse):
                return min(self.proof(module, body, depth - 1), self.proof(module, orelse, depth - 1))
            case ast.BoolOp(values=values):
                return min(self.proof(module, value, depth - 1) for value in values)
            case ast.BinOp(left=left, op=ast.Mod()) if isinstance(left, ast.Constant | ast.JoinedStr):
                return Proof.EXACT
            case ast.Await(value=ast.Call(func=callee)):
                return self._call(module, callee, depth - 1)
            case ast.NamedExpr(value=value):
                return self.proof(module, value, depth - 1)
            case ast.Subscript(value=value):
                return self._element(module, value, depth - 1)
            case _:
                return Proof.NONE

    # Names.

    def _name(self, module: ModuleDefinition, name: str, scope: Scope, depth: int) -> Proof:
        resolution = module.scopes.resolve(name, scope)
        if resolution.scope is None:
            builtins = self.evaluator.builtins.scopes.module.bindings
            return Proof.EXACT if name in builtins and not resolution.stars else Proof.NONE
        return self.bindings(module, resolution.bindings, depth)

    def bindings(self, module: ModuleDefinition, bindings: Sequence[Binding], depth: int) -> Proof:
        """How far what these bindings of one name hold can be relied on."""
        bindings = [b for b in bindings if b.kind != "delete"]
        definitions = [b for b in bindings if b.kind in ("import", "function", "class")]
        if len({b.scope for b in bindings}) != 1 or (definitions and len(bindings) > 1):
            return Proof.NONE  # a global that functions set; alternatives by version or installation
        declared = [b for b in bindings if isinstance(b.statement, ast.AnnAssign)]
        if declared:
            return Proof.DECLARED
        return min((self._binding(module, binding, depth) for binding in bindings), default=Proof.NONE)

    def _binding(self, module: ModuleDefinition, binding: Binding, depth: int) -> Proof:
        statement = binding.statement
        match binding.kind:
            case "import":
                return self._imported(module, binding, depth)
            case "class" if isinstance(statement, ast.ClassDef):
                return Proof.EXACT
            case "function":
                return Proof.EXACT
            case "assignment" if isinstance(statement, ast.Assign):
                if all(isinstance(target, ast.Name) for target in statement.targets):
                    return self.proof(module, statement.value, depth)
                return Proof.NONE
            case "walrus" if isinstance(statement, ast.NamedExpr):
                return self.proof(module, statement.value, depth)
            case "with" if isinstance(statement, ast.With | ast.AsyncWith):
                return self._entered(module, statement, binding, depth)
            case "except" if isinstance(statement, ast.ExceptHandler) and statement.type is not None:
                types = statement.type.elts if isinstance(statement.type, ast.Tuple) else [statement.type]
                return min(Proof.DECLARED, *(self.proof(module, each, depth) for each in types))
            case "for" if isinstance(statement, ast.For | ast.AsyncFor | ast.comprehension):
                return self._element(module, statement.iter, depth)
            case "parameter":
                return self._parameter(module, binding)
            case _:
                return Proof.NONE

    def _imported(self, module: ModuleDefinition, binding: Binding, depth: int) -> Proof:
        statement = binding.statement
        if isinstance(statement, ast.Import):
            return Proof.EXACT
        assert isinstance(statement, ast.ImportFrom)
        assert isinstance(binding.node, ast.alias)
        source = self.evaluator.modules.imported_module(module, statement)
        if source is None:
            return Proof.NONE
        if source is module:  # `from . import submodule`
            found = self.evaluator.workspace.find_module(f"{source.name}.{binding.node.name}")
            return Proof.EXACT if found is not None else Proof.NONE
        return self._module_member(source, binding.node.name, depth)

    def _module_member(self, source: ModuleDefinition, name: str, depth: int) -> Proof:
        bindings = source.scopes.module.bindings.get(name)
        if bindings:
            if depth <= 0:
                return Proof.NONE
            reachable = [b for b in bindings if self.evaluator.modules.reachable(source, b)]
            if source.origin == "stub" and all(b.kind == "function" for b in reachable):
                return Proof.EXACT
            return self.bindings(source, reachable, depth - 1)
        for statement in source.scopes.module.stars:
            star = self.evaluator.modules.imported_module(source, statement)
            if depth > 0 and star is not None and name in self.evaluator.modules.exported(star):
                return self._module_member(star, name, depth - 1)
        if source.scopes.module.stars:
            return Proof.NONE
        submodule = self.evaluator.workspace.find_module(f"{source.name}.{name}")
        return Proof.EXACT if submodule is not None else Proof.NONE

    def _entered(
        self, module: ModuleDefinition, statement: ast.With | ast.AsyncWith, binding: Binding, depth: int
    ) -> Proof:
        for item in statement.items:
            if item.optional_vars is binding.node:
                return min(Proof.DECLARED, self.proof(module, item.context_expr, depth))
        return Proof.NONE

    def _parameter(self, module: ModuleDefinition, binding: Binding) -> Proof:
        function, argument = binding.statement, binding.node
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return Proof.NONE
        assert isinstance(argument, ast.arg)
        arguments = function.args
        if argument is arguments.vararg or argument is arguments.kwarg:
            return Proof.EXACT  # a tuple or a dictionary
        if argument.annotation is not None:
            return Proof.DECLARED
        owner = module.scopes.scope_of(function)
        is_first = parameters(arguments)[0] is argument and arguments.vararg is not argument
        if owner.kind != "class" or not is_first:
            return Proof.NONE
        decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
        plain = not decorators - {"classmethod", "property", "abstractmethod", "override", "cached_property"}
        named = argument.arg in ("self", "cls")
        return Proof.DECLARED if plain and named else Proof.NONE

    # Elements, members and calls.

    def _element(self, module: ModuleDefinition, container: ast.expr, depth: int) -> Proof:
        """How far the elements of a container can be relied on: those of a declared one, as declared."""
        if self._says_elements(module, container, depth):
            return min(Proof.DECLARED, self.proof(module, container, depth))
        return Proof.NONE

    def _says_elements(self, module: ModuleDefinition, node: ast.expr, depth: int) -> bool:
        """Whether the type arguments of an expression come from annotations, not from what is put in."""
        if depth <= 0:
            return False
        match node:
            case ast.Constant() | ast.JoinedStr():
                return True
            case ast.Name(id=name):
                bindings = module.scopes.resolve(name, module.scopes.scope_of(node)).bindings
                return all(self._binding_says_elements(module, binding, depth - 1) for binding in bindings)
            case ast.Call(func=ast.Attribute(value=receiver)) | ast.Attribute(value=receiver):
                return self._says_elements(module, receiver, depth - 1)
            case ast.Call(func=ast.Name()):
                return not isinstance(self.type_of(module, node.func), ClassObject)
            case ast.Subscript(value=container):
                return self._says_elements(module, container, depth - 1)
            case _:
                return False

    def _binding_says_elements(self, module: ModuleDefinition, binding: Binding, depth: int) -> bool:
        statement = binding.statement
        if isinstance(statement, ast.Assign):
            return self._says_elements(module, statement.value, depth)
        if isinstance(statement, ast.For | ast.AsyncFor | ast.comprehension):
            return self._says_elements(module, statement.iter, depth)
        return binding.kind in ("parameter", "import") or isinstance(statement, ast.AnnAssign)

    def _attribute(self, module: ModuleDefinition, receiver: ast.expr, name: str, depth: int) -> Proof:
        proof = self.proof(module, receiver, depth)
        if proof == Proof.NONE:
            return Proof.NONE
        value = self.type_of(module, receiver)
        match value:
            case Module(definition=definition):
                return self._module_member(definition, name, depth)
            case Instance() | ClassObject() | Literal() | Tuple():
                return min(proof, self._member(value, name))
            case _:
                return Proof.NONE

    def _member(self, receiver: Type, name: str) -> Proof:
        """What a declaration says of a member; an attribute without one may hold anything."""
        found = self.evaluator.lookup(receiver, name)
        owner = found.owner if found is not None else None
        if owner is None or owner.scope is None:
            return Proof.NONE
        bindings = owner.scope.bindings.get(name, ())
        if not bindings:
            return Proof.NONE
        for binding in bindings:
            node = binding.node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {ast.unparse(decorator) for decorator in node.decorator_list}
                if names & _PROPERTIES and node.returns is None:
                    return Proof.NONE
            elif not isinstance(binding.statement, ast.AnnAssign):
                return Proof.NONE
        return Proof.DECLARED

    def _call(self, module: ModuleDefinition, callee: ast.expr, depth: int) -> Proof:
        proof = self.proof(module, callee, depth)
        if proof == Proof.NONE:
            return Proof.NONE
        return self.returned(self.type_of(module, callee))

    def returned(self, value: Type) -> Proof:
        """How far what a call of this type returns can be relied on."""
        match value:
            case ClassObject(definition=definition):
                if self.evaluator.classes.metaclass(definition).name not in ("type", "ABCMeta"):
                    return Proof.NONE
                made = self.evaluator.classes.find(definition, "__new__")
                plain = made is None or made[0][0].module.origin == "stub"
                return Proof.EXACT if plain else Proof.NONE
            case BoundMethod(function=function) | Wrapped(function=function):
                return min(Proof.DECLARED, self.returned(function))
            case Function(definition=definition, overloads=overloads):
                nodes = [each.node for each in overloads or (definition,)]
                annotated = all(not isinstance(n, ast.Lambda) and n.returns is not None for n in nodes)
                decorators = {ast.unparse(d).rpartition(".")[2] for n in nodes for d in _decorators(n)}
                return Proof.DECLARED if annotated and not decorators - _KEEP_RETURN else Proof.NONE
            case _:
                return Proof.NONE


def _decorators(node: ast.AST) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])
