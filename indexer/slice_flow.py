"""What names lend each other across calls within a module, once all of it has been noted.

A parameter is known by what call sites pass, a result by what callers do with it, an argument by what becomes
of it in the function that is called. One step only: what has been lent is not lent again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from .slice_features import name_words, shapes
from .slice_notes import ModuleNotes
from .slice_scopes import Scope

_MAXIMUM_CALL_SITES = 6
_MAXIMUM_LENT = 8
_MAXIMUM_DEFINITIONS = 2  # beyond, a name says too little about which function is meant

# Notes that say where a value comes from, and those that say what is done with it.
_ORIGINS = ("assigned:", "default:", "isinstance:", "element:", "with:")
_USES = (
    "member:",
    "method:",
    "subscript",
    "iterated",
    "isinstance:",
    "compared:",
    "left:",
    "right:",
    "passed:",
    "awaited",
    "with",
    "called",
    "truth",
)
Loan = tuple[list[str], list[str]]  # to whom, what


def lend(notes: ModuleNotes) -> None:
    """Add what names lend each other to their notes."""
    loans: list[Loan] = []
    for scope in notes.scopes:
        if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            loans += _arguments(notes, scope)
            for callee in scope.returned_calls:
                loans += [(scope.returned, _first("via-", f.returned)) for f in _definitions(notes, callee)]
    for scope, name, callee in notes.received:
        definitions = _definitions(notes, callee)
        loans += [(scope.notes(name), _first("from-", function.returned)) for function in definitions]
        if definitions:
            loans.append((notes.results[callee], _first("", scope.notes(name), _USES)))
    for scope, name, source in notes.copied:
        loans.append((scope.notes(name), _first("copy-", _known(scope, source), _ORIGINS)))
    for receiver, lent in loans:
        receiver.extend(lent)


def _arguments(notes: ModuleNotes, scope: Scope) -> Iterable[Loan]:
    """Parameters and what is passed to them, either way."""
    node = scope.node
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    called = scope.class_name if node.name == "__init__" else node.name
    if node.name != "__init__" and len(notes.functions[node.name]) > _MAXIMUM_DEFINITIONS:
        return
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg != scope.receiver]
    for caller, call in notes.calls.get(called, ())[:_MAXIMUM_CALL_SITES]:
        passed = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
        for name, value in passed:
            if name not in scope.bindings or isinstance(value, ast.Starred):
                continue
            lent = [f"argument:{shape}" for shape in shapes(value)[:3]]
            source = _key(caller, value)
            if source:
                lent += _first("argument-", _known(caller, source), _ORIGINS)
                becomes = [f"becomes:{name}", *(f"becomes-word:{word}" for word in name_words(name)[-1:])]
                yield caller.notes(source), becomes + _first("becomes-", scope.uses[name], _USES)
            yield scope.uses[name], lent


def _definitions(notes: ModuleNotes, name: str) -> list[Scope]:
    found = notes.functions.get(name, [])
    return found if len(found) <= _MAXIMUM_DEFINITIONS else []


def _key(scope: Scope, node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id if node.id in scope.bindings else ""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        receiver, cls = scope.instance
        return f"self.{node.attr}" if cls is not None and receiver == node.value.id else ""
    return ""


def _known(scope: Scope, key: str) -> list[str]:
    """What a name's binding and its uses say."""
    binding = scope.bindings.get(key)
    return [*(binding.features if binding is not None else ()), *scope.notes(key)]


def _first(prefix: str, notes: Iterable[str], wanted: tuple[str, ...] = ("",)) -> list[str]:
    """The first distinct notes that begin as wanted, marked as lent."""
    found = dict.fromkeys(note for note in notes if note.startswith(wanted))
    return [prefix + note for note in list(found)[:_MAXIMUM_LENT]]
