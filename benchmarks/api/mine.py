"""Comments of the libraries' sources as questions, the calls in the statement below them as their answers.

    python benchmarks/api/mine.py FOLDER ... > MINED.jsonl

The folders hold Python sources: packages, the standard library. A row is {"query", "gold"}, as `fit.py` reads
it: a comment that reads like a sentence, or the first sentence of a function's docstring, and the names that
the statement, or the function, calls, as its imports say them. Methods of objects are not among them. No name
is the answer of more than a few rows, so that the frequent ones do not drown the others.
"""

from __future__ import annotations

import ast
import builtins
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MOST_ANSWERS = 4
MOST_OF_A_NAME = 30
_SENTENCE = re.compile(r"[A-Za-z][\w ,.'()-]{14,139}")


def lessons(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what the comments and docstrings of a module say, and what the code under them calls."""
    tree = ast.parse(text)
    lines = text.splitlines()
    imported = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            said = (ast.get_docstring(node) or "").partition("\n\n")[0]
            yield " ".join(said.split()), _called(node, imported)
        elif isinstance(node, ast.stmt) and not isinstance(node, ast.ClassDef):
            above, line = [], node.lineno - 2
            while line >= 0 and lines[line].strip().startswith("#"):
                above.append(lines[line].strip("# \t"))
                line -= 1
            if above:
                yield " ".join(reversed(above)), _called(node, imported)


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                top = each.name.partition(".")[0]
                yield (each.asname, each.name) if each.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((each.asname or each.name, f"{node.module}.{each.name}") for each in node.names)


def _called(node: ast.AST, imported: dict[str, str]) -> frozenset[str]:
    found = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            first, dot, rest = ast.unparse(call.func).partition(".")
            if first in imported:
                found.add(imported[first] + dot + rest)
            elif not dot and hasattr(builtins, first):
                found.add(first)
    return frozenset(found)


def main() -> int:
    """Read all sources and print the rows."""
    rows = []
    for folder in map(Path, sys.argv[1:]):
        for path in sorted(folder.rglob("*.py")):
            if "site-packages" in path.relative_to(folder).parts:
                continue
            try:
                rows += list(lessons(path.read_text("utf-8")))
            except (SyntaxError, ValueError, RecursionError):
                continue
    random.Random(0).shuffle(rows)
    counts: Counter[str] = Counter()
    for said, called in {said: called for said, called in rows if _SENTENCE.fullmatch(said)}.items():
        names = sorted(name for name in called if counts[name] < MOST_OF_A_NAME)
        if names and len(called) <= MOST_ANSWERS:
            counts.update(names)
            print(json.dumps({"query": said, "gold": [[name] for name in names]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
