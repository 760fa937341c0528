"""Solved questions: what somebody asked, and the APIs that answered it, as sections without text."""

import json
from pathlib import Path

from .documents import Draft, decode
from .words import without_values


def drafts(data: bytes, path: Path) -> list[Draft]:
    """Read one {"query": text, "gold": [[name, …], …], "code": text} a line; `code` may be missing.

    Each group of names accepts any of them. Raises `ValueError` for a line that is no such row.
    """
    found = []
    for number, line in enumerate(decode(data, path.name).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            title = " ".join(without_values(row["query"]).split())
            names = [name if "." in name else f"builtins.{name}" for group in row["gold"] for name in group]
            code = [str(row["code"])] if row.get("code") else []
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f'line {number} is no {{"query": …, "gold": [[…]]}}') from error
        found.append(Draft(title, number, code=code, names=names))
    return found
