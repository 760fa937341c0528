"""Options, workspace folders and the lane of analysis, each by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from typewright.assist.session import Settings
from typewright.lsp.lane import Lane, Urgency
from typewright.lsp.options import Options
from typewright.lsp.workspaces import Workspaces


def test_options_take_what_fits_and_keep_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    given = {
        "minimumConfidence": 1,
        "hints": False,
        "ghostText": "no",
        "device": 7,
        "documents": ["docs", "../notes"],
        "neural": None,
        "somethingElse": True,
    }
    options = Options().updated(given)
    assert (options.minimum_confidence, options.hints, options.documents) == (
        1.0,
        False,
        ("docs", "../notes"),
    )
    assert (options.ghost_text, options.device, options.neural) == (True, "auto", True)
    assert {record.args[1] for record in caplog.records if record.args} == {"ghostText", "device"}
    assert Options().updated({"typewright": {"hints": False}}) == Options().updated({"hints": False})


@pytest.mark.parametrize(
    "given", [None, 7, "text", [], {"typewright": None}, {"minimumConfidence": 2}, {"documents": [1]}]
)
def test_options_that_are_none_change_nothing(given: object) -> None:
    assert Options().updated(given) == Options()


def test_options_become_the_settings_of_sessions() -> None:
    options = Options().updated({"interpreter": "/env/bin/python", "languageModel": "a", "neural": False})
    assert options.session_settings() == Settings(
        python=Path("/env/bin/python"), language_model="a", neural=False, minimum_confidence=0.5
    )
    assert Options().session_settings() == Settings()


def test_the_innermost_root_answers(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "file").write_text("")
    workspaces = Workspaces()
    outer_session, inner_session = workspaces.add([tmp_path / "outer", inner])
    assert workspaces.add([inner, tmp_path / "missing", tmp_path / "file"]) == []
    assert workspaces.session_for(inner / "a.py") is inner_session
    assert workspaces.session_for(tmp_path / "outer" / "a.py") is outer_session
    assert workspaces.session_for(Path("/elsewhere/a.py")) is outer_session
    assert workspaces.remove([inner, tmp_path]) == [inner_session]
    assert workspaces.session_for(inner / "a.py") is outer_session


def test_without_roots_a_files_own_project_answers(tmp_path: Path) -> None:
    (tmp_path / "project" / "package").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").write_text("")
    workspaces = Workspaces()
    session = workspaces.session_for(tmp_path / "project" / "package" / "a.py")
    assert session is not None
    assert session.root == (tmp_path / "project").resolve()
    assert workspaces.session_for(tmp_path / "project" / "b.py") is session
    assert workspaces.sessions == ()
    assert workspaces.all() == (session,)


def test_new_settings_make_new_sessions(tmp_path: Path) -> None:
    workspaces = Workspaces()
    (before,) = workspaces.add([tmp_path])
    assert workspaces.replace_settings(Settings(neural=False)) == [before]
    (after,) = workspaces.sessions
    assert after is not before
    assert (after.root, after.settings.neural) == (before.root, False)


def test_the_lane_takes_the_most_urgent_first_and_never_what_is_cancelled() -> None:
    lane, started, go = Lane("test"), threading.Event(), threading.Event()
    order: list[str] = []

    def hold() -> None:
        started.set()
        go.wait(10)

    lane.submit(hold, Urgency.CHECKED)
    started.wait(10)
    work = [
        lane.submit(lambda name=name: order.append(name), urgency)  # type: ignore[misc]
        for name, urgency in (
            ("checked", Urgency.CHECKED),
            ("shown", Urgency.SHOWN),
            ("typing", Urgency.TYPING),
            ("cancelled", Urgency.TYPING),
            ("typing again", Urgency.TYPING),
            ("closing", Urgency.CLOSING),
        )
    ]
    assert work[3].cancel()
    go.set()
    work[-1].result(10)
    assert order == ["typing", "typing again", "shown", "checked", "closing"]


def test_a_failure_stays_with_its_own_future() -> None:
    lane = Lane("test")
    failed = lane.submit(lambda: 1 // 0, Urgency.TYPING)
    assert isinstance(failed.exception(10), ZeroDivisionError)
    assert lane.submit(lambda: "next", Urgency.CLOSING).result(10) == "next"
