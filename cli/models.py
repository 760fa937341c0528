"""Commands about models: complete, models, train."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typewright.cli.knowledge import read_rows
from typewright.cli.output import home, print_json, progress_bar, say, size, table
from typewright.cli.workspace import check_place, settings, workspace
from typewright.indexer.errors import TypewrightError

if TYPE_CHECKING:
    from typewright.assist.complete import Suggestion
    from typewright.assist.session import Session
    from typewright.models.catalogue import Weights


def complete(options: Namespace) -> int:
    """Print what the language model would write at a position."""
    if (options.place is None) == (options.batch is None):
        raise TypewrightError("complete needs FILE:LINE:COL or --batch FILE.jsonl.")
    if options.batch is not None:
        return _complete_batch(options)
    from typewright.assist.complete import suggest

    path, line, column = options.place
    with workspace(options, [path]) as session:
        check_place(session, path, line, column)
        _require_language_model(options)
        suggestion = suggest(session, path.absolute(), line, column, mode=options.mode)
        if options.json:
            print_json(_suggestion_row(suggestion))
        elif suggestion.completion:
            print(suggestion.completion)
            say(
                f"confidence {suggestion.confidence:.0%}, {suggestion.tokens} tokens, "
                f"{suggestion.total_ms:.0f} ms{'' if suggestion.shown else ', not shown in an editor'}"
            )
        else:
            say("nothing to complete here")
    return 0


def _require_language_model(options: Namespace) -> None:
    """Raise `WeightsMissing` (or `UnknownWeights`) where an answer could only be empty."""
    from typewright.models.catalogue import default
    from typewright.models.pull import locate

    if not options.no_neural:
        locate(options.model or default("language-model").name)


def _suggestion_row(suggestion: Suggestion) -> dict[str, object]:
    return {
        "completion": suggestion.completion,
        "shown": suggestion.shown,
        "confidence": round(suggestion.confidence, 4),
        "first_token_ms": round(suggestion.first_token_ms, 2),
        "total_ms": round(suggestion.total_ms, 2),
        "tokens": suggestion.tokens,
        "layers_run": suggestion.layers_run,
    }


def _complete_batch(options: Namespace) -> int:
    from typewright.assist.complete import suggest
    from typewright.assist.session import Session

    rows = read_rows(options.batch, ("prefix", "suffix", "path", "root"))
    for root in {row["root"] for row in rows}:
        if not Path(root).is_dir():
            raise TypewrightError(f"{root} is not a folder.")
    _require_language_model(options)
    sessions: dict[Path, Session] = {}
    try:
        for row in rows:
            root = Path(row["root"]).resolve()
            if root not in sessions:
                sessions[root] = Session(root, settings=settings(options))
            path, text, line, column = _open_buffer(root, row)
            suggestion = suggest(sessions[root], path, line, column, mode=options.mode, overlay={path: text})
            print_json({"id": row["id"]} | _suggestion_row(suggestion))
        for text in dict.fromkeys(text for session in sessions.values() for text in session.notices):
            say(f"note: {text}")
    finally:
        for session in sessions.values():
            session.close()
    return 0


def _open_buffer(root: Path, row: Mapping[str, Any]) -> tuple[Path, str, int, int]:
    """The open buffer of a row, and the cursor between its prefix and its suffix."""
    prefix = row["prefix"]
    lines = prefix.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return root / row["path"], prefix + row["suffix"], len(lines), len(lines[-1]) + 1


def models(options: Namespace) -> int:
    """List, fetch or describe weights."""
    from typewright.models.catalogue import catalogue, find

    if options.action == "pull":
        from typewright.models.pull import pull

        with progress_bar() as progress:
            folder = pull(options.name, progress=progress)
        print(f"{options.name}: {home(folder)}")
        return 0
    wanted = catalogue() if options.action == "list" else (find(options.name),)
    if options.json:
        for weights in wanted:
            print_json(_weights_row(weights))
    elif options.action == "list":
        rows = [
            (weights.name, weights.role, size(weights.size), weights.license, _place(weights) or "not here")
            for weights in wanted
        ]
        print(table([("NAME", "ROLE", "SIZE", "LICENCE", "PLACE"), *rows]))
    else:
        print(table([(key, str(value)) for key, value in _weights_row(wanted[0]).items() if value]))
    return 0


def _weights_row(weights: Weights) -> dict[str, object]:
    return {
        "name": weights.name,
        "role": weights.role,
        "license": weights.license,
        "size": weights.size,
        "description": weights.description,
        "origin": weights.origin,
        "default": weights.default,
        "folder": _place(weights),
    }


def _place(weights: Weights) -> str:
    """Where weights lie on this machine, '' where they are not here."""
    from typewright.models.pull import WeightsMissing, locate

    try:
        return str(locate(weights.name))
    except WeightsMissing:
        return ""


def train(options: Namespace) -> int:
    """Train a model; resumes where the last run stopped."""
    from typewright.assist.training import train as run

    with progress_bar() as progress:
        report = run(options.what, options.config, progress=progress)
    print_json(report)
    return 0
