"""Usage slices: what a function does with each of its slots, from syntax alone.

A *slot* is a place where an annotation could stand: a parameter, a return value, a local variable or an
attribute of `self`. Its slice is the bag of things that the code says about it without naming its type:
how it is called, what it defaults to, which members are used, what it is passed to. The idea is the usage
slice of JoernTI (Seidel et al., 2023) and the naming and usage hints of Type4Py (Mir et al., 2022).

Annotations never become features: a slice looks the same with and without them. What an annotation says is
kept apart, in `SlotSlice.annotation`, as the label in training.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .slice_features import callee_name, described_parameter, described_return, name_words
from .slice_flow import lend
from .slice_imports import module_features
from .slice_notes import ModuleNotes
from .slice_scopes import FunctionNode, Scope, SlotKind
from .syntax import Syntax

_MAXIMUM_FEATURES = 192
_MAXIMUM_BORROWED = 32


@dataclass(frozen=True, slots=True)
class SlotSlice:
    """One slot and what is done with it."""

    kind: SlotKind
    name: str
    line: int
    column: int
    annotation: str
    features: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionSlice:
    """The slots of one function; of a class body or of the module where `function` is empty.

    `module` is what all functions of a module share: what it imports (`slice_imports.py`).
    """

    function: str
    class_name: str
    docstring: str
    slots: tuple[SlotSlice, ...]
    module: tuple[str, ...] = ()


def slices(syntax: Syntax) -> tuple[FunctionSlice, ...]:
    """The usage slices of a module, in the order of their functions. Never fails on damaged code."""
    return tuple(_Slicer(syntax).functions())


class _Slicer:
    """Turns the notes on a module into slices."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._notes = ModuleNotes(syntax.tree)
        self._module = module_features(syntax.tree)

    def functions(self) -> Iterator[FunctionSlice]:
        """The slices, when the walk is done."""
        lend(self._notes)
        for scope in self._notes.scopes:
            slots = tuple(self._slots(scope))
            if slots:
                code = isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                function = ".".join(scope.path) if code or isinstance(scope.node, ast.Lambda) else ""
                docstring = _docstring(scope.node)
                yield FunctionSlice(function, scope.class_name, docstring, slots, self._module)

    def _slots(self, scope: Scope) -> Iterator[SlotSlice]:
        node = scope.node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield self._return_slot(scope, node)
        context = _context(scope)
        docstring = _docstring(node)
        parameters = [name for name, binding in scope.bindings.items() if binding.kind == "param"]
        for key, binding in scope.bindings.items():
            name = key.rpartition(".")[2]
            uses = self._uses(scope, key)
            features = [*_name_features(name), *binding.features]
            if binding.kind == "param":
                features += _signature_features(scope, name, binding.features) + context
                features += described_parameter(docstring, name)
                features += [f"sibling:{other}" for other in parameters if other != name][:6]
            else:
                features += context
            features += uses
            for source, attribute in scope.stored:
                if source == key and scope.cls is not None:
                    borrowed = scope.cls.attributes[attribute][:_MAXIMUM_BORROWED]
                    features += [
                        f"attribute-{b}" for b in borrowed if not b.startswith(("assigned", "stored"))
                    ]
                    uses += borrowed
            yield self._slot(binding.kind, key, binding.node, binding.annotation, features, uses)

    @staticmethod
    def _uses(scope: Scope, key: str) -> list[str]:
        """What is done with a name; with an attribute, in all methods of the class."""
        if key.startswith("self.") and scope.instance[1] is not None:
            return ["scope:attribute", *scope.notes(key)]
        uses = list(scope.uses[key])
        if isinstance(scope.node, ast.ClassDef) and scope.cls is not None:
            uses += scope.cls.attributes.get(key, [])
        return uses

    def _return_slot(self, scope: Scope, node: FunctionNode) -> SlotSlice:
        features = _name_features(node.name)
        if isinstance(node, ast.AsyncFunctionDef):
            features.append("async")
        features += [f"decorator:{callee_name(d).rpartition('.')[2]}" for d in node.decorator_list]
        if scope.cls is not None:
            features.append(f"in-class:{scope.cls.name}")
            features += [f"class-word:{word}" for word in name_words(scope.class_name)]
            features += [f"base:{base}" for base in scope.cls.bases]
            features += [f"overrides:{base}.{node.name}" for base in scope.cls.bases]
        features += described_return(_docstring(node))
        features += scope.returned or ["returns:never"]
        for name in scope.returned_names:
            owner = scope.instance[1] if name.startswith("self.") else None
            notes = owner.attributes[name[5:]] if owner is not None else scope.uses.get(name, [])
            features += [f"returned-{note}" for note in notes if note != "returned"][:_MAXIMUM_BORROWED]
            if name in scope.bindings and scope.bindings[name].kind == "param":
                features += ["returns-parameter", *(f"returned-{b}" for b in scope.bindings[name].features)]
        features += [f"sibling:{name}" for name, b in scope.bindings.items() if b.kind == "param"][:6]
        results = self._notes.results.get(node.name, []) if len(self._notes.functions[node.name]) <= 2 else []
        features += [f"result-{note}" for note in results[:_MAXIMUM_BORROWED]]
        body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if all(isinstance(s, ast.Pass) for s in body):
            features.append("body:empty")
        return self._slot("return", node.name, node, node.returns, features, results)

    def _slot(
        self,
        kind: SlotKind,
        name: str,
        node: ast.AST,
        annotation: ast.expr | None,
        features: Iterable[str],
        uses: Iterable[str],
    ) -> SlotSlice:
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        span = self._syntax.name_span(node) if named else self._syntax.span(node)
        members = dict.fromkeys(use[7:] for use in uses if use.startswith("member:"))
        unique = tuple(dict.fromkeys(features))[:_MAXIMUM_FEATURES]
        text = ast.unparse(annotation) if annotation is not None else ""
        return SlotSlice(kind, name, span.line, span.column, text, unique, tuple(members))


