"""Commands of `workspace/executeCommand`; their results are plain JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from typewright.assist.describe import describe
from typewright.assist.recommend import Recommendation
from typewright.assist.recommend import recommend as search
from typewright.indexer.cancellation import CancelToken, Progress

from .actions import annotating_edits
from .convert import uri_to_path
from .hardening import RequestError
from .lane import Urgency
from .progress import with_progress
from .server import Server
from .workspaces import EditorSession

Arguments = Sequence[Any]

APPLY_SECONDS: Final = 120.0  # editors may show a preview, and people take their time


async def annotate_file(ls: Server, arguments: Arguments) -> object:
    """[uri, function?]: annotate the document through the client; one that takes no edits is given them."""
    uri, function = _text(arguments, 0), _text(arguments, 1) if len(arguments) > 1 else None
    context = ls.context(uri)
    if context is None:
        raise _bad(f"{uri} is no Python document")
    edits = await ls.analyse(
        context, lambda cancel: annotating_edits(context, function, cancel), Urgency.ASKED
    )
    if not edits:
        return {"edits": 0, "applied": False}
    edit = context.workspace_edit(edits)
    workspace = ls.client_capabilities.workspace
    if workspace is None or not workspace.apply_edit:
        return {"edits": len(edits), "applied": False, "edit": edit}
    request = types.ApplyWorkspaceEditParams(edit, "Annotate")
    answer = await ls.ask(ls.workspace_apply_edit_async(request), APPLY_SECONDS)
    return {"edits": len(edits), "applied": answer is not None and answer.applied}


def recommend(ls: Server, arguments: Arguments) -> object:
    """[query, {uri?, line?, libraries?, limit?}?]: the APIs that do what is asked, best first."""
    query, details = _text(arguments, 0), _details(arguments, 1)
    uri, line = details.get("uri"), details.get("line")
    context = ls.context(uri) if isinstance(uri, str) else None
    session = context.session if context is not None else _first_session(ls)
    place = (context.path, line) if context is not None and isinstance(line, int) else None
    libraries = [name for name in details.get("libraries") or () if isinstance(name, str)]
    limit = details.get("limit")

    def work(cancel: CancelToken) -> list[Mapping[str, object]]:
        found = search(
            session,
            query,
            context=place,
            libraries=libraries,
            limit=limit if isinstance(limit, int) and limit > 0 else 10,
            cancel=cancel,
        )
        return [_recommendation(each) for each in found]

    return ls.work(work)


def _recommendation(found: Recommendation) -> Mapping[str, object]:
    return {
        "name": found.api.name,
        "kind": found.api.kind,
        "signature": found.api.signature,
        "summary": found.api.summary,
        "library": found.api.distribution,
        "version": found.api.version,
        "score": found.score,
        "reason": found.reason,
        "example": found.example.code if found.example else None,
    }


def describe_api(ls: Server, arguments: Arguments) -> object:
    """[name]: what the index knows of an API, as Markdown; null for an unknown one."""
    name, session = _text(arguments, 0), _first_session(ls)

    def work(_cancel: CancelToken) -> str | None:
        found = describe(session, name)
        return None if found is None else found.markdown()

    return ls.work(work)


async def index_documents(ls: Server, arguments: Arguments) -> object:
    """[uri or path, ...]: read documents and folders of documents into the index of their workspace."""
    given = [_text(arguments, place) for place in range(len(arguments))]
    session = _first_session(ls)
    paths = [uri_to_path(text) or session.root / Path(text).expanduser() for text in given]
    if not paths or any(not path.exists() for path in paths):
        raise _bad("give the documents and folders to index; each must exist")
    session = ls.workspaces.session_for(paths[0]) or session

    def work(cancel: CancelToken, progress: Progress) -> object:
        return session.index.add_documents(paths, progress=progress, cancel=cancel)

    await with_progress(ls, "Indexing documents", work)
    return {"documents": [str(path) for path in paths]}


def restart_inference(ls: Server, _arguments: Arguments) -> object:
    """[]: end the inference processes; the next request starts new ones."""
    sessions = ls.workspaces.all()

    def work(_cancel: CancelToken) -> None:
        for session in sessions:
            session.inference.close()

    return ls.work(work)


def status(ls: Server, _arguments: Arguments) -> object:
    """[]: what a status view or a bug report needs; holds no source text."""
    sessions = ls.workspaces.all()
    documents = sum(1 for _ in ls.documents)

    def work(_cancel: CancelToken) -> Mapping[str, object]:
        return {
            "version": ls.version,
            "python": platform.python_version(),
            "process": os.getpid(),
            "openDocuments": documents,
            "workspaces": [
                {
                    "root": str(session.root),
                    "files": len(session.snapshot().files()),
                    "index": str(session.index.folder),
                    "environment": str(session.index.environment.prefix),
                    "notices": list(session.notices),
                    "inference": dict(session.inference.status()),
                }
                for session in sessions
            ],
        }

    return ls.work(work)


def _first_session(ls: Server) -> EditorSession:
    sessions = ls.workspaces.all()
    if not sessions:
        raise _bad("no folder is open")
    return sessions[0]


def _text(arguments: Arguments, place: int) -> str:
    if place >= len(arguments) or not isinstance(arguments[place], str) or not arguments[place]:
        raise _bad(f"argument {place + 1} must be a string")
    return str(arguments[place])


def _details(arguments: Arguments, place: int) -> Mapping[str, Any]:
    details = arguments[place] if place < len(arguments) else {}
    if not isinstance(details, Mapping):
        raise _bad(f"argument {place + 1} must be an object")
    return details


def _bad(reason: str) -> RequestError:
    return RequestError(types.ErrorCodes.InvalidParams, reason)


def register(server: Server) -> None:
    """Register the commands with the server."""
    commands: dict[str, Callable[..., object]] = {
        "typewright.annotateFile": annotate_file,
        "typewright.recommend": recommend,
        "typewright.describe": describe_api,
        "typewright.indexDocuments": index_documents,
        "typewright.restartInference": restart_inference,
        "typewright.status": status,
    }
    for name, command in commands.items():
        server.command(name)(command)
