"""What in the code around a site says that its author knows an API may be missing.

Syntax only. A guarded site is never reported: the test, the handler or the comment is the author's answer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from typewright.analysis.conditions import is_reachable
from typewright.analysis.scopes import Scopes
from typewright.indexer.syntax import Syntax

SiteKind = Literal["member", "import", "module", "keyword"]

_CAUGHT_BY: dict[SiteKind, frozenset[str]] = {
    "member": frozenset({"AttributeError"}),
    "import": frozenset({"ImportError", "ModuleNotFoundError", "AttributeError"}),
    "module": frozenset({"ImportError", "ModuleNotFoundError"}),
    "keyword": frozenset({"TypeError"}),
}
_CATCH_ALL = frozenset({"Exception", "BaseException"})
_SUPPRESSING = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex", "importorskip"})
_PROBES = frozenset({"hasattr", "getattr", "setattr", "delattr", "attrgetter", "patch", "object"})
_TESTS_ENVIRONMENT = re.compile(
    r"hasattr|getattr|find_spec|TYPE_CHECKING|\bsys\.|\bos\.name|\bplatform\b|version|VERSION|\bdir\(|\bvars\("
    r"|callable|inspect|__dict__|\b_*(?:IS_?)?(?:PY|PYPY|JYTHON|WINDOWS|WIN|LINUX|MAC|OSX|DARWIN|POSIX|NT)\w*\b"
    r"|(?i:\b_*(?:has|have|with|use|using|support|supports|supported|got|can)_\w+|\w+_(?:available|installed|supported)\b)"
)
_TESTS_TYPE = re.compile(r"isinstance|issubclass|\btype\(|__class__")
_IGNORED_LINE = re.compile(
    r"#.*\b(?:type:\s*ignore|(?:pyright|pyrefly|ty|pyre):\s*ignore|pyre-(?:ignore|fixme)"
    r"|pylint:\s*disable=.*(?:no-member|no-name-in-module|import-error|unexpected-keyword-arg|E1101|E0611|E0401|E1123))"
)
_OWN_COMMENT = re.compile(r"#\s*typewright:\s*ignore(?:\[([\w\s,-]*)\])?(?![\w-])")
_IGNORED_FILE = re.compile(r"#\s*(?:mypy:\s*ignore-errors|type:\s*ignore|typewright:\s*ignore-file)\b")


class Guards:
    """The guards in one file."""

    def __init__(self, syntax: Syntax, scopes: Scopes, version: tuple[int, int]) -> None:
        self.syntax, self.scopes, self.version = syntax, scopes, version
        self.probed = frozenset(_probed(syntax.tree))
        head = [line for line in syntax.lines[:10] if line.lstrip().startswith("#")]
        self.ignored_file = any(_IGNORED_FILE.match(line.strip()) for line in head)

    def guarded(self, node: ast.AST, kind: SiteKind, name: str) -> bool:
        """Whether a site is unreachable, marked as ignored, or prepared for the API to be missing."""
        return (
            self.ignored_file
            or (kind != "module" and name in self.probed)
            or self._ignored(node, kind)
            or not is_reachable(node, self.scopes.ancestors(node), self.version)
            or any(self._guards(above, child, kind) for child, above in self._upwards(node))
        )

    def _upwards(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        child = node
        for above in self.scopes.ancestors(node):
            yield child, above
            child = above

    def _ignored(self, node: ast.AST, kind: SiteKind) -> bool:
        """Whether a comment on one of the lines of the statement's head says to ignore it."""
        statement = node
        for above in self.scopes.ancestors(node):
            if isinstance(statement, ast.stmt):
                break
            statement = above
        first = getattr(statement, "lineno", 1)
        last = getattr(node, "end_lineno", None) or first
        if not hasattr(statement, "body"):
            last = getattr(statement, "end_lineno", None) or last
        return any(_says_ignore(line, kind) for line in self.syntax.lines[first - 1 : last] if "#" in line)

    def _guards(self, above: ast.AST, child: ast.AST, kind: SiteKind) -> bool:
        if isinstance(above, ast.Try) or type(above).__name__ == "TryStar":
            return _try_guards(above, child, kind)
        if isinstance(above, ast.ExceptHandler):
            return bool(
                _CAUGHT_BY[kind] & _names(above.type)
            )  # what to use where the first choice is missing
        if isinstance(above, ast.With | ast.AsyncWith):
            return any(_suppresses(item.context_expr, kind) for item in above.items)
        if isinstance(above, ast.If | ast.IfExp | ast.While):
            return child is not above.test and self._tests(above.test, kind)
        if isinstance(above, ast.BoolOp):
            before = above.values[: above.values.index(child)] if child in above.values else []
            return any(self._tests(value, kind) for value in before)
        if isinstance(above, ast.comprehension | ast.Assert):
            return False
        if _is_skipped(above):
            return True
        body = next((b for b in _bodies(above) if child in b), None)
        return body is not None and any(self._leaves(s, kind) for s in body[: body.index(child)])

    def _leaves(self, statement: ast.AST, kind: SiteKind) -> bool:
        """Whether a statement before the site in its block goes away where the API is missing."""
        if isinstance(statement, ast.Assert):
            return self._tests(statement.test, kind)
        if isinstance(statement, ast.If) and self._tests(statement.test, kind):
            last = statement.body[-1]
            called = isinstance(last, ast.Expr) and isinstance(
                last.value, ast.Call
            )  # sys.exit(), pytest.skip()
            return called or isinstance(last, ast.Return | ast.Raise | ast.Continue | ast.Break)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            return bool({"importorskip"} & _names(statement.value.func))
        return False

    def _tests(self, test: ast.expr, kind: SiteKind) -> bool:
        text = self.syntax.source(test)
        if _TESTS_ENVIRONMENT.search(text):
            return True
        return kind == "member" and _TESTS_TYPE.search(text) is not None


