"""What a name holds: read where it is used, or settled once its scope has run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import Frame
from typewright.analysis.scopes import Binding
from typewright.analysis.types import NEVER, NONE, UNKNOWN, Instance, Literal, Module, Type, join, known

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_DEFINITIONS = ("function", "class", "import")
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})


class Names:
    """Reads names through frames."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def read(self, frame: Frame, name: str) -> Type:
        """What `name` holds where `frame` uses it, outside of what its own running environment says."""
        scope = frame.scope
        if name in scope.globals:
            return self._from_module(frame.module.frame, name)
        if name in scope.bindings and scope.kind != "module":
            if scope.kind != "class":
                return self._from_inside(frame, name)
            found = self.settled(frame, name) if not frame.running else None
            if found is not None:
                return found
        if scope.kind == "module":
            return self._from_module(frame, name)
        return self.outer(frame, name)

    def outer(self, frame: Frame, name: str) -> Type:
        """What `name` holds in the scopes around `frame`."""
        inner, around = frame, frame.parent
        while around is not None:
            header = inner.scope.parent
            if header is not None and header.kind == "type_parameters" and name in header.bindings:
                return self.evaluator.annotations.type_parameter(header.bindings[name][0], around)
            if around.scope.kind == "module":
                return self._from_module(around, name)
            if around.scope.kind != "class" and name in around.scope.bindings:
                return self._from_inside(around, name)
            inner, around = around, around.parent
        return self._builtin(name)

    def _from_inside(self, frame: Frame, name: str) -> Type:
        """A local of a surrounding function: of this moment while it runs, else what it held in the end."""
        if frame.running and frame.environment is not None:
            self.evaluator.memo.read_running(frame.depth or 0, frame, name)
            found = frame.environment.names.get(name)
            if found is not None:
                return found
        return self.settled(frame, name) or UNKNOWN

    def _from_module(self, frame: Frame, name: str) -> Type:
        bindings = frame.scope.bindings.get(name)
        if bindings:
            # Functions run at any time: for them, a name of a module holds whatever is bound to it anywhere.
            # What it holds at this moment of the module's run would make all that stands on it momentary.
            found = self.settled(frame, name, at_any_time=frame.running)
            if found is not None:
                return found
        starred = self.evaluator.modules.starred(frame.module, name)
        return starred if starred is not None else self._builtin(name, frame)

    def _builtin(self, name: str, frame: Frame | None = None) -> Type:
        if name in ("__name__", "__file__", "__qualname__", "__module__"):
            return self.evaluator.instance("str")
        if name == "__doc__":
            return join(self.evaluator.instance("str"), NONE)
        builtins = self.evaluator.builtins
        if frame is not None and frame.module is builtins:
            return UNKNOWN
        return self.evaluator.modules.member(builtins, name) or UNKNOWN

    # Settled names.

    def settled(self, frame: Frame, name: str, *, at_any_time: bool = False) -> Type | None:
        """What a name of the frame's own scope holds after it has run; None where nothing binds it.

        With `at_any_time`, what it may hold while the scope runs.
        """
        found = self._settled(frame, name, at_any_time)
        return found if found is None else self.evaluator.fillings.filled(frame, name, found)

    def _settled(self, frame: Frame, name: str, at_any_time: bool) -> Type | None:
        modules = self.evaluator.modules
        candidates = frame.scope.bindings.get(name)
        if not candidates:
            return None
        if frame.scope.kind not in ("module", "class"):
            return self.evaluator.activations.local(frame, name)
        bindings = [b for b in candidates if b.kind != "delete" and modules.reachable(frame.module, b)]
        if not bindings:
            return None
        for binding in bindings:
            if isinstance(binding.statement, ast.AnnAssign) and binding.scope is frame.scope:
                declared = self.evaluator.declarations.annotated(frame, binding)
                if declared is not None:
                    return declared
        last = bindings[-1]
        if len(bindings) == 1 or (last.kind in ("function", "class") and not _is_branched(last, frame)):
            return self.evaluator.declarations.bound(frame, last)
        open_ = frame.module.origin == "workspace" and any(b.kind not in _DEFINITIONS for b in bindings)
        if open_ and not at_any_time:
            return self._after_run(frame, name, bindings)
        return self._any_of(frame, bindings)

    def _after_run(self, frame: Frame, name: str, bindings: list[Binding]) -> Type:
        outcome = self.evaluator.activations.body(frame)
        found: list[Type] = []
        if outcome is not None:
            value = outcome.names.get(name)
            if value is not None:
                found.append(value)
        outside = (binding for binding in bindings if binding.scope is not frame.scope)  # by `global`
        found.extend(self.evaluator.activations.assigned(frame.module, binding) for binding in outside)
        return join(*found) if found else self._any_of(frame, bindings)

    def _any_of(self, frame: Frame, bindings: list[Binding]) -> Type:
        """Every binding may be the last one; what stands in for a failed import only if all are such."""
        first: list[Type] = []
        fallback: list[Type] = []
        for binding in bindings:
            if binding.scope is not frame.scope:
                continue
            type = self.evaluator.declarations.bound(frame, binding)
            (fallback if self._is_fallback(frame, binding) else first).append(type)
        found = join(*first) if first else NEVER
        if known(found) == NEVER and fallback:
            found = join(*fallback)
        if isinstance(known(found), Module):
            return known(found)
        return found

    def _is_fallback(self, frame: Frame, binding: Binding) -> bool:
        for node in frame.module.scopes.ancestors(binding.node):
            if isinstance(node, ast.ExceptHandler) and catches_import_error(node):
                return True
        return False


def catches_import_error(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is there for imports that fail."""
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(type, ast.Name) and type.id in _IMPORT_ERRORS for type in types)


def _is_branched(binding: Binding, frame: Frame) -> bool:
    """Whether a definition stands in a branch, so that an earlier one may be the one that counts."""
    scopes = frame.module.scopes
    parent = scopes.parent(binding.node)
    return parent is not None and parent is not frame.scope.node


def literal_value(type: Type) -> str | int | bytes | None:
    """The value of a literal of `str`, `int` or `bytes`, else None."""
    if isinstance(type, Literal) and type.definition.name != "bool":
        return type.value
    return None


def is_instance_of(type: Type, *names: str) -> bool:
    """Whether a type is an instance of exactly one of these classes, given by qualified name."""
    return isinstance(type, Instance) and type.definition.qualified_name in names
