"""Name resolution: each case marks a use with ^ and says which binding it must reach."""

from __future__ import annotations

import ast
import sys
import textwrap

import pytest
from typewright.analysis.exports import exports
from typewright.analysis.scopes import Binding, Resolution, Scope, Scopes


def resolved(source: str) -> Resolution:
    """Resolves the name that the marker ^ stands before."""
    text = textwrap.dedent(source)
    before, _, after = text.partition("^")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    scopes = Scopes(ast.parse(before + after))
    for node in ast.walk(scopes.module.node):
        if isinstance(node, ast.Name) and (node.lineno, node.col_offset) == (line, column):
            return scopes.resolve(node.id, scopes.scope_of(node))
    raise AssertionError("the marker stands before no name")


def lines(resolution: Resolution) -> list[tuple[str, int]]:
    return [(binding.kind, getattr(binding.node, "lineno", 0)) for binding in resolution.bindings]


CASES = {
    "a global seen from a function": ("x = 1\ndef f():\n    return ^x\n", [("assignment", 1)]),
    "a local hides the global": ("x = 1\ndef f():\n    x = 2\n    return ^x\n", [("assignment", 3)]),
    "every binding of the scope counts": (
        "if a:\n    x = 1\nelse:\n    x = 2\n^x\n",
        [("assignment", 2), ("assignment", 4)],
    ),
    "a method does not see its class's names": (
        "x = 1\nclass C:\n    x = 2\n    def f(self):\n        return ^x\n",
        [("assignment", 1)],
    ),
    "a class body sees them": ("x = 1\nclass C:\n    x = 2\n    y = ^x\n", [("assignment", 3)]),
    "a default is evaluated in the class body": (
        "x = 1\nclass C:\n    x = 2\n    def f(self, a=^x): ...\n",
        [("assignment", 3)],
    ),
    "a decorator too": (
        "class C:\n    def d(f): ...\n    @^d\n    def g(self): ...\n",
        [("function", 2)],
    ),
    "a comprehension in a class body does not see its names": (
        "x = 1\nclass C:\n    x = 2\n    y = [^x for _ in '']\n",
        [("assignment", 1)],
    ),
    "but its first iterable does": (
        "x = 1\nclass C:\n    x = ''\n    y = [z for z in ^x]\n",
        [("assignment", 3)],
    ),
    "the second iterable does not": (
        "x = 1\nclass C:\n    x = ''\n    y = [z for _ in '' for z in ^x]\n",
        [("assignment", 1)],
    ),
    "a comprehension's variable stays inside": ("x = 1\n[x for x in '']\n^x\n", [("assignment", 1)]),
    "and hides the outer one inside": ("x = 1\n[\n^x for x in '']\n", [("for", 3)]),
    "a walrus leaves the comprehension": (
        "def f(a):\n    [y for z in a if (y := z)]\n    return ^y\n",
        [("walrus", 2)],
    ),
    "global": (
        "def f():\n    global x\n    x = 1\ndef g():\n    return ^x\n",
        [("assignment", 3)],
    ),
    "global skips the enclosing function": (
        "x = 0\ndef f():\n    x = 1\n    def g():\n        global x\n        return ^x\n",
        [("assignment", 1)],
    ),
    "nonlocal": (
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return ^x\n",
        [("assignment", 2), ("assignment", 5)],
    ),
    "nonlocal from inside": (
        "x = 0\ndef f():\n    x = 1\n    def g():\n        nonlocal x\n        ^x = 2\n",
        [("assignment", 3), ("assignment", 6)],
    ),
    "a parameter": ("def f(a, *b, c=1, **d):\n    ^d\n", [("parameter", 1)]),
    "a lambda's parameter": ("x = 1\nlambda x: ^x\n", [("parameter", 2)]),
    "a lambda's default is outside": ("x = 1\nlambda x=^x: x\n", [("assignment", 1)]),
    "for, with, except, del": (
        "for x in a: pass\nwith a as (x, y): pass\ntry: pass\nexcept E as x: pass\ndel x\n^x\n",
        [("for", 1), ("with", 2), ("except", 4), ("delete", 5)],
    ),
    "match captures": (
        "match a:\n    case [x, *_]: pass\n    case {'k': 1, **x}: pass\n    case [*x]: pass\n"
        "    case C(k=x): pass\n^x\n",
        [("match", 2), ("match", 3), ("match", 4), ("match", 5)],
    ),
    "a dotted import binds its first part": ("import a.b\nimport c.a as d\n^a\n", [("import", 1)]),
    "from import under another name": ("from m import n as x\n^x\n", [("import", 1)]),
    "an annotation without a value": ("x: int\n^x\n", [("declaration", 1)]),
    "an augmented assignment makes it local": (
        "x = 1\ndef f():\n    x += 1\n    ^x\n",
        [("augmented", 3)],
    ),
    "a nested function sees the enclosing one": (
        "def f(a):\n    class C:\n        a = 1\n        def g(self):\n            return ^a\n",
        [("parameter", 1)],
    ),
    "a method name is no name for its body": ("class C:\n    def g(self):\n        ^g\n", []),
    "a builtin": ("^len\n", []),
}


