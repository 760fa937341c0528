"""Types joined from what is known and what is guessed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typewright.assist.session import Session
from typewright.assist.type_expressions import relation, same_type
from typewright.assist.types import SlotType, types
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice
from typewright.models.protocol import Candidate, RankedType

from .conftest import Opener


def by_name(session: Session) -> dict[str, SlotType]:
    return {f"{slot.kind} {slot.name}": slot for slot in types(session, [session.root])}


class Guesser:
    """Stands in for the inference process: says the same of every slot."""

    def __init__(self, *ranked: tuple[str, float]) -> None:
        self.ranked = [RankedType(text, probability) for text, probability in ranked]
        self.asked = 0

    def predict_types(
        self, functions: Sequence[FunctionSlice], _candidates: Sequence[Candidate] = (), **_: object
    ) -> Sequence[Sequence[Sequence[RankedType]]]:
        self.asked += len(functions)
        return [[self.ranked for _ in function.slots] for function in functions]

    def close(self) -> None:
        """Nothing was started."""


def guessing(open_session: Opener, text: str, *ranked: tuple[str, float]) -> tuple[Session, Guesser]:
    session = open_session({"a.py": text}, neural=True)
    guesser = Guesser(*ranked)
    session._inference = guesser  # type: ignore[assignment]
    return session, guesser


def test_static_types_carry_their_evidence_and_place(open_session: Opener) -> None:
    session = open_session({"a.py": "class C:\n    def f(self, n):\n        return [n]\n\nC().f(3)\n"})
    found = by_name(session)
    slot = found["return f"]
    assert (slot.line, slot.col, slot.function, slot.type, slot.source) == (
        2,
        9,
        "C.f",
        "list[int]",
        "static",
    )
    assert slot.evidence
    assert all(0 <= each.confidence <= 1 for each in found.values())
    assert found["param n"].type == "int"


def test_a_none_default_makes_the_type_optional(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(x=None):\n    return x\n\nf(3)\n"})
    assert by_name(session)["param x"].type == "int | None"


def test_a_none_default_alone_says_nothing(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(x=None):\n    pass\n"})
    assert "param x" not in by_name(session)


def test_literals_are_widened(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(flag):\n    return 'a' if flag else 'b'\n"})
    assert by_name(session)["return f"].type == "str"


def test_a_guess_fills_what_is_open(open_session: Opener) -> None:
    session, _ = guessing(open_session, "def f(path):\n    ...\n", ("pathlib.Path", 0.7), ("str", 0.2))
    slot = by_name(session)["param path"]
    assert (slot.type, slot.source) == ("Path", "neural")
    assert slot.confidence == pytest.approx(0.7, abs=0.1)
    assert slot.annotation is not None
    assert slot.annotation.imports == (("pathlib", "Path"),)


def test_a_guess_that_lacks_a_member_used_is_rejected(open_session: Opener) -> None:
    text = "def f(things):\n    things.append(1)\n"
    session, _ = guessing(open_session, text, ("str", 0.6), ("list[int]", 0.3))
    slot = by_name(session)["param things"]
    assert slot.type == "list[int]"
    assert slot.confidence > 0.5  # what was rejected is no rival any more


def test_a_guess_of_a_workspace_class_is_rejected_by_its_members(open_session: Opener) -> None:
    text = "class Duck:\n    def quack(self): ...\n\n\ndef f(bird):\n    bird.fly()\n"
    session, _ = guessing(open_session, text, ("Duck", 0.9), ("int", 0.05))
    assert "param bird" not in by_name(session)


def test_a_guess_that_cannot_be_written_is_left_out(open_session: Opener) -> None:
    session, _ = guessing(open_session, "def f(x):\n    ...\n", ("nowhere.Thing", 0.9), ("int", 0.1))
    assert by_name(session)["param x"].type == "int"


def test_agreement_is_surer_than_either(open_session: Opener) -> None:
    text = "def f(n):\n    return 1\n"
    session, _ = guessing(open_session, text, ("int", 0.5))
    alone = by_name(open_session({"a.py": text}))["return f"]
    both = by_name(session)["return f"]
    assert (both.source, both.type) == ("hybrid", "int")
    assert both.confidence > alone.confidence


def test_what_was_guessed_once_is_remembered_wherever_it_moves(open_session: Opener) -> None:
    session, guesser = guessing(open_session, "def f(x):\n    ...\n", ("int", 0.5))
    path = session.root / "a.py"
    list(types(session, [path]))
    asked = guesser.asked
    moved = list(types(session, [path], overlay={path: "# moved\n\n\ndef f(x):\n    ...\n"}))
    assert guesser.asked == asked
    assert {slot.line for slot in moved} == {4}


def test_without_weights_static_types_are_said_with_a_notice(open_session: Opener) -> None:
    class Missing(Guesser):
        def predict_types(self, *_: object, **__: object) -> Sequence[Sequence[Sequence[RankedType]]]:
            raise TypewrightError("there is no type model")

    session = open_session({"a.py": "def f(x):\n    return 1\n"}, neural=True)
    session._inference = Missing()  # type: ignore[assignment]
    assert by_name(session)["return f"].type == "int"
    assert session.notices == ("no types are guessed: there is no type model",)


def test_broken_code_gives_a_partial_answer(open_session: Opener) -> None:
    session = open_session(
        {"a.py": "def f():\n    return 1\n\ndef g(:\n    return (\n\ndef h():\n    return ''\n"}
    )
    found = by_name(session)
    assert found["return f"].type == "int"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("list[int]", "List[int]", True),
        ("Optional[str]", "str", True),
        ("int | str | None", "Union[str, int]", True),
        ("pathlib.Path", "Path", True),
        ("dict[str, Any]", "dict", False),
        ("list[Any]", "list", True),
        ("list[int]", "list[str]", False),
        ("'Foo'", "Foo", True),
        ("None", "None", True),
        ("None", "int", False),
        ("not a type!", "not a type!", False),
    ],
)
def test_types_are_compared_by_what_they_say(one: str, other: str, same: bool) -> None:
    assert same_type(one, other) is same


def test_outermost_names_are_compared() -> None:
    assert relation("list[int] | None", "list") == "parametric"
    assert relation("dict[str, int]", "list") == "other"
