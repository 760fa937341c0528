"""What there is: every member of a type, every way to call it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, FunctionDefinition, ModuleDefinition
from typewright.analysis.scopes import Binding
from typewright.analysis.types import (
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Module,
    Parameter,
    Partial,
    Super,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    Wrapped,
    alternatives,
    render,
)
from typewright.indexer.outline import SymbolKind

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_DYNAMIC = ("__getattr__", "__getattribute__")


@dataclass(frozen=True, slots=True)
class Member:
    """A name behind a dot, or in scope."""

    name: str
    kind: SymbolKind
    detail: str
    owner: str
    documentation: str


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a receiver. `complete` False: it is dynamic, absence proves nothing."""

    receiver: str
    members: tuple[Member, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call something. `parameters` are labels as written, `/` and `*` included."""

    label: str
    parameters: tuple[str, ...]
    documentation: str
    name: str


class Inventory:
    """Lists members and signatures."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def members(self, type: Type) -> Members:
        """Every member of a type. Of a union: what any alternative has (None aside)."""
        found: dict[str, Member] = {}
        complete = not isinstance(type, Unknown)
        for item in alternatives(type):
            match item:
                case Unknown():
                    complete = False
                case Module(definition=module):
                    complete = self._of_module(module, found) and complete
                case ClassObject(definition=definition):
                    complete = self._of_class(definition, found) and complete
                    self._of_class(self.evaluator.classes.metaclass(definition), found)
                case Super(receiver=receiver):
                    complete = self._of_type(receiver, found) and complete
                case TypeVariable(bound=bound, constraints=constraints):
                    for inner in constraints or ((bound,) if bound is not None else ()):
                        self._of_type(inner, found)
                    complete = complete and bool(constraints or bound)
                case _:
                    if isinstance(type, Union) and render(item) == "None":
                        continue
                    complete = self._of_type(item, found) and complete
        return Members(render(type), tuple(found.values()), complete)

    def _of_type(self, type: Type, found: dict[str, Member]) -> bool:
        own = self.evaluator.classes.class_of(type)
        return self._of_class(own, found) if own is not None else False

    def _of_class(self, definition: ClassDefinition, found: dict[str, Member]) -> bool:
        complete = not self.evaluator.classes.has_unknown_base(definition)
        for ancestor, _ in self.evaluator.classes.mro(definition):
            for name, bindings in ancestor.scope.bindings.items() if ancestor.scope is not None else ():
                if name in _DYNAMIC and ancestor.qualified_name != "builtins.object":
                    complete = False
                reachable = [b for b in bindings if self.evaluator.modules.reachable(ancestor.module, b)]
                if name not in found and reachable:
                    found[name] = self._described(reachable[-1], ancestor.name, inside=True)
            for name in ancestor.members:
                found.setdefault(name, Member(name, "attribute", "", ancestor.name, ""))
            for name in self.evaluator.attributes.stores(ancestor):
                found.setdefault(name, Member(name, "attribute", "", ancestor.name, ""))
        return complete

    def _of_module(self, module: ModuleDefinition, found: dict[str, Member]) -> bool:
        for name, bindings in module.scopes.module.bindings.items():
            reachable = [b for b in bindings if self.evaluator.modules.reachable(module, b)]
            if reachable and not (module.origin == "stub" and _is_private_import(reachable)):
                found[name] = self._described(reachable[-1], module.name, inside=False)
        for statement in module.scopes.module.stars:
            source = self.evaluator.modules.imported_module(module, statement)
            for name in self.evaluator.modules.exported(source) if source is not None else ():
                bindings = source.scopes.module.bindings.get(name, []) if source is not None else []
                if source is not None and bindings:
                    found.setdefault(name, self._described(bindings[-1], source.name, inside=False))
        if module.is_package:
            for name in self.evaluator.workspace.submodules(module.name):
                found.setdefault(
                    name, Member(name, "module", f"module {module.name}.{name}", module.name, "")
                )
        return "__getattr__" not in module.scopes.module.bindings

    def _described(self, binding: Binding, owner: str, *, inside: bool) -> Member:
        node, name = binding.node, binding.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list}
            kind: SymbolKind = "method" if inside else "function"
            if any("property" in decorator for decorator in decorators):
                kind = "property"
            text = f"def {name}({ast.unparse(node.args)})" + (
                f" -> {ast.unparse(node.returns)}" if node.returns else ""
            )
            return Member(name, kind, text, owner, ast.get_docstring(node) or "")
        if isinstance(node, ast.ClassDef):
            return Member(name, "class", f"class {name}", owner, ast.get_docstring(node) or "")
        if isinstance(node, ast.alias):
            kind = "module" if isinstance(binding.statement, ast.Import) else "variable"
            return Member(name, kind, node.name, owner, "")
        annotation = binding.statement.annotation if isinstance(binding.statement, ast.AnnAssign) else None
        return Member(
            name,
            "attribute" if inside else "variable",
            ast.unparse(annotation) if annotation else "",
            owner,
            "",
        )

    def typed_dict_field(self, definition: ClassDefinition, key: object) -> Type | None:
        """The type of `d["key"]` for a TypedDict."""
        if not isinstance(key, str) or not self.evaluator.classes.is_typed_dict(definition):
            return None
        for ancestor, _ in self.evaluator.classes.mro(definition):
            made = ancestor.members.get(f"[{key}]")
            if made is not None:
                return made
            if ancestor.module.origin != "stub" or definition.module.origin == "stub":
                found = self.evaluator.classes.own_member(ancestor, key)
                if found is not None and ancestor.qualified_name.partition(".")[0] != "typing":
                    return found
        return UNKNOWN

    # Signatures.

    def signatures(self, type: Type) -> tuple[Signature, ...]:
        """How a value of a type can be called; nothing where that is not known."""
        return tuple(signature for item in alternatives(type) for signature in self._signatures(item, 0))

    def _signatures(self, type: Type, skipped: int) -> Iterator[Signature]:
        match type:
            case Function(definition=definition, overloads=overloads):
                for chosen in overloads or (definition,):
                    yield _written(chosen, skipped)
            case BoundMethod(function=function):
                yield from self._signatures(function, skipped + 1)
            case Wrapped(function=function):
                yield from self._signatures(function, skipped)
            case Partial(function=function, positional=positional):
                yield from self._signatures(function, skipped + len(positional))
            case ClassObject():
                yield from self._of_construction(type)
            case Callable(origin=Function() as origin):
                yield from self._signatures(origin, skipped)
            case Callable(parameters=parameters, returns=returns) if parameters is not None:
                labels = tuple(_labelled(p) for p in parameters[skipped:])
                yield Signature(f"({', '.join(labels)}) -> {render(returns)}", labels, "", "")
            case Instance() | Tuple():
                method = self.evaluator.classes.attribute(type, "__call__")
                if isinstance(method, BoundMethod):
                    yield from self._signatures(method, 0)
            case _:
                return

    def _of_construction(self, type: ClassObject) -> Iterator[Signature]:
        definition = type.definition
        documentation = ast.get_docstring(definition.node) or "" if definition.node is not None else ""
        fields = self.evaluator.calls.constructions.field_parameters(definition)
        own = definition.scope is not None and "__init__" in definition.scope.bindings
        if fields is not None and not own:
            labels = tuple(_labelled(field) for field in fields)
            yield Signature(f"{definition.name}({', '.join(labels)})", labels, documentation, definition.name)
            return
        for name in ("__init__", "__new__"):
            found = self.evaluator.classes.find(definition, name)
            if found is not None and found[0][0].qualified_name != "builtins.object":
                for signature in self._signatures(found[1], 1):
                    label = f"{definition.name}({', '.join(signature.parameters)})"
                    text = signature.documentation or documentation
                    yield Signature(label, signature.parameters, text, definition.name)
                return
        yield Signature(f"{definition.name}()", (), documentation, definition.name)


