"""What can be written at a cursor: members behind a dot, names in scope, arguments of the call around it.

The text may be broken: it is being typed. What stands at the cursor is completed first (`cursor.mended`),
then the usual analysis answers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis import cursor
from typewright.analysis.cursor import Cursor, Mended, Token
from typewright.analysis.definitions import ModuleDefinition
from typewright.analysis.inventory import Member, Members, Signature
from typewright.analysis.modules import Workspace, absolute_name
from typewright.analysis.navigation import Navigator
from typewright.analysis.scopes import Binding, Scope
from typewright.analysis.types import NEVER, Type, known, render, widen_literals
from typewright.indexer.environment import Environment
from typewright.indexer.modules import ModuleFile
from typewright.indexer.syntax import Syntax, parse

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")


@dataclass(frozen=True, slots=True)
class CallContext:
    """The call around a cursor. `active_parameter` indexes the active signature's parameters, -1 for none."""

    signatures: tuple[Signature, ...]
    active_signature: int
    active_parameter: int


class Edited:
    """A workspace in which one file has another text."""

    def __init__(self, workspace: Workspace, path: Path, text: str) -> None:
        self._workspace = workspace
        self._path = path
        self._syntax = parse(text, workspace.syntax(path))

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self._workspace.root

    @property
    def environment(self) -> Environment:
        """The environment of the workspace."""
        return self._workspace.environment

    def files(self) -> Sequence[Path]:
        """The workspace's files."""
        return self._workspace.files()

    def text(self, path: Path) -> str:
        """A file's text: the edited one for the edited file."""
        return self._syntax.text if path == self._path else self._workspace.text(path)

    def syntax(self, path: Path) -> Syntax:
        """A file's syntax: that of the edited text for the edited file."""
        return self._syntax if path == self._path else self._workspace.syntax(path)

    def module_name(self, path: Path) -> str:
        """The dotted name of a file."""
        return self._workspace.module_name(path)

    def find_module(self, name: str) -> ModuleFile | None:
        """Where a module lies."""
        return self._workspace.find_module(name)

    def submodules(self, name: str) -> Sequence[str]:
        """The modules directly inside a package."""
        return self._workspace.submodules(name)

    def files_using(self, name: str) -> Sequence[Path]:
        """The files in which an identifier stands."""
        return self._workspace.files_using(name)


