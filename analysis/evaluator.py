"""The evaluator: everything that one analysis knows, and the questions that can be asked of it.

This is what the queries of `Analysis` stand on:

- `infer(path, node) -> Inferred`: the type of any expression, parameter, definition or assignment target;
- `module(name) -> Module | None`: a module by its dotted name;
- `members(type) -> Members`: every member, and whether that is all (`complete`);
- `lookup(type, attribute) -> Attribute | None`: a member's type and where it is defined;
- `signatures(type) -> tuple[Signature, ...]`: how it can be called.

The parts each live in a module of their own and ask each other through the evaluator: `modules` (files and
imports), `names`, `declarations` (bindings read without running their scope), `activations` (scopes that are
run), `classes` (members), `calls`, `callers` (call sites into parameters), `annotations`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.activations import Activations
from typewright.analysis.annotations import Annotations
from typewright.analysis.attributes import Attributes
from typewright.analysis.callers import Callers
from typewright.analysis.calls import Calls
from typewright.analysis.classes import Attribute, Classes
from typewright.analysis.declarations import Declarations
from typewright.analysis.evidence import Inferred
from typewright.analysis.fillings import Fillings
from typewright.analysis.fixpoint import Budget, Memo
from typewright.analysis.fixtures import Fixtures
from typewright.analysis.inventory import Inventory
from typewright.analysis.modules import Modules, Workspace
from typewright.analysis.names import Names
from typewright.analysis.operators import Operators
from typewright.analysis.overrides import Overrides
from typewright.analysis.types import UNKNOWN, Instance, Literal, Module, Tuple, Type

if TYPE_CHECKING:
    from typewright.analysis.definitions import ClassDefinition, ModuleDefinition
    from typewright.analysis.inventory import Members, Signature


class Evaluator:
    """Everything that was computed about a workspace, at the moment that `workspace` shows."""

    def __init__(self, workspace: Workspace, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.memo = Memo(self.budget)
        self.modules: Modules = Modules(self, workspace)
        self.names = Names(self)
        self.declarations = Declarations(self)
        self.annotations = Annotations(self)
        self.classes = Classes(self)
        self.calls = Calls(self)
        self.attributes = Attributes(self)
        self.fillings = Fillings(self)
        self.callers = Callers(self)
        self.overrides = Overrides(self)
        self.fixtures = Fixtures(self)
        self.activations = Activations(self)
        self.inventory = Inventory(self)
        self._builtins: ModuleDefinition | None = None
        self._classes: dict[str, ClassDefinition] = {}

    @property
    def workspace(self) -> Workspace:
        """The state of the workspace that answers are about."""
        return self.modules.workspace

    @property
    def builtins(self) -> ModuleDefinition:
        """The module `builtins`."""
        if self._builtins is None:
            self._builtins = self.modules.standard("builtins")
        return self._builtins

    def class_named(self, name: str) -> ClassDefinition:
        """A class of the standard library: `int`, `collections.abc.Iterable` as `typing.Iterable`."""
        found = self._classes.get(name)
        if found is None:
            module_name, _, class_name = name.rpartition(".")
            module = self.modules.standard(module_name) if module_name else self.builtins
            found = self._classes[name] = self.declarations.class_in(module, class_name)
        return found

    def instance(self, name: str, *arguments: Type) -> Instance:
        """An instance of a class of the standard library."""
        return Instance(self.class_named(name), arguments)

    def literal(self, value: str | int | bytes | bool) -> Literal:
        """The type of one value."""
        return Literal(self.class_named(type(value).__name__), value)

    def tuple_of(self, *items: Type) -> Tuple:
        """A tuple with these items."""
        return Tuple(self.class_named("tuple"), items)

    def over(self, workspace: Workspace) -> Evaluator:
        """The evaluator of another state of the workspace: this one moved there, if it is the same."""
        here = self.workspace
        if (here.root, here.environment) != (workspace.root, workspace.environment):
            return Evaluator(workspace, self.budget)
        self.modules.move(workspace)
        return self

    def awaited(self, type: Type) -> Type:
        """What `await value` gives."""
        return Operators(self).awaited(type)

    # The questions.

    def module(self, name: str) -> Module | None:
        """The module of a dotted name."""
        found = self.modules.find(name)
        return Module(found) if found is not None else None

    def infer(self, path: Path, node: ast.AST) -> Inferred:
        """The type of an expression, parameter, definition or assignment target of a workspace file."""
        type = self.activations.type_of(self.modules.at(path), node)
        return Inferred(type if type is not None else UNKNOWN)

    def members(self, type: Type) -> Members:
        """Every member of a type."""
        return self.inventory.members(type)

    def lookup(self, type: Type, attribute: str) -> Attribute | None:
        """A member's type and where it is defined; None where the type has no such member."""
        return self.classes.lookup(type, attribute)

    def signatures(self, type: Type) -> tuple[Signature, ...]:
        """How a value of this type can be called."""
        return self.inventory.signatures(type)
