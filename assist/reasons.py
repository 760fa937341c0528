"""Why an API may do what was asked: which words of the question its documentation has, in which sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from typewright.indexer.docstrings import sentences
from typewright.indexer.words import stem, stems

if TYPE_CHECKING:
    from typewright.assist.candidates import Question
    from typewright.indexer.records import Api

_READ_SENTENCES = 12  # of a documentation
_PROSE = re.compile(r"(?!>>>)[\w`*\"'(]")  # no table, rule or interactive session


def reason(api: Api, question: Question) -> tuple[tuple[str, ...], str]:
    """Return the words of the question that an API is known by, and a reason that can be checked."""
    wanted = [word for word in question.words if len(word) > 1]
    said = [each for each in sentences(api.documentation)[:_READ_SENTENCES] if _PROSE.match(each)]
    in_name = [word for word in wanted if stem(word) in stems(api.name)]
    best = ""
    held: list[str] = []
    for sentence in said:
        known = stems(sentence)
        here = [word for word in wanted if stem(word) in known]
        if len(here) > len(held):
            best, held = sentence, here
    parts = []
    if held:
        parts.append(f"{_listed(held)}: “{_short(best)}”")
    elif said and question.vector is not None:  # the vector is that of how the documentation starts
        parts.append(f"close in meaning: “{_short(said[0])}”")
    if in_name:
        parts.append(f"{_listed(in_name)} in its name")
    if not parts:
        parts.append(f"its documentation starts: “{_short(said[0])}”" if said else "its name and signature")
    if api.popularity:
        parts.append(f"used {api.popularity} times here" if api.popularity > 1 else "used here")
    elif api.name.partition(".")[0] in question.imported:
        parts.append("its library is imported here")
    if api.deprecated:
        parts.append("deprecated")
    matched = tuple(word for word in wanted if word in held or word in in_name)
    return matched, "; ".join(parts)


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 160 else sentence[:157].rsplit(" ", 1)[0] + "…"
