"""What is known of an API, by its name or by what stands at a place in a file."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.docstrings import summary

if TYPE_CHECKING:
    from typewright.analysis.definitions import FunctionDefinition
    from typewright.analysis.evidence import Evidence, Inferred
    from typewright.analysis.types import Type
    from typewright.assist.session import Session
    from typewright.indexer.records import Api, Example, Parameter

EXAMPLES = 3
_SHOWN_TEXT = 1_500  # characters of a documentation in a hover
_SHOWN_OVERLOADS = 4
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of an API or of a name in a file; '' and () for what is not known.

    `type` is what analysis infers for a value, `evidence` why.
    """

    name: str
    kind: str
    type: str
    signature: str
    summary: str
    documentation: str
    parameters: tuple[Parameter, ...]
    returns: str
    deprecated: str
    aliases: tuple[str, ...]
    library: str
    version: str
    path: Path | None
    line: int
    evidence: tuple[Evidence, ...] = ()
    examples: tuple[Example, ...] = ()

    def markdown(self) -> str:
        """Return the description as an editor shows it."""
        blocks = [f"```python\n{self._header()}\n```"]
        if self.deprecated:
            blocks.append(f"**Deprecated:** {self.deprecated}")
        text = self.documentation[:_SHOWN_TEXT].rstrip()
        if text:
            cut = "\n…" if len(self.documentation) > _SHOWN_TEXT else ""
            blocks.append(_as_markdown(text) + cut)
        blocks += [f"- {each.text} (line {each.line} of {each.path.name})" for each in self.evidence[:3]]
        blocks += [
            f"```python\n{each.code}\n```\n{each.path.name}, line {each.line}" for each in self.examples[:1]
        ]
        if self.library:
            blocks.append(f"*{self.name}, {self.library} {self.version}*")
        return "\n\n".join(blocks)

    def __str__(self) -> str:
        lines = [f"{self.kind} {self.name}", *("    " + line for line in self._header().splitlines())]
        if self.aliases:
            lines.append(f"also: {', '.join(self.aliases)}")
        if self.deprecated:
            lines.append(f"deprecated: {self.deprecated}")
        lines += ["", *self.documentation.splitlines()] if self.documentation else []
        lines += [f"because {each.text} ({each.path.name}:{each.line})" for each in self.evidence]
        for example in self.examples:
            lines += ["", f"{example.path}:{example.line}"]
            lines += ["    " + line for line in inspect.cleandoc(example.code).splitlines()]
        place = f"{self.path}:{self.line}" if self.path else ""
        source = f"{self.library} {self.version}".strip()
        lines += ["", ", ".join(filter(None, (source, place)))] if source or place else []
        return "\n".join(lines)

    def _header(self) -> str:
        shown = self.name.rpartition(".")[2]
        if self.kind == "class":
            lines = self.signature.splitlines() or [shown]
            return "\n".join(f"class {line}" for line in lines[:_SHOWN_OVERLOADS])
        if self.kind in {"function", "method"}:
            lines = self.signature.splitlines() or [f"{shown}(…)"]
            more = len(lines) - _SHOWN_OVERLOADS
            note = [f"# and {more} more overloads"] if more > 0 else []
            return "\n".join([*(f"def {line}" for line in lines[:_SHOWN_OVERLOADS]), *note])
        if self.kind == "module":
            return f"module {self.name}"
        return f"{shown}: {self.type or self.returns}" if self.type or self.returns else shown


def describe(session: Session, name: str) -> Description | None:
    """Return what the index knows of an API by qualified name or alias; None where it knows nothing.

    A library that was not read yet is read first.
    """
    snapshot = session.snapshot()
    name = name.strip().removesuffix("()")
    api = snapshot.api(name)
    if api is None:
        module = snapshot.find_module(name.partition(".")[0])
        if module is None or module.origin != "workspace":  # no module: a builtin or a member of one
            session.index.add_libraries((module.name if module else "builtins",))
            api = snapshot.api(name)
    return _of_api(api, tuple(snapshot.examples(api.name, EXAMPLES))) if api else None