class Completion:
    """Answers for one cursor position in one snapshot."""

    def __init__(self, evaluator: Evaluator, path: Path, line: int, column: int) -> None:
        self.evaluator = evaluator
        self.path = path
        self.workspace = evaluator.workspace
        self.syntax = evaluator.modules.syntax(path)
        self.line, self.column = line, column
        self.cursor = cursor.at(self.syntax.text, self.syntax.offset(line, column))

    def _mended(self, mended: Mended) -> tuple[Evaluator, Syntax]:
        """The analysis of the workspace with the mended text."""
        if mended.text == self.syntax.text:
            return self.evaluator.over(self.workspace), self.syntax
        evaluator = self.evaluator.over(Edited(self.workspace, self.path, mended.text))
        return evaluator, evaluator.modules.syntax(self.path)

    # Members.

    def members(self) -> Members | None:
        """The members of what stands before the dot, or what an import statement can name here."""
        if self.cursor is None:
            return None
        if self.cursor.tokens and self.cursor.tokens[0].text in ("from", "import"):
            return self._importable(self.cursor)
        receiver = self.cursor.receiver()
        if receiver is None:
            return None
        cut, insert = self.cursor.offset, cursor.PLACEHOLDER
        after = re.compile(r"\w*").match(self.cursor.text, cut)
        assert after is not None
        if self.cursor.word or after[0]:
            cut, insert = after.end(), ""
        for mended in cursor.mended(self.cursor, receiver, cut, insert):
            evaluator, syntax = self._mended(mended)
            position = syntax.position(mended.offset + len(insert))
            for node in reversed(syntax.nodes_at(*position)):
                if isinstance(node, ast.Attribute) and _is_whole(syntax, node, position):
                    return self._typed(evaluator, evaluator.infer(self.path, node.value).type)
        return None

    @staticmethod
    def _typed(evaluator: Evaluator, receiver: Type) -> Members:
        """The members of a type; attributes that nothing declares say what they are seen to hold."""
        found = evaluator.members(receiver)
        members = []
        for member in found.members:
            detail = member.detail
            if not detail and member.kind in ("attribute", "variable"):
                attribute = evaluator.lookup(receiver, member.name)
                if attribute is not None and known(attribute.type) != NEVER:
                    detail = render(widen_literals(known(attribute.type)))
            members.append(replace(member, detail=detail))
        return replace(found, members=tuple(members))

    def _importable(self, at: Cursor) -> Members | None:
        """What can stand at the cursor in an import statement."""
        words = [token.text for token in at.before]
        module = self.evaluator.modules.at(self.path)
        if words[0] == "from" and "import" in words:
            name = "".join(words[1 : words.index("import")])
            level = len(name) - len(name.lstrip("."))
            statement = ast.ImportFrom(module=name[level:] or None, names=[], level=level)
            source = self.evaluator.module(absolute_name(module, statement))
            return self.evaluator.members(source) if source is not None else None
        start = max((i for i, word in enumerate(words) if word in ("from", "import", ",")), default=0) + 1
        name = "".join(words[start:])
        level = len(name) - len(name.lstrip("."))
        if level:
            statement = ast.ImportFrom(module=name.strip(".") or None, names=[], level=level)
            package = absolute_name(module, statement)
        else:
            package = name.rstrip(".")
        children = self.evaluator.workspace.submodules(package)
        prefix = f"{package}." if package else ""
        members = tuple(Member(child, "module", f"module {prefix}{child}", package, "") for child in children)
        return Members(package, members, complete=True)

    # Names.

    def names(self) -> Sequence[Member]:
        """The names in scope: locals, those of enclosing functions, globals, builtins; each once."""
        module = self.evaluator.modules.at(self.path)
        found: dict[str, Member] = {}
        for scope in self._scope(module).visible():
            owner = ".".join(filter(None, (module.name, scope.qualified_name)))
            for name, bindings in scope.bindings.items():
                if name not in found and any(b.kind != "delete" for b in bindings):
                    found[name] = self._described(module, bindings[0], owner)
            for statement in scope.stars:
                self._add_starred(found, module, statement)
        builtins = self.evaluator.builtins
        for name, bindings in builtins.scopes.module.bindings.items():
            public = not name.startswith("_") or name.endswith("__")
            first = bindings[0]
            if public and first.kind != "import" and not _is_only_typed(first.node):
                found.setdefault(name, self._described(builtins, first, "builtins"))
        return tuple(found.values())

    def _add_starred(
        self, found: dict[str, Member], module: ModuleDefinition, statement: ast.ImportFrom
    ) -> None:
        source = self.evaluator.modules.imported_module(module, statement)
        if source is None or source is module:
            return
        for name in sorted(self.evaluator.modules.exported(source)):
            bindings = source.scopes.module.bindings.get(name)
            if name not in found and bindings:
                found[name] = self._described(source, bindings[0], source.name)

    def _scope(self, module: ModuleDefinition) -> Scope:
        """The scope at the cursor. Behind the last statement of a block, the indentation decides."""
        scope = module.scopes.module
        while True:
            inner = next((child for child in reversed(scope.children) if self._is_inside(child)), None)
            if inner is None:
                return scope
            scope = inner

    def _is_inside(self, scope: Scope) -> bool:
        node = scope.node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return self.syntax.span(node).contains(self.line, self.column)
        if scope.kind == "type_parameters":
            return any(map(self._is_inside, scope.children))
        if node.lineno >= self.line or self._indent(self.line) <= node.col_offset:
            return False
        after = range((node.end_lineno or node.lineno) + 1, self.line)
        following = next((line for line in after if self.syntax.lines[line - 1].strip()), None)
        return following is None or self._indent(following) > node.col_offset

    def _indent(self, line: int) -> int:
        """How far a line is indented; an empty line as far as the cursor."""
        text = self.syntax.lines[line - 1] if line <= len(self.syntax.lines) else ""
        return len(text) - len(text.lstrip()) if text.strip() else self.column - 1

    def _described(self, module: ModuleDefinition, binding: Binding, owner: str) -> Member:
        name, node = binding.name, binding.node
        if binding.kind == "import":
            followed = Navigator(self.evaluator).imported(module, binding)
            if followed is None:
                return Member(name, "variable", "", owner, "")
            if followed.node is None:
                return Member(name, "module", f"module {followed.name}", owner, "")
            node = followed.node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
                detail = f"({ast.unparse(node.args)}){returns}"
                return Member(name, "function", detail, owner, ast.get_docstring(node) or "")
            case ast.ClassDef():
                bases = ", ".join(map(ast.unparse, node.bases))
                detail = f"class {node.name}({bases})" if bases else f"class {node.name}"
                return Member(name, "class", detail, owner, ast.get_docstring(node) or "")
            case ast.arg(annotation=ast.expr() as annotation):
                return Member(name, "variable", ast.unparse(annotation), owner, "")
            case _:
                declared = getattr(binding.statement, "annotation", None)
                detail = ast.unparse(declared) if isinstance(declared, ast.expr) else ""
                return Member(name, "variable", detail, owner, "")

    # Calls.

    def call(self) -> CallContext | None:
        """The innermost call around the cursor whose signature is known."""
        if self.cursor is None:
            return None
        for callee, bracket in self.cursor.calls():
            signatures = self._signatures(self.cursor, callee, bracket)
            if signatures:
                return _call_context(signatures, self.cursor.arguments(bracket))
        return None

    def _signatures(self, at: Cursor, callee: Token, bracket: Token) -> tuple[Signature, ...]:
        attempts: Iterator[Mended] = cursor.mended(at, callee, bracket.end, ")")
        for mended in (Mended(at.text, bracket.end), *attempts):
            evaluator, syntax = self._mended(mended)
            opening = mended.offset - 1
            for node in reversed(syntax.nodes_at(*syntax.position(opening))):
                if not isinstance(node, ast.Call):
                    continue
                span = syntax.span(node.func)
                between = syntax.text[syntax.offset(span.end_line, span.end_column) : opening]
                if not between.strip(" \t\r\n\\)"):
                    return evaluator.signatures(evaluator.infer(self.path, node.func).type)
        return ()


