"""Docstrings: their summary, and what they say of each parameter, in Google's, NumPy's and Sphinx's style."""

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import griffe

TEXT_CAP = 20_000  # characters of one docstring that are kept
Style = Literal["google", "numpy", "sphinx"]

_SECTIONS = r"^[ \t]*(?:Args|Arguments|Parameters|Returns|Yields|Raises|Attributes)"
_STYLES: tuple[tuple[Style, re.Pattern[str]], ...] = (
    ("numpy", re.compile(_SECTIONS + r"[ \t]*\n[ \t]*-{3,}", re.MULTILINE)),
    ("sphinx", re.compile(r"^[ \t]*:(?:param|arg|type|returns?|rtype|raises?)\b[^:\n]*:", re.MULTILINE)),
    ("google", re.compile(_SECTIONS + r":[ \t]*$", re.MULTILINE)),
)
_DEPRECATED = re.compile(
    r"^[ \t]*\.\.[ \t]+deprecated::[ \t]*(.*(?:\n(?:[ \t]+\S.*|[ \t]*$))*)", re.MULTILINE
)
_TEXT_SIGNATURE = re.compile(r"\A\s*[\w.]+\(.{0,2000}?\)\s*\n\s*--[ \t]*\n\s*\n", re.DOTALL)
_CALL = re.compile(r"\s*[\w.]+\(")
# What follows a signature that is no text: what is returned, unless it is a sentence; the end of the line.
_AFTER_CALL = re.compile(
    r"\n?[ \t]*-{1,2}>[ \t]*(?![ \t]|Return|[A-Z]\w*[ \t]+[a-z])[^\n]*\n"
    r"|\n?[ \t]*-{1,2}>[ \t]*|[ \t]*\n|[ \t]+(?=[A-Z])"
)
_LONGEST_CALL = 1_000  # characters
_RULE = re.compile(r"([=\-~^*#+]){3,}")
_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`*\"'(\[])")


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring in parts: first sentence, description by parameter, of the result, deprecation note."""

    summary: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    returns: str = ""
    raises: tuple[str, ...] = ()
    deprecated: str = ""


def parse_docstring(text: str) -> Docstring:
    """Take a docstring apart; parts that cannot be told are empty, and no text is an error."""
    text = text[:TEXT_CAP]
    note = _DEPRECATED.search(text)
    deprecated = " ".join(note[1].split()) if note else ""
    parameters: dict[str, str] = {}
    returns: list[str] = []
    raises: list[str] = []
    for section in _sections(text):
        kind = section.kind.value
        if kind in {"parameters", "other parameters", "keyword arguments"}:
            for parameter in section.value:
                for name in parameter.name.replace("*", "").split(","):  # NumPy: "x, y : float"
                    parameters.setdefault(name.strip(), " ".join(parameter.description.split()))
        elif kind == "returns":
            returns += [" ".join(item.description.split()) for item in section.value]
        elif kind == "raises":
            raises += [f"{item.annotation}: {' '.join(item.description.split())}" for item in section.value]
    return Docstring(summary(text), parameters, " ".join(filter(None, returns)), tuple(raises), deprecated)


def summary(text: str) -> str:
    """Return the first sentence of a docstring, past a signature line and a heading's rule."""
    paragraph: list[str] = []
    for line in without_calls(text[:TEXT_CAP]).strip().splitlines():
        stripped = line.strip()
        if not paragraph and stripped.startswith(".. "):
            continue
        if _RULE.fullmatch(stripped):
            continue
        if stripped:
            paragraph.append(stripped)
        elif paragraph:
            break
    return _SENTENCE_END.split(" ".join(paragraph), maxsplit=1)[0]


def without_signature(text: str) -> str:
    """Return a docstring without the signature in front that C code keeps there (`name(x)\\n--\\n\\n`)."""
    return inspect.cleandoc(_TEXT_SIGNATURE.sub("", text, count=1))


def without_calls(text: str) -> str:
    """Return a docstring without the signatures that it starts with, as C code's do, if there is more."""
    rest = text
    while call := _CALL.match(rest):
        depth = 1
        for end in range(call.end(), min(len(rest), _LONGEST_CALL)):
            depth += {"(": 1, ")": -1}.get(rest[end], 0)
            if not depth:
                break
        after = _AFTER_CALL.match(rest, end + 1) if not depth else None
        if after is None or not rest[after.end() :].strip():
            break
        rest = rest[after.end() :]
    return rest


def sentences(text: str) -> list[str]:
    """Return the sentences of running text, whatever its layout."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return [sentence for paragraph in paragraphs for sentence in _SENTENCE_END.split(paragraph) if sentence]


def _sections(text: str) -> "list[griffe.DocstringSection]":
    style = next((style for style, pattern in _STYLES if pattern.search(text)), None)
    if style is None:
        return []
    import griffe

    with griffe.logger.disable():
        try:
            return list(griffe.Docstring(text).parse(style, warnings=False))
        except Exception:  # noqa: BLE001 - a docstring is free text; whatever breaks its parser leaves it unparsed
            return []


def code_examples(text: str) -> tuple[str, ...]:
    """Return the interactive sessions and fenced code blocks of a docstring, without their prompts."""
    found = [block.strip("\n") for block in _FENCE.findall(text)]
    session: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        if stripped.startswith((">>> ", "... ")) or stripped == "...":
            session.append(stripped[4:])
        elif not stripped and session:  # output lines stand between the statements of one session
            found.append("\n".join(session))
            session = []
    return tuple(dict.fromkeys(block for block in found if block.strip()))
