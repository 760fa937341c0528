"""reStructuredText into sections. Sphinx's directives and roles lose nothing; nothing is included.

docutils reads the text with file insertion and raw input off. A directive or role that it does not know is
registered under its name as one that keeps its content, so that Sphinx's and any project's own are read.
"""

import re
import threading
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from docutils.core import publish_doctree  # type: ignore[import-untyped]
from docutils.parsers.rst import Directive, directives, roles  # type: ignore[import-untyped]
from docutils.parsers.rst.languages import en  # type: ignore[import-untyped]

from .documents import Draft

_DIRECTIVE = re.compile(r"\.\.[ \t]+([A-Za-z][\w:.+-]*?)[ \t]?::(?:[ \t]|$)", re.MULTILINE)
_ROLE = re.compile(r":([A-Za-z][\w:.+-]*):`")
_CODE = frozenset(
    {
        "code-block",
        "sourcecode",
        "literalinclude",
        "ipython",
        "testcode",
        "testsetup",
        "testoutput",
        "doctest",
    }
    | {"prompt", "plot", "jupyter-execute", "parsed-literal", "graphviz", "productionlist"}
)
_SILENT = frozenset(
    {"toctree", "index", "currentmodule", "module", "py:module", "highlight", "sectionauthor"}
)
_OBJECT = re.compile(
    r"(?:py:|auto)?(?:function|class|(?:class|static)?method|attribute|property|data|exception|decorator)"
)
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 6,
    "line_length_limit": 1_000_000,
    "syntax_highlight": "none",
    "input_encoding": "unicode",
}
_lock = threading.Lock()  # docutils' registries are global
_registered: set[str] = set()


class _AnyOptions(dict[str, Any]):
    """Options of a directive that nobody knows: each is kept as text."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - docutils' converters have no better type
        return lambda argument: argument or ""


class _Unknown(Directive):  # type: ignore[misc]
    """A directive that docutils does not have: its argument and its content stay."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOptions(any=str)

    def run(self) -> list[nodes.Node]:
        """Return the content as a container, code as a literal block."""
        kind = self.name.lower()
        text = "\n".join(self.content)
        if kind in _SILENT:
            return []
        if kind in _CODE:
            return [nodes.literal_block(text, text)] if text else []
        holder = nodes.container()
        if self.arguments:
            names = [line.split("(")[0].strip() for line in self.arguments[0].splitlines()]
            holder += nodes.paragraph("", self.arguments[0], names=names if _OBJECT.fullmatch(kind) else [])
        self.state.nested_parse(self.content, self.content_offset, holder)
        return [holder]


def _unknown_role(
    _name: str, _rawtext: str, text: str, *_rest: object, **_more: object
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    shown = re.sub(r"\s*<[^>]*>$", "", nodes.unescape(text)).lstrip("~!")
    return [nodes.literal("", shown)], []


def drafts(text: str, name: str) -> list[Draft]:
    """Take a document apart; `name` titles what stands before its first heading."""
    with _lock:
        _register(text)
        tree = publish_doctree(text, settings_overrides=_SETTINGS)
    found = [Draft(name, 1)]
    _read(tree, found)
    return found


def _register(text: str) -> None:
    for name in {name.lower() for name in _DIRECTIVE.findall(text)}:
        if name in _CODE or (name not in en.directives and name not in _registered):
            _registered.add(name)
            directives.register_directive(name, _Unknown)
    for name in {name.lower() for name in _ROLE.findall(text)}:
        if name not in en.roles and f":{name}:" not in _registered:
            _registered.add(f":{name}:")
            roles.register_local_role(name, _unknown_role)


def _read(node: nodes.Element, found: list[Draft]) -> None:
    for child in node.children:
        if isinstance(child, (nodes.section, nodes.topic)):
            title = next(iter(child.findall(nodes.title)), None)
            anchor = child["ids"][0] if child["ids"] else ""
            found.append(Draft(title.astext() if title else "", _line(child), anchor))
            _read(child, found)
        elif isinstance(child, nodes.title):
            if isinstance(node, nodes.document):  # docutils has made the only heading the document's title
                anchor = node["ids"][0] if node["ids"] else ""
                found.append(Draft(child.astext(), child.line or 1, anchor))
        elif isinstance(child, nodes.system_message):  # it quotes what docutils could not make sense of
            found[-1].text += [quoted.astext() for quoted in child.findall(nodes.literal_block)]
        elif isinstance(child, (nodes.comment, nodes.substitution_definition)):
            continue
        elif isinstance(child, (nodes.literal_block, nodes.doctest_block)):
            found[-1].code.append(child.astext())
        elif isinstance(child, (nodes.paragraph, nodes.term, nodes.Text, nodes.line, nodes.caption)):
            found[-1].text.append(child.astext())
            if isinstance(child, nodes.Element):
                found[-1].names += child.get("names", [])
        elif isinstance(child, nodes.Element):
            _read(child, found)


def _line(section: nodes.Element) -> int:
    return section.line or next((child.line for child in section.findall() if child.line), None) or 1