def hover(
    session: Session,
    path: Path,
    line: int,
    column: int,
    *,
    overlay: Mapping[Path, str] | None = None,
    cancel: CancelToken = NEVER,
) -> Description | None:
    """Return what is known of the name at a place: its type and why, or the API that it means."""
    snapshot = session.snapshot(overlay, cancel=cancel)
    word = _word_at(snapshot.text(path), line, column)
    inferred = session.analysis(overlay, cancel=cancel).type_at(path, line, column, cancel) if word else None
    if inferred is None:
        return None
    for name in _names(inferred.type):
        api = snapshot.api(name)
        if api is not None:
            return _of_api(api, tuple(snapshot.examples(api.name, 1)))
    return _of_type(word, inferred)


def _of_api(api: Api, examples: tuple[Example, ...]) -> Description:
    return Description(
        api.name,
        api.kind,
        "",
        api.signature,
        api.summary,
        api.documentation,
        api.parameters,
        api.returns,
        api.deprecated,
        api.aliases,
        api.distribution,
        api.version,
        api.path,
        api.line,
        (),
        examples,
    )


def _names(found: Type) -> list[str]:
    """The qualified names under which what a type stands for may be indexed, likeliest first."""
    from typewright.analysis import types

    match found:
        case types.ClassObject(definition=definition) | types.Function(definition=definition):
            return [definition.qualified_name]
        case types.Module(definition=definition):
            return [definition.name]
        case types.BoundMethod(function=types.Function(definition=method), receiver=receiver):
            owner = getattr(receiver, "definition", None)
            through = [f"{owner.qualified_name}.{method.name}"] if owner is not None else []
            return [*through, method.qualified_name]
    return []


def _of_type(word: str, inferred: Inferred) -> Description:
    """What is not indexed: a function or class as its definition has it, a value by its type."""
    from typewright.analysis import types

    found = inferred.type
    if isinstance(found, types.BoundMethod):
        found = found.function
    if isinstance(found, types.Function):
        definitions = found.overloads or (found.definition,)
        node = found.definition.node
        text = "" if isinstance(node, ast.Lambda) else ast.get_docstring(node) or ""
        kind = "method" if found.definition.owner else "function"
        signature = "\n".join(_signature(each) for each in definitions)
        place = found.definition.module.path
        return _described(found.definition.qualified_name, kind, signature, text, place, node.lineno)
    if isinstance(found, types.ClassObject):
        written = found.definition.node
        text = (ast.get_docstring(written) or "") if written else ""
        line = written.lineno if written else 1
        return _described(
            found.definition.qualified_name, "class", "", text, found.definition.module.path, line
        )
    if isinstance(found, types.Module):
        text = ast.get_docstring(found.definition.tree) or ""
        return _described(found.definition.name, "module", "", text, found.definition.path, 1)
    return Description(
        word,
        "variable",
        types.render(found),
        "",
        "",
        "",
        (),
        "",
        "",
        (),
        "",
        "",
        None,
        0,
        inferred.evidence,
    )


def _described(name: str, kind: str, signature: str, text: str, path: Path, line: int) -> Description:
    return Description(name, kind, "", signature, summary(text), text, (), "", "", (), "", "", path, line)


def _signature(definition: FunctionDefinition) -> str:
    node = definition.node
    returns = None if isinstance(node, ast.Lambda) else node.returns
    arrow = f" -> {ast.unparse(returns)}" if returns is not None else ""
    return f"{definition.name}({ast.unparse(node.args)}){arrow}"


def _word_at(text: str, line: int, column: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    for match in _IDENTIFIER.finditer(written):
        if match.start() < column <= match.end() + 1:
            return match[0]
    return ""


def _as_markdown(text: str) -> str:
    """A docstring as Markdown: interactive sessions become code blocks, single line breaks stay."""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        starts = line.lstrip().startswith(">>>")
        if starts and not in_code:
            lines.append("```python")
        elif in_code and not line.strip():
            lines.append("```")
        in_code = starts or (in_code and bool(line.strip()))
        lines.append(line if in_code else f"{line}  ".rstrip("\n"))
    return "\n".join([*lines, "```"] if in_code else lines)
