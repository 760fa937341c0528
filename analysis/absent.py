"""Members, imports, modules and keyword arguments that provably do not exist.

A site is reported only where three things hold: the receiver's type is fixed by the code (`provable`),
nothing that could bring the name into being was found (`existence`), and the code around the site does not
expect it to be missing (`guards`). A false alarm costs more than a mistake that is not found.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from typewright.analysis.definitions import ClassDefinition, ModuleDefinition
from typewright.analysis.elsewhere import Elsewhere
from typewright.analysis.evaluator import Evaluator
from typewright.analysis.evidence import Evidence
from typewright.analysis.existence import Existence
from typewright.analysis.fixpoint import Budget
from typewright.analysis.guards import Guards, SiteKind
from typewright.analysis.modules import Workspace, absolute_name
from typewright.analysis.navigation import Navigator
from typewright.analysis.provable import Proof, Provable
from typewright.analysis.types import (
    NONE,
    BoundMethod,
    ClassObject,
    Function,
    Instance,
    Literal,
    Module,
    Super,
    Tuple,
    Type,
    alternatives,
    render,
    widen_literals,
)
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.source import Span

_CANDIDATES = 5
_DECLARED_ONLY = Budget(seconds=60.0, callers=0, contexts=0, call_steps=0)
_OPEN_CLASS = re.compile(r"Mixin|Base|Abstract|Interface|Protocol|Mock|Stub|Fake|Proxy|Namespace")


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that does not exist. `candidates` are the nearest names that do, best first."""

    kind: SiteKind
    name: str
    receiver: str
    path: Path
    span: Span
    candidates: tuple[str, ...]
    evidence: Evidence
    confidence: float


@dataclass(frozen=True, slots=True)
class Site:
    """A place where something is used that may be absent, and whether it exists.

    None: not decidable, or guarded by the code around it.
    """

    kind: SiteKind
    name: str
    span: Span
    exists: bool | None


class Checker:
    """Checks the files of one snapshot; `previous` lends what has not changed since.

    It has an evaluator of its own that follows no callers and runs no functions for their arguments: what
    they would add is likely, not proven.
    """

    def __init__(self, workspace: Workspace, previous: Checker | None = None) -> None:
        self.evaluator: Evaluator = (
            previous.evaluator.over(workspace)
            if previous is not None
            else Evaluator(workspace, _DECLARED_ONLY)
        )
        self._workspace = workspace
        self.existence = Existence(self.evaluator)
        self.provable = Provable(self.evaluator)
        self.elsewhere = Elsewhere(self.evaluator)

    def check(
        self, path: Path, cancel: CancelToken = NEVER, sites: list[Site] | None = None
    ) -> Sequence[Absent]:
        """What is absent in one file, in source order. `sites`, where given, collects every site."""
        self.evaluator.over(self._workspace)
        with self.evaluator.memo.query(cancel):
            return _FileCheck(self, path, cancel, sites).run()


