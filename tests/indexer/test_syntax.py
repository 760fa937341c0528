"""Parsing never fails, and what is sound survives where it stands."""

import ast
import gc
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typewright.indexer.grammar import module_or_none
from typewright.indexer.outline import symbols
from typewright.indexer.source import Span
from typewright.indexer.syntax import Syntax, parse

EDITED = ["x = 2", "    q = 3", "@d", "else:", "", "def g(): pass", "(", '"""', "a = \\"]
LIBRARY = Path(ast.__file__).parent
REAL = [
    LIBRARY / name for name in ("dataclasses.py", "json/decoder.py", "queue.py", "textwrap.py", "shlex.py")
]
PIECES = [
    "def f(a):\n",
    "class A(B):\n",
    "    x = y.z\n",
    "\t",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    '"""',
    "'",
    "\\\n",
    "#",
]
PIECES += [
    ".",
    ":",
    "@d\n",
    "if x:\n",
    "else:\n",
    "try:\n",
    "except E:\n",
    "match x:\n",
    "  case 1:\n",
    "f'{",
    "}'",
]
PIECES += [
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\0",
    "\ufeff",
    "\ud800",
    "é",
    "lambda",
    " = ",
    "1e",
    "0x",
    "return ",
    "...",
    "`",
]


def code(syntax: Syntax) -> str:
    return ast.unparse(syntax.tree)


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_parsing_never_raises(text: str) -> None:
    syntax = parse(text)
    assert isinstance(syntax.tree, ast.Module)
    last = len(syntax.lines)
    for node in ast.walk(syntax.tree):
        span = syntax.span(node)
        assert 1 <= span.line <= span.end_line <= last
        assert 1 <= span.column <= len(syntax.lines[span.line - 1]) + 1
    for damage in syntax.damage:
        assert 1 <= damage.line <= damage.end_line <= last


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_deleting_a_slice_of_real_code_keeps_nearly_all_symbols(path: Path) -> None:
    text = path.read_text("utf-8")
    names = {symbol.qualified_name for symbol in symbols(parse(text), "m")}
    chance = random.Random(path.name)
    kept = []
    for _ in range(12):
        size = chance.choice([1, 2, 3, 10, 40])
        start = chance.randrange(len(text) - size)
        syntax = parse(text[:start] + text[start + size :], parse(text))
        found = {symbol.qualified_name for symbol in symbols(syntax, "m")}
        kept.append(len(found & names) / len(names))
        for node in ast.walk(syntax.tree):
            if isinstance(node, ast.Name):
                assert syntax.source(node) == node.id
    assert sum(kept) / len(kept) > 0.97


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("foo.\nx = 1", "foo\nx = 1"),
        ("x = foo(a, b.\ny = 2", "x = foo(a, b)\ny = 2"),
        ("obj.method(a, \nother.call()", "obj.method(a)\nother.call()"),
        ("foo(a., b)", "foo(a, b)"),
        ("x = y. + z", "x = y + z"),
        ("x = 'abc\ny = 2", "x = 'abc'\ny = 2"),
        ('print(f"{x.}")\nprint(f"{}")', "print(f'{x}')\nprint(f'  ')"),
        ("def f(\nclass A:\n    b = 1", "def f():\n    pass\n\nclass A:\n    b = 1"),
        ("def f(a, b:\n    return a", "def f(a, b):\n    return a"),
        ("def foo\n    y = 1\nz = 2", "def foo():\n    y = 1\nz = 2"),
        ("if x.y.:\n    z()", "if x.y:\n    z()"),
        ("if x\n    z()", "if x:\n    z()"),
        ("if x:\ny = 1", "if x:\n    pass\ny = 1"),
        ("x = 1\n    y = 2\nz = 3", "x = 1\ny = 2\nz = 3"),
        ("try:\n    x = 1\ny = 2", "if 1:\n    x = 1\ny = 2"),
        ("else:\n    x = 1\ny = 2", "x = 1\ny = 2"),
        ("@foo.\ndef f(): pass\n@\nx = 1", "@foo\ndef f():\n    pass\nx = 1"),
        ("match x:\n\ny = 1", "if x:\n    pass\ny = 1"),
        ("from foo import a,\nfrom foo.\nx = 1", "from foo import a\nx = 1"),
        ("def f():\n\tx = 1\n        y = 2", "def f():\n    x = 1\n    y = 2"),
        ("print 'hello'\nx = 1", "print\nx = 1"),
        ("x)\ny = 1", "x\ny = 1"),
        ("a = [\n  1,\n  b.c(,\n  2]\nd = 3", "a = [1, b.c(2)]\nd = 3"),
        (
            'def f():\n    """doc\n    return 1\n\ndef g():\n    """Text."""',
            'def f():\n    return 1\n\ndef g():\n    """Text."""',
        ),
        (
            "class A:\n    x = 1\n   def g(self):\n        pass\n    y = 2",
            "class A:\n    x = 1\n\n    def g(self):\n        pass\n    y = 2",
        ),
    ],
)  # fmt: skip
def test_damage_is_repaired_where_it_is(broken: str, repaired: str) -> None:
    syntax = parse(broken)
    assert code(syntax) == repaired
    assert syntax.damage


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this interpreter reads it itself")
@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("def f[T](x: T) -> T: ...", "def f(x: T) -> T:\n    ..."),
        ("class A[T: int](B): ...", "class A(B):\n    ..."),
        ("type X = int", "X = int"),
        ("type Pair[T] = tuple[T, T]", "Pair = tuple[T, T]"),
        ("x = f'{a['b']}'", "x = f\"{a['b']}\""),
        ("x = t'{a}'", "x = f'{a}'"),
        ("try:\n    x\nexcept A, B:\n    y", "try:\n    x\nexcept (A, B):\n    y"),
    ],
)
def test_newer_syntax_is_read_by_an_older_interpreter(newer: str, older: str) -> None:
    syntax = parse(newer)
    assert code(syntax) == older
    assert syntax.damage == ()
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            assert syntax.source(node) == node.id