def _says_ignore(line: str, kind: SiteKind) -> bool:
    own = _OWN_COMMENT.search(line)
    if own is not None:
        return own[1] is None or kind in (each.strip().removeprefix("absent-") for each in own[1].split(","))
    return _IGNORED_LINE.search(line) is not None


def _bodies(node: ast.AST) -> Iterator[list[ast.AST]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _is_skipped(node: ast.AST) -> bool:
    """Whether a test function or class runs only where a condition holds."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return any(re.search(r"skip|xfail|require|only_|needs", ast.unparse(d)) for d in decorators)


def _try_guards(above: ast.AST, child: ast.AST, kind: SiteKind) -> bool:
    body: list[ast.AST] = getattr(above, "body", [])
    handlers: list[ast.ExceptHandler] = getattr(above, "handlers", [])
    caught = _CAUGHT_BY[kind] | _CATCH_ALL
    catches = any(handler.type is None or caught & _names(handler.type) for handler in handlers)
    return catches and (child in body or isinstance(child, ast.ExceptHandler))


def _suppresses(context: ast.expr, kind: SiteKind) -> bool:
    if not isinstance(context, ast.Call) or not _names(context.func) & _SUPPRESSING:
        return False
    caught = set[str]().union(*(_names(argument) for argument in context.args))
    return bool(caught & (_CAUGHT_BY[kind] | _CATCH_ALL))


def _names(node: ast.expr | None) -> frozenset[str]:
    """The last names of an exception expression: `(a.B, C)` gives B and C."""
    if isinstance(node, ast.Tuple):
        return frozenset[str]().union(*map(_names, node.elts))
    if isinstance(node, ast.Attribute):
        return frozenset({node.attr})
    return frozenset({node.id}) if isinstance(node, ast.Name) else frozenset()


def _probed(tree: ast.Module) -> Iterator[str]:
    """Names that the file asks for by string: `hasattr(x, "name")`, `patch("module.name")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _names(node.func) & _PROBES:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from argument.value.split(".")
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant):
            name = node.left.value
            if isinstance(name, str) and name.isidentifier():
                yield name