def _labelled(parameter: Parameter) -> str:
    stars = {"variadic": "*", "keywords": "**"}.get(parameter.kind, "")
    type = f": {render(parameter.type)}" if not isinstance(parameter.type, Unknown) else ""
    return f"{stars}{parameter.name or '_'}{type}{'' if parameter.required or stars else ' = ...'}"


def _written(definition: FunctionDefinition, skipped: int) -> Signature:
    """The signature as it is written, without its first parameters."""
    node = definition.node
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    labels: list[str] = []
    for position, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        if position >= skipped:
            labels.append(_label(argument, default))
        if position + 1 == len(a.posonlyargs) and labels:
            labels.append("/")
    if a.vararg is not None:
        labels.append("*" + _label(a.vararg, None))
    elif a.kwonlyargs:
        labels.append("*")
    labels.extend(
        _label(argument, default) for argument, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)
    )
    if a.kwarg is not None:
        labels.append("**" + _label(a.kwarg, None))
    returns = getattr(node, "returns", None)
    label = f"{definition.name}({', '.join(labels)})" + (
        f" -> {ast.unparse(returns)}" if returns is not None else ""
    )
    documentation = "" if isinstance(node, ast.Lambda) else ast.get_docstring(node) or ""
    return Signature(label, tuple(labels), documentation, definition.name)


def _label(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(argument.annotation)}" if argument.annotation is not None else ""
    if default is None:
        return argument.arg + annotation
    return f"{argument.arg}{annotation}{' = ' if annotation else '='}{ast.unparse(default)}"


def _is_private_import(bindings: list[Binding]) -> bool:
    """Whether a stub only imports a name for itself: re-exports say `import x as x` (PEP 484)."""
    return all(isinstance(b.node, ast.alias) and b.node.asname != b.node.name for b in bindings)
