"""Commands about what exists: index, recommend, describe, doctor."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typewright.cli.output import count, home, print_json, progress_bar, say, shown, size, table
from typewright.cli.workspace import check_place, settings, workspace
from typewright.indexer.cancellation import Progress
from typewright.indexer.errors import TypewrightError

if TYPE_CHECKING:
    from typewright.assist.recommend import Embedded, Recommendation
    from typewright.assist.session import Session


def index(options: Namespace) -> int:
    """Read the workspace, its libraries and documents into the index."""
    from typewright.assist.session import Session

    started = time.perf_counter()
    with Session(options.root or options.path, settings=settings(options)) as session:
        with progress_bar() as progress:
            files = session.refresh(progress=progress)
            libraries = session.index.add_libraries(options.library, progress=progress)
            given = [*options.docs, *options.questions]
            documents = session.index.add_documents(given, progress=progress) if given else None
            vectors = _embed(session, options.embed, progress)
        folders = session.index.folders
        seconds = time.perf_counter() - started
        bytes_used = sum(
            file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()
        )
        if options.json:
            print_json(
                {
                    "root": session.root,
                    "files": files,
                    "libraries": libraries,
                    "documents": documents,
                    "vectors": vectors,
                    "folders": [str(folder) for folder in folders],
                    "bytes": bytes_used,
                    "seconds": round(seconds, 3),
                }
            )
        else:
            print(files)
            print(libraries)
            if documents is not None:
                print(documents)
            if vectors is not None:
                later = (
                    f"; {vectors.waiting:,} at the next index, the least used last" if vectors.waiting else ""
                )
                print(f"vectors: {vectors.done:,} APIs and sections{later}")
            where = " and ".join(home(folder) for folder in folders)
            print(f"index: {size(bytes_used)} in {seconds:.1f} s, kept in {where}")
        for text in session.notices:
            say(f"note: {text}")
    return 0


def _embed(session: Session, seconds: float, progress: Progress | None) -> Embedded | None:
    """Give vectors to what has none for a while; None where that is not wanted or there are no weights."""
    from typewright.assist.recommend import embed

    if not seconds:
        return None
    try:
        return embed(session, seconds=seconds, progress=progress)
    except TypewrightError as error:
        session.notice(f"Nothing is embedded, so that questions are answered by words alone: {error}")
        return None


def recommend(options: Namespace) -> int:
    """Print the APIs that do what is asked."""
    if (options.query is None) == (options.batch is None):
        raise TypewrightError("recommend needs a QUERY or --batch FILE.jsonl.")
    from typewright.assist.recommend import prepare
    from typewright.assist.recommend import recommend as search

    rows = read_rows(options.batch, ("query",)) if options.batch is not None else ()
    paths = [options.context[0]] if options.context else []
    with workspace(options, paths) as session:
        if options.context is not None:
            check_place(session, *options.context)
        with progress_bar() as progress:
            prepare(session, options.library, progress=progress)
        if options.batch is not None:
            return _recommend_batch(session, options, rows)
        found = search(
            session, options.query, context=options.context, libraries=options.library, limit=options.k
        )
        for rank, recommendation in enumerate(found, 1):
            if options.json:
                print_json(_recommendation_row(recommendation))
            else:
                _print_recommendation(rank, recommendation)
        if not found and not options.json:
            say("nothing found")
    return 0


def _recommendation_row(recommendation: Recommendation) -> dict[str, object]:
    api, example = recommendation.api, recommendation.example
    return {
        "name": api.name,
        "kind": api.kind,
        "signature": api.signature,
        "score": round(recommendation.score, 4),
        "reason": recommendation.reason,
        "matched": list(recommendation.matched),
        "summary": api.summary,
        "library": api.distribution,
        "version": api.version,
        "file": str(api.path) if api.path else None,
        "line": api.line,
        "example": example.code if example else None,
    }


def _print_recommendation(rank: int, recommendation: Recommendation) -> None:
    api, example = recommendation.api, recommendation.example
    last = api.name.rpartition(".")[2]
    first, *overloads = api.signature.splitlines() or [""]
    called = first.removeprefix(last) if first != last else ""
    print(f"{rank:>2}. {api.name}{called}{' …' if overloads else ''}")
    print(f"    {recommendation.reason}")
    if api.path:
        print(f"    {shown(api.path)}:{api.line}")
    if example:
        lines = example.code.strip().splitlines()
        line = next((each for each in lines if last in each), lines[0]).strip()
        print(f"    for example: {line}  ({shown(example.path)}:{example.line})")


def _recommend_batch(session: Session, options: Namespace, rows: Sequence[Mapping[str, Any]]) -> int:
    from typewright.assist.recommend import recommend as search

    for row in rows:
        started = time.perf_counter()
        context = _context(row.get("context"))
        found = search(session, row["query"], context=context, libraries=options.library, limit=options.k)
        print_json(
            {
                "id": row["id"],
                "pred": [recommendation.api.name for recommendation in found],
                "reasons": [recommendation.reason for recommendation in found],
                "total_ms": round((time.perf_counter() - started) * 1000, 2),
            }
        )
    return 0


def _context(text: object) -> tuple[Path, int] | None:
    """The place that a row names as FILE:LINE, if it names one."""
    path, _, line = str(text or "").rpartition(":")
    return (Path(path), int(line)) if path and line.isdecimal() else None


def read_rows(path: Path, texts: tuple[str, ...]) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a JSON Lines file: objects with an `id`, which may be anything, and with `texts`.

    All are read before the first is answered, so that a bad one is known at once. Raises TypewrightError,
    which names its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TypewrightError(f"{path}: {getattr(error, 'strerror', None) or error}.") from error
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise TypewrightError(f"{path}:{number}: no JSON ({error.msg}).") from error
        if not isinstance(row, dict) or any(key not in row for key in ("id", *texts)):
            raise TypewrightError(f"{path}:{number}: a row needs id, {', '.join(texts)}.")
        for key in texts:
            if not isinstance(row[key], str):
                raise TypewrightError(f"{path}:{number}: {key} must be a string.")
        rows.append(row)
    return rows


def describe(options: Namespace) -> int:
    """Print what the index knows of an API."""
    from typewright.assist.describe import describe as look_up

    with workspace(options, []) as session:
        description = look_up(session, options.name)
        if description is None:
            raise TypewrightError(f"nothing called {options.name} is known here.")
        if options.json:
            print_json(description)
        else:
            print(description)
    return 0


def doctor(options: Namespace) -> int:
    """Print what was found, and what mends what was not."""
    from typewright.assist.doctor import examine

    with workspace(options, [options.path], read=False) as session:
        found = examine(session)
    if options.json:
        for finding in found:
            print_json(finding)
        return 0
    print(table([("ok" if finding.ok else "missing", finding.name, finding.detail) for finding in found]))
    for finding in found:
        if finding.remedy:
            print(f"{finding.name}: {finding.remedy}")
    if all(finding.ok for finding in found):
        print(f"{count(len(found), 'check')}, all well")
    return 0