class _FileCheck:
    def __init__(self, checker: Checker, path: Path, cancel: CancelToken, sites: list[Site] | None) -> None:
        self.evaluator = checker.evaluator
        self.existence, self.provable = checker.existence, checker.provable
        self.elsewhere = checker.elsewhere
        self.path, self.cancel, self.sites = path, cancel, sites
        self.module = self.evaluator.modules.at(path)
        self.syntax = self.evaluator.modules.syntax(path)
        self.guards = Guards(self.syntax, self.module.scopes, self.evaluator.workspace.environment.version)
        self.found: list[Absent] = []

    def run(self) -> Sequence[Absent]:
        if self.guards.ignored_file:
            return ()
        for node in ast.walk(self.module.tree):
            self.cancel.check()
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self._attribute(node)
            elif isinstance(node, ast.Call) and node.keywords:
                self._keywords(node)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self._module(alias, alias.name)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
        return sorted(self.found, key=lambda absent: absent.span)

    def _count(self, kind: SiteKind, name: str, node: ast.AST, exists: bool | None) -> bool:
        """Notes a site; whether it is one where the name is absent."""
        if self.sites is not None:
            if exists and self.guards.guarded(node, kind, name):
                exists = None  # no statement is made about it, whatever its name
            span = self._part(node, 0) if isinstance(node, ast.alias) else self.syntax.name_span(node)
            self.sites.append(Site(kind, name, span, exists))
        return exists is False

    # Imports.

    def _module(self, node: ast.alias | ast.ImportFrom, name: str) -> bool:
        """Whether a module is there; the first part of its name that is not gets reported."""
        parts = name.split(".")
        exists: bool | None = True
        for count in range(1, len(parts) + 1):
            exists = self.existence.module(".".join(parts[:count]))
            if exists is not True:
                break
        absent = self._count("module", name, node, exists)
        if absent and not self.guards.guarded(node, "module", name) and not self._is_optional(parts[0]):
            self._missing_module(node, parts, count)
        return exists is True

    def _is_optional(self, top: str) -> bool:
        """Whether the workspace imports a module somewhere with a handler for its absence."""
        for path in self.evaluator.workspace.files_using(top):
            module = self.evaluator.modules.at(path)
            guards = Guards(self.evaluator.modules.syntax(path), module.scopes, self.guards.version)
            for node in ast.walk(module.tree):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                if any(each.partition(".")[0] == top for each in names) and guards.guarded(
                    node, "module", top
                ):
                    return True
        return False

    def _missing_module(self, node: ast.alias | ast.ImportFrom, parts: list[str], count: int) -> None:
        parent, last = ".".join(parts[: count - 1]), parts[count - 1]
        near = _nearest(last, self.evaluator.workspace.submodules(parent))
        if parent:
            source = self.evaluator.modules.find(parent)
            text, place = f"{parent} has no module {last!r}", source.path if source else self.path
        else:
            environment = self.evaluator.workspace.environment
            text, place = f"no module {last!r} here, installed or in the standard library", environment.prefix
        inside = self.module.scopes.scope_of(node).enclosing("function") is not None
        confidence = 0.9 if parent or (near and not inside) else 0.5
        span = self._part(node, len(parts) - count)
        self._report("module", last, parent, span, near, Evidence("stub", text, place, 1), confidence)

    def _part(self, node: ast.alias | ast.ImportFrom, behind: int) -> Span:
        """Where the part of a module's name stands that has `behind` more parts after it."""
        span = self.syntax.span(node)
        start = self.syntax.offset(span.line, span.column)
        dotted = re.compile(r"(?:from\b[\s.]*)?([\w.]+)").match(self.syntax.text, start)
        if dotted is None:
            return span
        parts = dotted[1].split(".")
        index = max(len(parts) - 1 - behind, 0)
        first = dotted.start(1) + sum(len(part) + 1 for part in parts[:index])
        return Span(*self.syntax.position(first), *self.syntax.position(first + len(parts[index])))

    def _import_from(self, node: ast.ImportFrom) -> None:
        name = absolute_name(self.module, node)
        if not name or not self._module(node, name):
            return
        source = self.evaluator.modules.find(name)
        for alias in node.names:
            if alias.name == "*":
                continue
            answer: bool | None = None
            if source is self.module or source is None:
                submodule = self.evaluator.workspace.find_module(f"{name}.{alias.name}")
                answer = True if submodule is not None else None
            else:
                answer = self.existence.module_member(source, alias.name)
            if not self._count("import", alias.name, alias, answer):
                continue
            if self.guards.guarded(alias, "import", alias.name) or self.elsewhere.assigns(alias.name, None):
                continue
            assert source is not None
            near = _nearest(alias.name, self._module_names(source))
            text = f"{_described(source)} has no member {alias.name!r}"
            span = self._part(alias, 0)
            self._report("import", alias.name, name, span, near, Evidence("stub", text, source.path, 1), 0.95)

    # Members.

    def _attribute(self, node: ast.Attribute) -> None:
        proof = self.provable.proof(self.module, node.value)
        if proof == Proof.NONE:
            self._count("member", node.attr, node, None)
            return
        receiver = self.provable.type_of(self.module, node.value)
        arms = [arm for arm in alternatives(receiver) if arm != NONE]
        answers = [self._has(arm, node.attr) for arm in arms]
        answer = True if True in answers else None if None in answers or not answers else False
        absent = self._count("member", node.attr, node, answer)
        if not absent or self.guards.guarded(node, "member", node.attr):
            return
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if any(self._may_come_from_elsewhere(arm, node.attr, proof, own=own) for arm in arms):
            return
        first = arms[0]
        near = _nearest(node.attr, [member.name for member in self.evaluator.members(first).members])
        owner = first.definition if isinstance(first, Module) else None
        shown = first.definition.name if isinstance(first, Module) else render(widen_literals(receiver))
        text = f"{_described(owner) if owner else shown} has no member {node.attr!r}"
        evidence = self._evidence(owner, None if owner else _class(first), text)
        span = self.syntax.name_span(node)
        self._report("member", node.attr, shown, span, near, evidence, 0.95 if proof == Proof.EXACT else 0.85)

    def _has(self, value: Type, name: str) -> bool | None:
        match value:
            case Module(definition=definition):
                return self.existence.module_member(definition, name)
            case Instance(definition=definition) | Literal(definition=definition):
                return self.existence.class_member(definition, name)
            case Tuple(definition=definition):
                return self.existence.class_member(definition, name)
            case ClassObject(definition=definition):
                return self.existence.class_object_member(definition, name)
            case Super(definition=definition):
                ancestors = self.evaluator.classes.mro(definition)[1:]
                return True if any(self.existence.own_member(a, name) for a, _ in ancestors) else None
            case _:
                return None

    def _may_come_from_elsewhere(self, value: Type, name: str, proof: Proof, *, own: bool) -> bool:
        """Whether code outside the receiver's own definition may give it the member."""
        definition = _class(value)
        if self.elsewhere.assigns(name, definition):
            return True
        if definition is None or proof == Proof.EXACT:
            return False
        if _OPEN_CLASS.search(definition.name):
            return True
        whole = not own or self.evaluator.classes.is_enum(definition) or self.elsewhere.is_made(definition)
        if not whole and self.elsewhere.some_class_has(name):
            return True  # made by a call of type(), or by whoever mixes it in
        return any(
            self.existence.class_member(subclass, name) is not False
            for subclass in self.elsewhere.subclasses(definition)
        )

    # Keyword arguments.

    def _keywords(self, call: ast.Call) -> None:
        names = [keyword for keyword in call.keywords if keyword.arg is not None]
        if not names:
            return
        proof = self.provable.proof(self.module, call.func)
        if proof == Proof.NONE:
            for keyword in names:
                self._count("keyword", keyword.arg or "", keyword, None)
            return
        callee = self.provable.type_of(self.module, call.func)
        for keyword in names:
            assert keyword.arg is not None
            answers = [self.existence.keyword(arm, keyword.arg) for arm in alternatives(callee)]
            answer = True if True in answers else None if None in answers or not answers else False
            absent = self._count("keyword", keyword.arg, keyword, answer)
            if not absent or self.guards.guarded(keyword, "keyword", keyword.arg):
                continue
            if any(self._is_overridden(arm) for arm in alternatives(callee)):
                continue
            functions = list(Navigator(self.evaluator).callees(alternatives(callee)[0]))
            accepted = [p.arg for f in functions for p in (*f.node.args.args, *f.node.args.kwonlyargs)]
            shown = self.syntax.source(call.func)
            place = (functions[0].module.path, functions[0].node.lineno) if functions else (self.path, 1)
            evidence = Evidence("stub", f"{shown}() takes no keyword argument {keyword.arg!r}", *place)
            near = _nearest(keyword.arg, [name for name in dict.fromkeys(accepted) if name != "self"])
            span = self.syntax.name_span(keyword)
            self._report("keyword", keyword.arg, shown, span, near, evidence, 0.9)

    def _is_overridden(self, callee: Type) -> bool:
        """Whether a subclass has a method of its own in place of this one."""
        if not isinstance(callee, BoundMethod) or not isinstance(callee.function, Function):
            return False
        definition = _class(callee.receiver)
        method = callee.function.definition.name
        if definition is None:
            return True
        return any(
            subclass.scope is not None and method in subclass.scope.bindings
            for subclass in self.elsewhere.subclasses(definition)
        )

    # Reports.

    def _report(
        self,
        kind: SiteKind,
        name: str,
        receiver: str,
        span: Span,
        candidates: Sequence[str],
        evidence: Evidence,
        confidence: float,
    ) -> None:
        self.found.append(
            Absent(kind, name, receiver, self.path, span, tuple(candidates), evidence, confidence)
        )

    def _module_names(self, module: ModuleDefinition) -> list[str]:
        names = dict.fromkeys(module.scopes.module.bindings)
        names.update(dict.fromkeys(self.evaluator.modules.exported(module)))
        if module.is_package:
            names.update(dict.fromkeys(self.evaluator.workspace.submodules(module.name)))
        return list(names)

    def _evidence(
        self, module: ModuleDefinition | None, definition: ClassDefinition | None, text: str
    ) -> Evidence:
        if definition is not None:
            line = definition.node.lineno if definition.node is not None else 1
            return Evidence("stub", text, definition.module.path, line)
        return Evidence("stub", text, module.path if module is not None else self.path, 1)


def _class(value: Type) -> ClassDefinition | None:
    match value:
        case Instance(definition=definition) | Literal(definition=definition) | Tuple(definition=definition):
            return definition
        case ClassObject(definition=definition):
            return definition
        case _:
            return None


def _described(module: ModuleDefinition) -> str:
    return f"{module.name} ({'typeshed' if 'typeshed' in module.path.parts else module.origin})"


def _nearest(name: str, names: Sequence[str]) -> list[str]:
    """The names that are spelled most like this one; private ones only for a private name."""
    public = [each for each in names if name.startswith("_") or not each.startswith("_")]
    lower = {each.lower(): each for each in reversed(public)}
    close = difflib.get_close_matches(name.lower(), lower, n=_CANDIDATES, cutoff=0.6)
    inside = [each for each in public if name.lower() in each.lower() or each.lower() in name.lower()]
    found = [*(lower[each] for each in close), *(each for each in inside if len(each) > 3)]
    return list(dict.fromkeys(found))[:_CANDIDATES]