def _is_whole(syntax: Syntax, node: ast.Attribute, end: tuple[int, int]) -> bool:
    """Whether a node ends here and nothing between its receiver and its name was lost in a repair."""
    span, receiver = syntax.span(node), syntax.span(node.value)
    start = syntax.offset(receiver.end_line, receiver.end_column)
    between = syntax.text[start : syntax.offset(*end)].removesuffix(node.attr)
    return (span.end_line, span.end_column) == end and between.strip(" \t\r\n\f\\)") == "."


def _is_only_typed(node: ast.AST) -> bool:
    """Whether a stub's definition does not exist at run time."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return any(
        isinstance(decorator, ast.Name) and decorator.id == "type_check_only" for decorator in decorators
    )


def _call_context(signatures: Sequence[Signature], arguments: Sequence[str]) -> CallContext:
    """Chooses the first signature that has a parameter for every argument typed so far."""
    fitting = [_active_parameter(signature.parameters, arguments) for signature in signatures]
    for position, (active, fits) in enumerate(fitting):
        if fits:
            return CallContext(tuple(signatures), position, active)
    return CallContext(tuple(signatures), 0, fitting[0][0])


def _active_parameter(labels: Sequence[str], arguments: Sequence[str]) -> tuple[int, bool]:
    """The parameter that the last argument fills (-1: none), and whether every argument fills one."""
    names = [label.lstrip("*").partition(":")[0].partition("=")[0].strip() for label in labels]
    keywords_only = next((i for i, label in enumerate(labels) if label.startswith("*")), len(labels))
    variadic = next((i for i, label in enumerate(labels) if re.match(r"\*\w", label)), -1)
    rest = next((i for i, label in enumerate(labels) if label.startswith("**")), -1)
    position, active, fits, unpacked = 0, -1, True, False
    places = [i for i in range(keywords_only) if labels[i] != "/"]
    for number, argument in enumerate(arguments):
        last = number == len(arguments) - 1
        keyword = _KEYWORD.match(argument)
        if keyword:
            active = names.index(keyword[1]) if keyword[1] in names else rest
        elif argument.lstrip().startswith("**"):
            active = rest
            continue
        elif argument.lstrip().startswith("*"):
            unpacked, active = True, places[position] if position < len(places) else variadic
            position += 1
            continue
        elif position < len(places):
            active = places[position]
            position += 1
        else:
            active = variadic
            if last and not argument.strip():  # nothing typed yet: a keyword argument may follow
                filled = {k[1] for k in map(_KEYWORD.match, arguments) if k}
                if active < 0:
                    open_ = (i for i, n in enumerate(names) if i >= keywords_only and n and n not in filled)
                    active = next(open_, -1)
                fits = fits and (active >= 0 or number == 0)
                continue
        fits = fits and (active >= 0 or unpacked)
    return active, fits
