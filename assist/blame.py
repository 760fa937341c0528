"""Which annotations a checker's error may come from, the likeliest first."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from typewright.assist.checkers import CheckerError
from typewright.assist.placement import Function, Key, Placement, Site
from typewright.indexer.syntax import Syntax, parse

Item = tuple[Path, Key]  # an annotation
Placed = Mapping[Path, tuple[str, frozenset[Key]]]  # file -> its text now, the sites annotated in it

_WORD = re.compile(r"[^\W\d]\w*")
_QUOTED = re.compile(r"\"([^\"]+)\"|`([^`]+)`|'([^']+)'")
_NUMBER = re.compile(r"\bArgument (\d+)\b")
ARGUMENT_CODES = frozenset({"arg-type", "reportArgumentType", "invalid-argument-type", "bad-argument-type"})
_IMPORT_CYCLE = "reportImportCycles"
RETURN_CODES = frozenset(
    """
    return-value return reportReturnType bad-return invalid-return-type invalid-explicit-return
    invalid-implicit-return
    """.split()  # noqa: SIM905
)


class Blame:
    """The annotations of many files, and which of them an error points at."""

    def __init__(self, placed: Placed) -> None:
        self._placed = {path: found for path, found in placed.items() if found[1]}
        self._files: dict[Path, tuple[Syntax, list[Site]]] = {}
        self._texts: dict[Item, str] = {}
        self._none: defaultdict[str, list[Item]] | None = None
        self._by_function: defaultdict[str, list[Item]] = defaultdict(list)
        for path, (_, keys) in self._placed.items():
            for key in sorted(keys):
                for name in set(key[1].split(".")[-2:]):
                    self._by_function[name].append((path, key))

    def circles(self, path: Path, error: CheckerError, *, surfaced: bool) -> Iterator[list[Item]]:
        """Yield the annotations that may bring an error, in ever wider circles: the likeliest first.

        `surfaced` says that the error was there before, in a body that the checker did not look into.
        """
        seen: set[Item] = set()
        for step in self._steps(path, error, surfaced=surfaced):
            if circle := [item for item in dict.fromkeys(step) if item not in seen]:
                seen.update(circle)
                yield circle

    def suspects(self, path: Path, error: CheckerError, *, surfaced: bool) -> list[Item]:
        """Return the annotations to take back for an error: the likeliest group of those that there are."""
        return next(self.circles(path, error, surfaced=surfaced), [])

    def _steps(self, path: Path, error: CheckerError, *, surfaced: bool) -> Iterator[list[Item]]:
        if error.code == _IMPORT_CYCLE:
            yield self._importing(error.message)
        syntax, sites = self._sites(path)
        message = error.message
        named, types = _quoted_words(message), quoted(message)
        none, types = "None" in types, types - {"None"}
        line = syntax.lines[error.line - 1] if syntax and error.line <= len(syntax.lines) else ""
        used = set(_WORD.findall(line))
        called = _called(syntax, error.line) if syntax else set()
        inside = _innermost(sites, error.line)
        if surfaced:
            yield _items(path, inside)
        if error.code in ARGUMENT_CODES:
            yield self._saying(types, self._parameters(message, named))
            yield self._saying(types, self._parameters(message, called))
        if error.code in RETURN_CODES:
            yield _items(path, [site for site in inside if site.kind == "return"])
        yield _items(path, _narrowed([site for site in sites if _at(site, error.line)], message))
        if none:
            yield self._setting_none(named | used)
        near = [site for site in inside if site.kind == "param" and site.key[2] in used]
        yield _items(path, [site for site in near if _words(_annotation(site)) & named] or near)
        results = [item for item in self._named(called | named) if item[1][0] == "return"]
        yield self._saying(types, results)
        yield self._spelling({text for text in types if "|" in text or "[" in text})
        yield _items(path, inside)
        yield self._named(used | named)
        yield _items(path, sites)
        yield [(other, key) for other, (_, keys) in self._placed.items() for key in sorted(keys)]

    def _sites(self, path: Path) -> tuple[Syntax | None, list[Site]]:
        """The text of a file and the annotated sites in it, found when they are first asked for."""
        if path not in self._placed:
            return None, []
        if path not in self._files:
            text, keys = self._placed[path]
            syntax = parse(text)
            found = [site for site in Placement(syntax).by_key.values() if site.key in keys]
            self._files[path] = syntax, found
            self._texts.update(((path, site.key), _annotation(site)) for site in found)
        return self._files[path]

    def _importing(self, message: str) -> list[Item]:
        """The annotations that need the imports of which a chain of imports is made."""
        chain = [Path(line.strip()) for line in message.splitlines()[1:]]
        modules = {_module_name(link) for link in chain}
        found = []
        for path in self._placed:
            if any(link.parts[-2:] == path.parts[-2:] for link in chain):
                syntax, sites = self._sites(path)
                names = _imported_from(syntax, modules - {_module_name(path)}) if syntax else set()
                found += [(path, site.key) for site in sites if _words(_annotation(site)) & names]
        return found

    def _spelling(self, types: set[str]) -> list[Item]:
        """The annotations anywhere that say one of these types, which cannot come from just anywhere."""
        if not types:
            return []
        for path in self._placed:
            self._sites(path)
        return [item for item, text in self._texts.items() if text in types]

    def _saying(self, types: set[str], items: list[Item]) -> list[Item]:
        """Return those of the items that say a type which the message quotes, all where none does."""
        for path, _ in items:
            self._sites(path)
        return [item for item in items if self._texts.get(item) in types] or items

    def _named(self, words: Iterable[str]) -> list[Item]:
        return [item for word in sorted(words) for item in self._by_function.get(word, ())]

    def _parameters(self, message: str, functions: set[str]) -> list[Item]:
        """The parameters of the functions that an error about an argument is about."""
        items = [item for item in self._named(functions) if item[1][0] == "param"]
        own = [item for item in items if item[1][1].rpartition(".")[2] in functions]
        own = own or [item for item in items if item[1][1].endswith(".__init__")]
        in_class = [item for item in own if functions & set(item[1][1].split(".")[:-1])]
        found = in_class or own
        words = _quoted_words(message)
        named = [item for item in found if item[1][2] in words]
        if named:
            return named
        if number := _NUMBER.search(message):
            return [item for item in found if self._position(item) == int(number[1])] or found
        return found

    def _setting_none(self, words: set[str]) -> list[Item]:
        """The annotations of methods that begin an attribute with None: once annotated, it stays None."""
        if self._none is None:
            self._none = defaultdict(list)
            for path in self._placed:
                for site in self._sites(path)[1]:
                    if site.kind != "variable" and site.function is not None:
                        for name in _begun_with_none(site.function):
                            self._none[name].append((path, site.key))
        return [item for word in sorted(words) for item in self._none.get(word, ())]

    def _position(self, item: Item) -> int:
        path, key = item
        for site in self._sites(path)[1]:
            if site.key == key and site.function is not None:
                return _position(site.function, key[2])
        return 0


def _position(function: Function, name: str) -> int:
    """Return the number of a parameter as callers count, 0 for none."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if names and names[0] in ("self", "cls"):
        names = names[1:]
    return names.index(name) + 1 if name in names else 0