def test_a_line_that_was_moved_keeps_its_columns() -> None:
    syntax = parse("x = 1\n        y = name.attribute\n")
    (attribute,) = (node for node in ast.walk(syntax.tree) if isinstance(node, ast.Attribute))
    assert syntax.source(attribute) == "name.attribute"
    assert syntax.name_span(attribute) == Span(2, 18, 2, 27)


@pytest.mark.parametrize(
    "text",
    ["(" * 5000, "x = " + "-" * 50_000 + "1", "x = " + "+".join(["a"] * 30_000), "9" * 10_000,
     "[" * 300 + "]" * 300, "\n".join("    " * depth + "if x:" for depth in range(120)), "x\n" + "(" * 500],
)  # fmt: skip
def test_extremes_cost_themselves_only(text: str) -> None:
    syntax = parse(f"def before(): ...\n{text}\ndef after(): ...\n")
    names = [node.name for node in syntax.tree.body if isinstance(node, ast.FunctionDef)]
    assert names == ["before", "after"]


def test_columns_count_characters() -> None:
    syntax = parse("é = 'ü'; 漢 = é.naïve(arg=1)\n")
    spans = {
        ast.unparse(node): syntax.name_span(node)
        for node in ast.walk(syntax.tree)
        if isinstance(node, ast.expr)
    }
    assert spans["é.naïve"] == Span(1, 16, 1, 21)
    assert spans["1"] == Span(1, 26, 1, 27)


def test_byte_order_marks_nulls_and_surrogates_keep_positions() -> None:
    for text in ("\ufeffname = 1", "x\0y\nname = 1", "'\ud800'; name = 1", "\f\nname = 1", "a = 1\rname = 1"):
        syntax = parse(text)
        (found,) = (
            node for node in ast.walk(syntax.tree) if isinstance(node, ast.Name) and node.id == "name"
        )
        assert syntax.source(found) == "name"


