"""The algebra: joining, widening, rendering."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marks import ROOT, Texts
from typewright.analysis.evaluator import Evaluator
from typewright.analysis.types import (
    MAX_ELEMENTS,
    NEVER,
    NONE,
    UNKNOWN,
    Callable,
    ClassObject,
    Instance,
    Parameter,
    Type,
    Union,
    alternatives,
    is_complete,
    join,
    known,
    limit_depth,
    render,
    simplified,
    walk,
    widen,
    widen_literals,
    without_none,
)

_EVALUATOR = Evaluator(Texts({}))
INT, STR, FLOAT, BOOL = (_EVALUATOR.instance(name) for name in ("int", "str", "float", "bool"))
ONE, TWO, TRUE, FALSE = (_EVALUATOR.literal(value) for value in (1, 2, True, False))


def listed(*element: Type) -> Instance:
    return _EVALUATOR.instance("list", *element)


def row(*items: Type) -> Type:
    return _EVALUATOR.tuple_of(*items)


_leaves = st.sampled_from([INT, STR, FLOAT, ONE, TWO, TRUE, FALSE, NONE, UNKNOWN, NEVER])
_types = st.recursive(
    _leaves,
    lambda inside: st.one_of(
        inside.map(listed),
        st.lists(inside, max_size=3).map(lambda items: row(*items)),
        st.lists(inside, min_size=1, max_size=4).map(lambda items: join(*items)),
    ),
    max_leaves=6,
)


@given(_types, _types)
def test_join_does_not_depend_on_the_order(first: Type, second: Type) -> None:
    assert join(first, second) == join(second, first)


@given(_types)
def test_join_with_itself_or_nothing_changes_nothing(type_: Type) -> None:
    assert join(type_, type_) == type_
    assert join(type_, NEVER) == type_
    assert join(NEVER, type_) == type_


@given(_types, _types)
def test_widening_reaches_an_end(first: Type, second: Type) -> None:
    current = first
    for _ in range(8):
        following = widen(current, second)
        if following == current:
            return
        current = following
    raise AssertionError("widening goes on")


@given(_types)
def test_what_is_widened_and_simplified_stays_so(type_: Type) -> None:
    widened = widen_literals(type_)
    assert widen_literals(widened) == widened
    assert "Literal" not in render(widened)
    simple = simplified(type_)
    assert simple == UNKNOWN or all(
        UNKNOWN not in item.members for item in walk(simple) if isinstance(item, Union)
    )


RENDERED = {
    "list[int]": listed(INT),
    "list": listed(NEVER),
    "dict[str, int] | None": join(NONE, _EVALUATOR.instance("dict", STR, INT)),
    "tuple[int, str]": row(INT, STR),
    "tuple[int, ...]": _EVALUATOR.instance("tuple", INT),
    "tuple[()]": row(),
    "Literal[1]": ONE,
    "Literal[True]": TRUE,
    "Literal['a', ]".replace(", ", ""): _EVALUATOR.literal("a"),
    "bool": join(TRUE, FALSE),
    "int": join(ONE, INT),
    "type[int]": ClassObject(INT.definition),
    "Callable[[int], str]": Callable((Parameter("", "positional", INT),), STR),
    "Callable[..., str]": Callable(None, STR),
    "dict[str, Any]": _EVALUATOR.instance("dict", STR, UNKNOWN),
    "Unknown": UNKNOWN,
    "Never": NEVER,
    "None": NONE,
    "int | str | Unknown": join(INT, STR, UNKNOWN),
}


@pytest.mark.parametrize(("text", "type_"), RENDERED.items(), ids=RENDERED)
def test_render(text: str, type_: Type) -> None:
    assert render(type_) == text
    assert str(type_) == text


def test_unions_are_bounded() -> None:
    names = [
        "int",
        "str",
        "float",
        "bytes",
        "complex",
        "bytearray",
        "range",
        "slice",
        "set",
        "frozenset",
        "object",
    ]
    assert join(*(_EVALUATOR.instance(name) for name in names)) == UNKNOWN
    literals = join(*(_EVALUATOR.literal(number) for number in range(50)))
    assert literals == INT
    assert len(alternatives(join(*(row(*[INT] * n) for n in range(9))))) <= 4
    assert MAX_ELEMENTS < 100


def test_empty_containers_take_the_element_of_others() -> None:
    assert join(listed(NEVER), listed(INT)) == listed(INT)
    assert join(listed(INT), listed(STR)) != listed(INT)


def test_parts() -> None:
    assert known(join(INT, UNKNOWN)) == INT
    assert known(UNKNOWN) == NEVER
    assert without_none(join(INT, NONE)) == INT
    assert not is_complete(listed(UNKNOWN))
    deep: Type = INT
    for _ in range(12):
        deep = listed(deep)
    assert render(limit_depth(deep)).count("[") <= 6


def test_a_class_is_found_once() -> None:
    module = _EVALUATOR.module("collections.abc")
    assert module is not None
    found = _EVALUATOR.lookup(module, "Sequence")
    assert found is not None
    assert found.type == ClassObject(_EVALUATOR.class_named("typing.Sequence"))
    assert ROOT.name == "workspace"
