"""APIs that do not exist, as diagnostics: pulled by the client, or pushed to one that does not pull."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Final

from lsprotocol import types
from typewright.assist.check import Finding, check
from typewright.indexer.cancellation import CancelToken

from .context import Context
from .lane import Urgency
from .server import Server

logger = logging.getLogger(__name__)

SOURCE: Final = "typewright"
SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
}
PAUSE_SECONDS: Final = 0.4  # of typing, before diagnostics are pushed


def diagnostic(ls: Server, params: types.DocumentDiagnosticParams) -> object:
    """Answer a pull: the findings, or that they are those of `previousResultId`."""
    context = ls.context(params.text_document.uri) if ls.options.diagnostics else None
    if context is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])

    def report(cancel: CancelToken) -> types.DocumentDiagnosticReport:
        found = diagnostics(context, cancel)
        digest = _digest(found)
        if digest == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(digest)
        return types.RelatedFullDocumentDiagnosticReport(found, result_id=digest)

    return ls.analyse(context, report, Urgency.CHECKED)


def findings(context: Context, cancel: CancelToken) -> Sequence[Finding]:
    """Return the findings in the document of `context`."""
    found = check(context.session, [context.path], overlay=context.overlay, cancel=cancel)
    return [finding for finding in found if context.view.holds(finding.span.line)]


def diagnostics(context: Context, cancel: CancelToken) -> list[types.Diagnostic]:
    """Return the findings in the document of `context` as the protocol writes them."""
    return [as_diagnostic(context, finding) for finding in findings(context, cancel)]


def as_diagnostic(context: Context, finding: Finding) -> types.Diagnostic:
    """Return a finding as the protocol writes it."""
    return types.Diagnostic(
        context.view.range(finding.span),
        finding.message,
        severity=SEVERITIES[finding.severity],
        code=f"absent-{finding.kind}",
        source=SOURCE,
    )


def _digest(found: Sequence[types.Diagnostic]) -> str:
    plain = [(item.message, str(item.range)) for item in found]
    return hashlib.blake2b(json.dumps(plain).encode(), digest_size=8).hexdigest()


# Push


def _pulls(ls: Server) -> bool:
    """Whether the client asks for diagnostics itself."""
    capabilities = ls.client_capabilities.text_document
    return capabilities is not None and capabilities.diagnostic is not None


def document_changed(ls: Server, uri: str) -> None:
    """Push the document's diagnostics once its typist pauses."""
    if not _pulls(ls) and not ls.protocol.shutting_down:
        if (running := ls.publishing.pop(uri, None)) is not None:
            running.cancel()
        task = asyncio.ensure_future(_publish(ls, uri))
        ls.publishing[uri] = task
        task.add_done_callback(lambda done: _forget(ls, uri, done))


def document_closed(ls: Server, uri: str) -> None:
    """Clear what was pushed for a document."""
    if not _pulls(ls):
        if (running := ls.publishing.pop(uri, None)) is not None:
            running.cancel()
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def publish_all(ls: Server) -> None:
    """Push the diagnostics of every open document anew."""
    for document in ls.documents:
        document_changed(ls, document.uri)


async def _publish(ls: Server, uri: str) -> None:
    await asyncio.sleep(PAUSE_SECONDS)
    context = ls.context(uri)
    if context is None:
        return
    found = await ls.analyse(context, _compute(context), Urgency.CHECKED) if ls.options.diagnostics else []
    version = context.view.version
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))


def _compute(context: Context) -> Callable[[CancelToken], list[types.Diagnostic]]:
    return lambda cancel: diagnostics(context, cancel)


def _forget(ls: Server, uri: str, task: asyncio.Task[None]) -> None:
    if ls.publishing.get(uri) is task:
        del ls.publishing[uri]
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("diagnostics of a document failed", exc_info=error)


def register(server: Server) -> None:
    """Register diagnostics with the server."""
    options = types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier=SOURCE
    )
    server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(diagnostic)