def _name_features(name: str) -> list[str]:
    """A name, its words, and the ends of the last word, by which words that nobody has seen are known."""
    words = name_words(name)
    features = [f"name:{name}", *(f"word:{word}" for word in words)]
    if words:
        last = words[-1]
        features += [f"first-word:{words[0]}", f"last-word:{last}"]
        features += [f"begins:{last[:4]}", f"ends:{last[-3:]}"] if len(last) > 4 else []
    return features


def _signature_features(scope: Scope, name: str, binding: Iterable[str]) -> list[str]:
    """What a parameter is by its place: its default beside its name, what it overrides, decorators."""
    node = scope.node
    words = name_words(name)
    defaults = [feature for feature in binding if feature.startswith("default:")][:1]
    features = [f"last-word-{default}:{words[-1]}" for default in defaults if words]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        features.append(f"of:{node.name}.{name}")
        features += [
            f"overrides:{base}.{node.name}.{name}" for base in (scope.cls.bases if scope.cls else ())
        ]
        features += [f"in-decorator:{callee_name(d).rpartition('.')[2]}" for d in node.decorator_list[:3]]
    return features


def _context(scope: Scope) -> list[str]:
    """What all names of a scope share."""
    node = scope.node
    features = [f"class-word:{word}" for word in name_words(scope.class_name)]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        features += [f"function:{node.name}", *(f"function-word:{word}" for word in name_words(node.name))]
    else:
        features.append(f"scope:{type(node).__name__.lower()}")
    if isinstance(node, ast.ClassDef) and scope.cls is not None:
        features += [f"base:{base}" for base in scope.cls.bases]
    return features


def _docstring(node: FunctionNode | ast.Lambda | ast.ClassDef | ast.Module) -> str:
    return "" if isinstance(node, ast.Lambda) else ast.get_docstring(node) or ""
