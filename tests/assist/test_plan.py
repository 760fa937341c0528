"""Annotations placed into texts: what is written, in which form, with which imports."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from typewright.analysis.queries import Annotation
from typewright.assist.placement import Placement
from typewright.assist.plan import Target, annotated_text, plan, same_code
from typewright.assist.types import SlotType
from typewright.indexer.syntax import parse

Types = Mapping[str, str | tuple[str, list[tuple[str, str]]]]
MODERN = Target("pkg.mod", is_package=False, is_stub=False, version=(3, 11))


def annotated(text: str, types: Types, target: Target = MODERN) -> str:
    """Annotate slots given as "kind function name"; a type may come with its imports."""
    syntax = parse(dedent(text))
    slots = []
    for site in Placement(syntax).by_key.values():
        wanted = types.get(" ".join(part for part in site.key[:3] if part))
        if wanted is None:
            continue
        spelled, imports = (wanted, []) if isinstance(wanted, str) else wanted
        annotation = Annotation(spelled, tuple(imports))
        slots.append(
            SlotType(
                Path("mod.py"), site.line, site.column, site.kind, site.key[1], site.key[2],
                spelled, 1.0, "static", (), annotation,
            )
        )  # fmt: skip
    made = plan(syntax, target, slots)
    after = annotated_text(syntax, made)
    assert after is not None, "the annotated text would be other code"
    return after


def test_parameters_returns_and_default_spacing() -> None:
    text = "def f(a, b=3, *args, c = None, **kw):\n    pass\n"
    types = {
        "param f a": "str", "param f b": "int", "param f args": "str", "param f c": "int | None",
        "param f kw": "float", "return f f": "None",
    }  # fmt: skip
    assert annotated(text, types) == (
        "def f(a: str, b: int = 3, *args: str, c: int | None = None, **kw: float) -> None:\n    pass\n"
    )


def test_signatures_over_several_lines_keep_their_comments() -> None:
    text = """\
        def f(
            a,  # the first: a letter
            b=(1, 2),  # -> not an arrow
            *,
            c=lambda x=1: (x),
        ):  # ends here
            return a
        """
    types = {"param f a": "str", "param f b": "tuple[int, int]", "param f c": "object", "return f f": "str"}
    assert annotated(text, types) == dedent("""\
        def f(
            a: str,  # the first: a letter
            b: tuple[int, int] = (1, 2),  # -> not an arrow
            *,
            c: object = lambda x=1: (x),
        ) -> str:  # ends here
            return a
        """)


def test_an_equals_sign_on_a_line_of_its_own() -> None:
    text = "def f(a\n      =\n      1, b= # two\n      2): return a\n"
    after = annotated(text, {"param f a": "int", "param f b": "int", "return f f": "int"})
    assert after == "def f(a: int\n      =\n      1, b: int = # two\n      2) -> int: return a\n"


def test_one_line_definitions_decorators_nesting_and_async() -> None:
    text = """\
        @decorate(lambda q: q)
        async def outer(x): return x

        class C:
            @property
            def p(self): return 1

            def m(self, f=lambda a, b: (a, b)):
                def inner(y): return y
                return inner(f)
        """
    after = annotated(
        text,
        {
            "param outer x": "int",
            "return outer outer": "int",
            "return C.p p": "int",
            "param C.m.inner y": "str",
        },
    )
    assert "async def outer(x: int) -> int: return x" in after
    assert "def p(self) -> int: return 1" in after
    assert "def inner(y: str): return y" in after
    assert "lambda a, b: (a, b)" in after


def test_crlf_tabs_and_wide_characters() -> None:
    text = "def ф(é, ü='😀'):\r\n\treturn é\r\n"
    after = annotated(text, {"param ф é": "str", "param ф ü": "str", "return ф ф": "str"})
    assert after == "def ф(é: str, ü: str = '😀') -> str:\r\n\treturn é\r\n"


def test_stubs_need_no_deferral() -> None:
    stub = Target("pkg.mod", is_package=False, is_stub=True, version=(3, 9))
    text = "def f(a=..., b=...): ...\n"
    types: Types = {"param f a": ("Path | None", [("pathlib", "Path")]), "return f f": "list[C]"}
    assert annotated(text + "class C: ...\n", types, stub) == (
        "from pathlib import Path\n\n\ndef f(a: Path | None = ..., b=...) -> list[C]: ...\nclass C: ...\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    # type: (int) -> str\n    return ''\n",
        "def f(a,  # type: int\n      ):\n    # type: (...) -> str\n    return ''\n",
        "import typing\n@typing.no_type_check\ndef f(a): pass\n",
        "from typing import overload\n@overload\ndef f(a: int) -> int: ...\ndef f(a): return a\n",
    ],
    ids=["type comment", "parameter type comment", "no_type_check", "overloaded"],
)
def test_what_says_its_types_in_another_way_is_left_alone(text: str) -> None:
    assert annotated(text, {"param f a": "int", "return f f": "str"}) == text


def test_a_type_ignore_comment_is_no_type_comment() -> None:
    assert "a: int" in annotated("def f(a):  # type: ignore[misc]\n    pass\n", {"param f a": "int"})


def test_annotations_that_are_there_stay() -> None:
    text = "def f(a: 'int', b) -> bool: ...\n"
    after = annotated(text, {"param f a": "str", "param f b": "str", "return f f": "str"})
    assert after == "def f(a: 'int', b: str) -> bool: ...\n"


# -- names and imports ---------------------------------------------------------------------------


def test_typing_names_are_imported_at_run_time_without_deferral() -> None:
    after = annotated(
        '"""Doc."""\nimport os\n\n\ndef f(a): ...\n', {"param f a": ("Any", [("typing", "Any")])}
    )
    assert after == '"""Doc."""\nimport os\nfrom typing import Any\n\n\ndef f(a: Any): ...\n'


def test_other_imports_stand_under_type_checking() -> None:
    after = annotated("import os\n\n\ndef f(a): ...\n", {"param f a": ("Session", [("pkg.db", "Session")])})
    assert after == dedent("""\
        from __future__ import annotations

        import os
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from pkg.db import Session


        def f(a: Session): ...
        """)


def test_the_future_import_goes_below_docstring_and_comments() -> None:
    comments = "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n"
    text = comments + '"""Doc."""\n\nclass A:\n    def m(self): return self\n'
    after = annotated(text, {"return A.m m": "A"})
    assert after == text.replace(
        '"""Doc."""\n', '"""Doc."""\n\nfrom __future__ import annotations\n'
    ).replace("m(self)", "m(self) -> A")
    assert ast.get_docstring(ast.parse(after)) == "Doc."


def test_an_existing_future_import_is_respected() -> None:
    text = "from __future__ import annotations\n\nclass A:\n    def m(self): return self\n"
    assert annotated(text, {"return A.m m": "A"}) == text.replace("m(self)", "m(self) -> A")


def test_another_future_import_stays_first() -> None:
    text = "from __future__ import division\nclass A:\n    def m(self): return self\n"
    after = annotated(text, {"return A.m m": "A"})
    assert after.startswith("from __future__ import division\nfrom __future__ import annotations\n")


def test_an_existing_type_checking_block_is_extended() -> None:
    text = """\
        from __future__ import annotations
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from pkg.a import A, C

        def f(x, y): ...
        """
    after = annotated(text, {"param f x": ("B", [("pkg.a", "B")]), "param f y": ("D", [("pkg.d", "D")])})
    assert "    from pkg.a import A, B, C\n    from pkg.d import D\n" in after
    assert after.count("if TYPE_CHECKING") == 1


def test_names_join_an_import_in_parentheses_in_order() -> None:
    text = "from typing import (\n    Any,\n    Union,\n)\n\ndef f(a, b): ...\n"
    after = annotated(
        text,
        {"param f a": ("Hashable", [("typing", "Hashable")]), "param f b": ("Any", [("typing", "Any")])},
    )
    assert after.startswith("from typing import (\n    Any,\n    Hashable,\n    Union,\n)\n")


def test_imports_are_relative_where_the_module_has_relative_imports() -> None:
    text = "from .other import thing\n\n\ndef f(a): ...\n"
    after = annotated(text, {"param f a": ("B", [("pkg.sub.b", "B")])})
    assert "    from .sub.b import B\n" in after


@pytest.mark.parametrize(
    "text",
    [
        "Path = object()\ndef f(a): ...\n",
        "from elsewhere import Path\ndef f(a): ...\n",
        "def g(Path):\n    def f(a): ...\n",
        "class K:\n    Path = 1\n    def f(self, a): ...\n",
    ],
    ids=["module name", "other import", "parameter around it", "class attribute"],
)
def test_a_name_that_means_something_else_is_not_written(text: str) -> None:
    types: Types = dict.fromkeys(["param f a", "param g.f a", "param K.f a"], ("Path", [("pathlib", "Path")]))
    assert annotated(text, types) == text


def test_a_method_that_hides_a_builtin_is_seen() -> None:
    text = "class C:\n    def list(self): return []\n    def other(self, a): ...\n"
    assert annotated(text, {"param C.other a": "list[int]"}) == text


def test_private_and_unknown_names_are_not_written() -> None:
    text = "def f(a, b, c): ...\n"
    types: Types = {
        "param f a": ("TextIOWrapper", [("_io", "TextIOWrapper")]),
        "param f b": "Nowhere",
        "param f c": "<unspeakable>",
    }
    assert annotated(text, types) == text


def test_older_pythons_get_deferred_unions_and_no_new_typing_names() -> None:
    old = Target("pkg.mod", is_package=False, is_stub=False, version=(3, 8))
    text = "def f(a, b): ...\n"
    after = annotated(text, {"param f a": "int | None", "param f b": ("Self", [("typing", "Self")])}, old)
    assert after == "from __future__ import annotations\n\n\ndef f(a: int | None, b): ...\n"


def test_generics_only_stubs_know_are_deferred() -> None:
    after = annotated("def f(a): ...\n", {"param f a": "slice[int, int, int]"})
    assert after.startswith("from __future__ import annotations\n")


# -- annotations that something reads at run time --------------------------------------------------


def test_decorators_that_act_on_annotations_are_left_alone() -> None:
    text = """\
        import typer
        from fastapi import FastAPI
        app = FastAPI()
        cli = typer.Typer()

        @app.get("/")
        def route(x): ...

        @cli.command()
        def command(x): ...

        def plain(x): ...
        """
    types = {"param route x": "int", "param command x": "int", "param plain x": "int"}
    after = annotated(text, types)
    assert "def plain(x: int)" in after
    assert "def route(x)" in after
    assert "def command(x)" in after


def test_where_annotations_are_read_names_must_exist_and_are_quoted_if_they_come_later() -> None:
    text = "import pydantic\n\ndef f(a, b): ...\n\nclass Late: ...\n"
    types: Types = {"param f a": ("Session", [("pkg.db", "Session")]), "param f b": "Late"}
    after = annotated(text, types)
    assert after == text.replace("def f(a, b)", 'def f(a, b: "Late")')


def test_fields_of_classes_are_not_touched() -> None:
    text = "from dataclasses import dataclass\n@dataclass\nclass D:\n    x = []\n    y = None\n"
    assert annotated(text, {"variable D x": "list[int]", "variable D y": "int | None"}) == text


# -- variables ------------------------------------------------------------------------------------


def test_only_variables_that_profit_are_annotated() -> None:
    text = """\
        names = []
        count = 0
        both = other = {}
        (odd) = []
        done = []  # type: list[str]
        def f():
            global names
            names = []
            found = {}
            found = {}
            return found
        """
    types = {f"variable {name}": "list[str]" for name in ("names", "count", "both", "odd", "done")}
    types |= {"variable f names": "list[str]", "variable f found": "dict[str, int]"}
    after = annotated(text, types)
    assert after == dedent(text).replace("names = []", "names: list[str] = []", 1).replace(
        "found = {}", "found: dict[str, int] = {}", 1
    )


# -- what must not happen -------------------------------------------------------------------------


def test_a_second_run_changes_nothing() -> None:
    text = "import os\n\n\ndef f(a, b=1): return [a]\n"
    types: Types = {
        "param f a": ("Session", [("pkg.db", "Session")]),
        "param f b": "int",
        "return f f": ("Sequence[Session]", [("collections.abc", "Sequence"), ("pkg.db", "Session")]),
    }
    once = annotated(text, types)
    assert annotated(once, types) == once != text


def test_broken_code_is_left_as_it_is() -> None:
    text = "def f(a):\n    return (\n"
    assert plan(parse(text), MODERN, ()).edits == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a): return a", "def f(a: int): return b"),
        ('"""Doc."""\nx = 1', 'from __future__ import annotations\n"""Doc."""\nx = 1'),
        ("import os\nx = 1", "x = 1"),
        ("x = 1", "x: int"),
        ("def f(a=1): ...", "def f(a: int = 2): ..."),
    ],
    ids=["body", "docstring", "import lost", "value lost", "default"],
)
def test_other_code_is_noticed(before: str, after: str) -> None:
    assert not same_code(before, after)


def test_annotations_and_imports_are_the_same_code() -> None:
    assert same_code(
        "x = []\ndef f(a): ...",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import Q\nx: list[Q] = []\n"
        "def f(a: int) -> None: ...",
    )


def test_every_signature_of_the_standard_library_can_be_annotated() -> None:
    for path in sorted(Path(ast.__file__).parent.glob("[a-f]*.py")):
        syntax = parse(path.read_text(encoding="utf-8"))
        types = {
            " ".join(part for part in key[:3] if part): "int"
            for key in Placement(syntax).by_key
            if key[0] != "variable"
        }
        after = annotated(syntax.text, types)
        sites = Placement(parse(after)).sites.values()
        assert [site.key for site in sites if site.kind != "variable" and not site.occupied] == []