def _innermost(sites: Iterable[Site], line: int) -> list[Site]:
    """The sites of the innermost annotated function around a line."""
    around = [site for site in sites if site.function is not None and _encloses(site.function, line)]
    first = max((site.function.lineno for site in around if site.function), default=0)
    return [site for site in around if site.function and site.function.lineno == first]


def _encloses(function: Function, line: int) -> bool:
    return function.lineno <= line <= (function.end_lineno or 0)


def _at(site: Site, line: int) -> bool:
    """Whether an error on this line is about the site: it stands there, or its signature begins there."""
    begins = site.kind != "variable" and site.function is not None and site.function.lineno == line
    return begins or site.line == line


def _narrowed(sites: list[Site], message: str) -> list[Site]:
    """Those of the sites of a signature that a message is about."""
    if re.search(r"\b[Rr]eturn type\b", message):
        return [site for site in sites if site.kind == "return"] or sites
    words = _quoted_words(message)
    named = [site for site in sites if site.kind == "param" and site.key[2] in words]
    if named:
        return named
    if number := _NUMBER.search(message):
        numbered = [s for s in sites if s.function and _position(s.function, s.key[2]) == int(number[1])]
        return [site for site in numbered if site.kind == "param"] or sites
    return sites


def _called(syntax: Syntax, line: int) -> set[str]:
    """The names of the functions that are called in an expression which covers the line."""
    found = set()
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or 0):
            if isinstance(node.func, ast.Name):
                found.add(node.func.id)
            elif isinstance(node.func, ast.Attribute):
                found.add(node.func.attr)
    return found


def _module_name(path: Path) -> str:
    """Return the last part of a module's name."""
    return path.parent.name if path.stem == "__init__" else path.stem


def _imported_from(syntax: Syntax, modules: set[str]) -> set[str]:
    """The names that a file imports from modules of these last names, or such modules themselves."""
    found = set()
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.ImportFrom):
            inside = (node.module or "").rpartition(".")[2] in modules
            found |= {alias.asname or alias.name for alias in node.names if inside or alias.name in modules}
        elif isinstance(node, ast.Import):
            names = (alias for alias in node.names if alias.name.rpartition(".")[2] in modules)
            found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
    return found


def _begun_with_none(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            yield from (target.attr for target in node.targets if isinstance(target, ast.Attribute))


def _annotation(site: Site) -> str:
    """Return the annotation that stands at a site."""
    if isinstance(site.node, ast.Assign):
        return ""
    written = site.node.returns if isinstance(site.node, Function) else site.node.annotation
    if isinstance(written, ast.Constant) and isinstance(written.value, str):
        return written.value
    return ast.unparse(written) if written is not None else ""


def _items(path: Path, sites: Iterable[Site]) -> list[Item]:
    return [(path, site.key) for site in sites]


def quoted(message: str) -> set[str]:
    """Return what a message puts in quotes: types and names."""
    return {"".join(match.groups("")) for match in _QUOTED.finditer(message)}


def _quoted_words(message: str) -> set[str]:
    return {word for part in quoted(message) for word in _words(part)}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))