@pytest.mark.parametrize(("source", "expected"), CASES.values(), ids=CASES)
def test_resolution(source: str, expected: list[tuple[str, int]]) -> None:
    assert lines(resolved(source)) == expected


def test_star_imports_may_bind_what_nothing_else_binds() -> None:
    resolution = resolved("from m import *\ndef f():\n    return ^x\n")
    assert resolution.scope is None
    assert [star.module for star in resolution.stars] == ["m"]


def test_a_local_needs_no_star_import() -> None:
    assert resolved("from m import *\ndef f(x):\n    return ^x\n").stars == ()


def test_qualified_names_and_order_of_scopes() -> None:
    scopes = Scopes(ast.parse("class C:\n    def f(self):\n        def g(): ...\n        [x for x in '']\n"))
    assert [(s.kind, s.qualified_name) for s in scopes.all()] == [
        ("module", ""),
        ("class", "C"),
        ("function", "C.f"),
        ("function", "C.f.g"),
        ("comprehension", "C.f"),
    ]


def test_every_node_knows_its_parent_and_scope() -> None:
    tree = ast.parse(
        "@d\ndef f(a: int = 1, *, b=lambda q=2: q, **k) -> str:\n"
        "    for i, (j, *l) in e: o[i].p = {x: y for x, y in z if x}\n"
        "    match v:\n        case A(b=[1, *c]) if t: ...\n"
        "    with m() as n: g: int = 3\n"
        "class C(B, metaclass=M): h += 1\n"
    )
    scopes = Scopes(tree)
    skipped = ast.expr_context | ast.operator
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, skipped):
                assert scopes.parent(child) is node, ast.dump(child)
    assert scopes.parent(tree) is None


def test_a_deep_expression_does_not_overflow() -> None:
    expression: ast.expr = ast.Name("y", ast.Load())
    for _ in range(5000):
        expression = ast.BinOp(expression, ast.Add(), ast.Name("y", ast.Load()))
    tree = ast.Module([ast.Expr(expression)], [])
    assert len(Scopes(tree).module.uses["y"]) == 5001


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the interpreter cannot parse type parameters")
def test_type_parameters() -> None:
    source = "class C[T]:\n    A = int\n    def f[U: A](self, t: T, u: ^U) -> A: ...\n"
    (binding,) = resolved(source).bindings
    assert binding.kind == "type_parameter"
    assert isinstance(binding, Binding)
    assert isinstance(binding.scope, Scope)


@pytest.mark.parametrize(
    ("source", "names", "complete"),
    [
        ("__all__ = ['a', 'b']\n", ("a", "b"), True),
        ("__all__ = ('a',) + ('b',)\n__all__ += ['c']\n", ("a", "b", "c"), True),
        ("__all__: list[str] = ['a']\n__all__.append('b')\n__all__.extend(['c'])\n", ("a", "b", "c"), True),
        ("if x:\n    __all__ = ['a']\nelse:\n    __all__ = ['b']\n", ("a", "b"), True),
        ("__all__ = [n for n in dir()]\n", (), False),
        ("__all__ = ['a']\n__all__.remove('a')\n", ("a",), False),
    ],
)
def test_exports(source: str, names: tuple[str, ...], complete: bool) -> None:
    found = exports(ast.parse(source))
    assert found is not None
    assert (found.names, found.complete) == (names, complete)


def test_exports_take_over_those_of_other_modules() -> None:
    found = exports(
        ast.parse("from . import sub\n__all__ = ['a', *sub.__all__]\n__all__ += sub.more.__all__\n")
    )
    assert found is not None
    assert [ast.unparse(module) for module in found.inherited] == ["sub", "sub.more"]


def test_no_exports() -> None:
    assert exports(ast.parse("def f():\n    __all__ = ['a']\n")) is None