def test_name_spans() -> None:
    text = (
        "import a.b as c, d.e\nfrom f import g as h\n@deco\nasync   def i(j: int, *k, l=1, **m): global n\n"
        "class  O(p, q=r): pass\ntry: pass\nexcept (s.t) as u: pass\nmatch v:\n    case [w, *x] as y: pass\n"
    )
    syntax = parse(text)
    named = (
        ast.alias,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.arg,
        ast.keyword,
        ast.ExceptHandler,
        ast.Global,
    )
    named = (*named, ast.Attribute, ast.MatchAs, ast.MatchStar)
    found = []
    for node in ast.walk(syntax.tree):
        if isinstance(node, named):
            span = syntax.name_span(node)
            found.append(
                text[syntax.offset(span.line, span.column) : syntax.offset(span.end_line, span.end_column)]
            )
    assert sorted(found) == sorted(
        ["c", "d", "h", "i", "j", "k", "l", "m", "n", "O", "q", "t", "u", "w", "x", "y"]
    )


def test_nodes_at_a_cursor_lead_to_the_innermost() -> None:
    syntax = parse("class A:\n    @decorate(arg)\n    def f(self):\n        return self.value + 1\n")
    assert [type(node).__name__ for node in syntax.nodes_at(4, 22)] == (
        ["Module", "ClassDef", "FunctionDef", "Return", "BinOp", "Attribute"]
    )
    assert isinstance(syntax.nodes_at(2, 15)[-1], ast.Name)
    assert syntax.nodes_at(9, 1) == (syntax.tree,)


@pytest.mark.parametrize("text", ["a\nbc\r\nd\re", "", "\n", "x"])
def test_offsets_and_positions_agree(text: str) -> None:
    syntax = parse(text)
    for offset in range(len(text) + 1):
        line, column = syntax.position(offset)
        if column <= len(syntax.lines[line - 1]) + 1:
            assert syntax.offset(line, column) == offset


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_an_edit_gives_the_tree_that_the_whole_text_gives(data: st.DataObject) -> None:
    statements = [
        "x = 1",
        "def f(a):\n    return a",
        "@d\nclass A:\n    y = (1,\n  2)",
        "if x:\n    y()\nelse:\n    z()",
        "# note",
    ]
    statements += ['"""text"""', "a; b", "for i in j: pass"]
    before = "\n".join(data.draw(st.lists(st.sampled_from(statements), min_size=2, max_size=8)))
    lines = before.split("\n")
    changed = data.draw(st.integers(0, len(lines) - 1))
    lines[changed] = data.draw(st.sampled_from(EDITED))
    after = "\n".join(lines) + f"\n# {data.draw(st.integers())}"
    edited = parse(after, parse(before + "\n#"))
    try:
        expected = ast.parse(after)
    except SyntaxError:
        assert edited.damage
    else:
        assert ast.dump(edited.tree, include_attributes=True) == ast.dump(expected, include_attributes=True)


def test_equal_texts_are_parsed_once() -> None:
    assert parse("only = 'once'\n") is parse("only = 'once'\n")


def test_warnings_about_the_text_are_not_ours() -> None:
    program = r"from typewright.indexer.syntax import parse; parse('x = \'\\d\' is 1')"
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_parse_within_a_parse_harms_neither() -> None:
    class Parsing:
        """Parses when the garbage collector finds it, which happens in the midst of another parse."""

        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            ast.parse("1")

    text = "\n".join(f"def f{number}(a):\n    return a * ({number}, a.b)" for number in range(200))
    before = gc.get_threshold()
    try:
        for round_ in range(20):
            garbage = Parsing()
            gc.set_threshold(100 + 50 * round_, 1, 1)
            del garbage
            assert module_or_none(text) is not None
    finally:
        gc.set_threshold(*before)
