"""Tables of APIs and document sections, for both kinds of database; `search.py` searches them."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from .cancellation import NEVER, CancelToken
from .docstrings import code_examples
from .documents import Section
from .embedded_texts import api_text, digest, section_text
from .marks import SCHEMA as MARKS_SCHEMA
from .marks import VECTORS, WORDS, change
from .records import Api, Example, Hit, Parameter
from .section_tables import SCHEMA as SECTIONS_SCHEMA
from .section_tables import SectionTables
from .store import Database
from .word_table import Part, is_searched
from .words import stem, stems

__all__ = ["SCHEMA", "Api", "ApiTables", "Example", "Hit", "Parameter", "Section"]

SCHEMA: Final = (
    """
CREATE TABLE libraries (
    id INTEGER PRIMARY KEY, distribution TEXT NOT NULL, version TEXT NOT NULL,
    complete INTEGER NOT NULL, skipped TEXT NOT NULL
);
CREATE TABLE apis (
    id INTEGER PRIMARY KEY,
    library INTEGER NOT NULL REFERENCES libraries ON DELETE CASCADE,
    name TEXT NOT NULL, kind TEXT NOT NULL, signature TEXT NOT NULL, parameters TEXT NOT NULL,
    returns TEXT NOT NULL, summary TEXT NOT NULL, documentation TEXT NOT NULL,
    path TEXT, line INTEGER NOT NULL,
    deprecated TEXT NOT NULL, inherited TEXT NOT NULL, last TEXT NOT NULL, digest TEXT
);
CREATE INDEX apis_by_name ON apis (name);
CREATE INDEX apis_by_last ON apis (last);
CREATE INDEX apis_by_library ON apis (library);
CREATE INDEX apis_by_digest ON apis (digest);
CREATE TABLE aliases (
    alias TEXT NOT NULL, api INTEGER NOT NULL REFERENCES apis ON DELETE CASCADE
);
CREATE INDEX aliases_by_name ON aliases (alias);
CREATE INDEX aliases_by_api ON aliases (api);
CREATE TABLE library_calls (
    name TEXT NOT NULL, library INTEGER NOT NULL REFERENCES libraries ON DELETE CASCADE,
    count INTEGER NOT NULL
);
CREATE INDEX library_calls_by_name ON library_calls (name);
CREATE INDEX library_calls_by_library ON library_calls (library);
CREATE TABLE vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE parts (
    library INTEGER PRIMARY KEY REFERENCES libraries ON DELETE CASCADE, block BLOB NOT NULL
);
"""
    + SECTIONS_SCHEMA
    + MARKS_SCHEMA
)

_BATCH: Final = 500
_MATCHED_CAP: Final = 2_000  # characters of a section in which the words of a question are looked for
# How a method is called says its name, not its class.
_CALLS: Final = (
    "(SELECT coalesce(sum(count), 0) FROM library_calls AS calls WHERE calls.name ="
    " CASE WHEN kind IN ('method', 'property', 'attribute') THEN '.' || last ELSE apis.name END)"
)
_COLUMNS: Final = (
    "apis.id, apis.name, kind, signature, parameters, returns, apis.summary, documentation, path, line,"
    " deprecated, inherited, distribution, version,"
    " (SELECT group_concat(alias, char(10)) FROM aliases WHERE api = apis.id),"
    f" {_CALLS}"
)
_FROM: Final = "FROM apis JOIN libraries ON libraries.id = apis.library AND libraries.complete"


class ApiTables:
    """The APIs and document sections of one database that was made with `SCHEMA`; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self.sections: Final = SectionTables(database)

    def libraries(self) -> Mapping[str, str]:
        """Return the version of each library that is wholly stored, by distribution."""
        return dict(self._database.read("SELECT distribution, version FROM libraries WHERE complete"))

    def size(self) -> int:
        """Return how many APIs the libraries have that are wholly stored."""
        ((count,),) = self._database.read(f"SELECT count(*) {_FROM}")
        return int(count)

    def skipped(self, distribution: str) -> tuple[tuple[str, str], ...]:
        """Return what could not be read of a library: (module, reason)."""
        rows = self._database.read(
            "SELECT skipped FROM libraries WHERE complete AND distribution = ?", (distribution,)
        )
        return tuple((name, reason) for name, reason in json.loads(rows[0][0])) if rows else ()

    def replace_library(
        self,
        distribution: str,
        version: str,
        apis: Iterable[Api],
        skipped: Sequence[tuple[str, str]] = (),
        *,
        uses: Mapping[str, int] | None = None,
        cancel: CancelToken = NEVER,
    ) -> int:
        """Store a library in the place of what was stored of its distribution; return the number of APIs.

        `uses` counts the calls in the library's own sources. `apis` may be an iterator that reads as it goes
        and adds to `skipped` and `uses`; what is written meanwhile is seen by nobody until the library is
        complete. Raises `StorageError`, `Cancelled`.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM libraries WHERE distribution = ? AND NOT complete", (distribution,)
            )
            library = connection.execute(
                "INSERT INTO libraries (distribution, version, complete, skipped) VALUES (?, ?, 0, '[]')",
                (distribution, version),
            ).lastrowid
        count = 0
        part = Part()
        remaining = iter(apis)
        while batch := list(islice(remaining, _BATCH)):
            cancel.check()
            with self._database.transaction() as connection:
                for api in batch:
                    number = _insert_api(connection, library, api)
                    if is_searched(api):
                        part.add(number, api)
            count += len(batch)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM libraries WHERE distribution = ? AND id <> ?", (distribution, library)
            )
            connection.executemany(
                "INSERT INTO library_calls VALUES (?, ?, ?)",
                ((name, library, count) for name, count in (uses or {}).items()),
            )
            connection.execute("INSERT INTO parts VALUES (?, ?)", (library, part.packed()))
            connection.execute(
                "UPDATE libraries SET complete = 1, skipped = ? WHERE id = ?",
                (json.dumps(list(skipped)), library),
            )
            change(connection, WORDS, VECTORS)
        return count

    def remove_library(self, distribution: str) -> None:
        """Forget a library, for one that is no longer installed."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM libraries WHERE distribution = ?", (distribution,))
            change(connection, WORDS, VECTORS)

    def find(self, name: str) -> Api | None:
        """Return the API of a qualified name: its own, an alias, or a member of an alias of its class."""
        name = name.removeprefix("builtins.")
        rows = self._database.read(f"SELECT {_COLUMNS} {_FROM} WHERE apis.name = ?", (name,))
        if not rows:
            rows = self._database.read(
                f"SELECT {_COLUMNS} {_FROM} JOIN aliases ON aliases.api = apis.id WHERE alias = ?", (name,)
            )
        if rows:
            return self._api(rows[0])
        owner, _, member = name.rpartition(".")
        if not owner:
            return None
        found = self._database.read(
            "SELECT name FROM apis JOIN aliases ON aliases.api = apis.id WHERE alias = ? AND kind = 'class'",
            (owner,),
        )
        return self.find(f"{found[0][0]}.{member}") if found else None

    def canonical(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the names of the APIs that some names mean, those that are found; see `find`."""
        given = {name.removeprefix("builtins."): name for name in names}
        found = self._existing(given)
        members = [name.rpartition(".") for name in given if name not in found and "." in name]
        owners = self._existing({owner for owner, _, _ in members}, "AND kind = 'class'")
        moved = {
            f"{owner}.{last}": f"{owners[owner]}.{last}" for owner, _, last in members if owner in owners
        }
        there = self._existing(set(moved.values()))
        found |= {name: there[target] for name, target in moved.items() if target in there}
        return {given[name]: meant for name, meant in found.items()}

    def _existing(self, names: Iterable[str], condition: str = "") -> dict[str, str]:
        """Return the names of the APIs that have one of some names, or an alias of it."""
        given = json.dumps(list(names))
        within = "IN (SELECT value FROM json_each(?))"
        aliases = self._database.read(
            f"SELECT alias, apis.name {_FROM} {condition} JOIN aliases ON api = apis.id WHERE alias {within}",
            (given,),
        )
        own = self._database.read(
            f"SELECT apis.name, apis.name {_FROM} {condition} WHERE apis.name {within}", (given,)
        )
        return dict([*aliases, *own])

    def named(self, name: str, limit: int) -> Sequence[Api]:
        """Return the APIs whose last component, or an alias's, is `name`; the fewest components first."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} {_FROM} WHERE apis.id IN"
            " (SELECT id FROM apis WHERE last = ?1 UNION"
            " SELECT api FROM aliases WHERE substr(alias, -length(?1) - 1) = '.' || ?1)"
            " AND inherited = '' ORDER BY length(apis.name) - length(replace(apis.name, '.', '')), apis.name"
            " LIMIT ?2",
            (name, limit),
        )
        return [self._api(row) for row in rows]

    def mark(self, what: str) -> str:
        """Return what changes whenever `WORDS` or `VECTORS` do, in whatever process; '' for none at all."""
        found = self._database.read("SELECT mark FROM marks WHERE what = ?", (what,))
        return str(found[0][0]) if found else ""

    def parts(self) -> Sequence[bytes]:
        """Return the part of the word table of each library."""
        return [
            block
            for (block,) in self._database.read(
                "SELECT block FROM parts JOIN libraries ON libraries.id = library AND complete"
                " ORDER BY library"
            )
        ]

    def calls(self) -> Mapping[str, int]:
        """Return how often the libraries call what, by `calls_name`."""
        return dict(self._database.read("SELECT name, sum(count) FROM library_calls GROUP BY name"))

    def examples(self, name: str, limit: int) -> Sequence[Example]:
        """Return examples of an API from documents, then from its own documentation."""
        found = [*self.sections.examples(name, limit)]
        api = self.find(name)
        if api is not None and api.path is not None:
            found += [Example(code, api.path, api.line) for code in code_examples(api.documentation)]
        return list(dict.fromkeys(found))[:limit]

    def without_vector(self, limit: int) -> Sequence[tuple[str, str]]:
        """Return (digest, text) of what is not embedded yet, sections and the most called APIs first."""
        rows = self._database.read(
            "SELECT digest, min(id), sort FROM"
            f" (SELECT digest, id, 'api' AS sort, {_CALLS} AS calls FROM apis"
            " UNION ALL SELECT digest, id, 'section', 1e9 FROM sections)"
            " WHERE digest IS NOT NULL AND digest NOT IN (SELECT digest FROM vectors)"
            " GROUP BY digest, sort ORDER BY max(calls) DESC LIMIT ?",
            (limit,),
        )
        return [(key, self._text_of(kind, number)) for key, number, kind in rows]

    def put_vectors(self, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Store embeddings by the digest of their text; they outlive an upgrade that leaves it as it was."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", vectors)
            change(connection, VECTORS)

    def vector_keys(self) -> Sequence[tuple[int, str]]:
        """Return (row, digest) of what is embedded: an API's row number, below -1 a section's."""
        return self._database.read(
            f"SELECT apis.id, digest {_FROM} WHERE digest IN (SELECT digest FROM vectors) UNION ALL"
            " SELECT -1 - id, digest FROM sections WHERE digest IN (SELECT digest FROM vectors) ORDER BY 1"
        )

    def vectors(self, digests: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Return the stored embeddings of some digests."""
        remaining = iter(digests)
        while batch := list(islice(remaining, _BATCH)):
            marks = ", ".join("?" * len(batch))
            yield from self._database.read(
                f"SELECT digest, vector FROM vectors WHERE digest IN ({marks})", batch
            )

    def rows_of(self, libraries: Sequence[str]) -> Sequence[int]:
        """Return the row numbers of the APIs of some distributions or top-level modules."""
        condition, values = _within(libraries)
        return [row[0] for row in self._database.read(f"SELECT apis.id {_FROM} WHERE 1 {condition}", values)]

    def row_hits(self, scores: Sequence[tuple[int, float]], terms: Sequence[str] = ()) -> Sequence[Hit]:
        """Return hits for (row, score), rows as `vector_keys` numbers them; those that are gone drop out.

        `terms` are the words of the question.
        """
        apis = self._rows(f"SELECT {_COLUMNS} {_FROM} AND apis.id", [row for row, _ in scores if row > 0])
        sections = self.sections.by_row(row for row, _ in scores if row <= 0)
        hits = []
        for row, score in scores:
            if row in apis:
                hits.append(_hit(self._api(apis[row]), None, score, terms))
            elif row in sections:
                hits.append(_hit(None, sections[row], score, terms))
        return hits

    def _rows(self, query: str, numbers: Sequence[int]) -> Mapping[int, Sequence[Any]]:
        """Return the rows of a query that ends with an id, by their first column."""
        found = self._database.read(f"{query} IN (SELECT value FROM json_each(?))", (json.dumps(numbers),))
        return {row[0]: row for row in found}

    def _api(self, row: Sequence[Any]) -> Api:
        _, name, kind, signature, parameters, returns, summary, documentation, path, line, *rest = row
        deprecated, inherited, distribution, version, aliases, uses = rest
        if inherited and not documentation:  # stored once, with the class that defines it
            texts = self._database.read(f"SELECT documentation {_FROM} WHERE name = ?", (inherited,))
            documentation = texts[0][0] if texts else ""
        return Api(
            name,
            kind,
            signature,
            tuple(Parameter(*parameter) for parameter in json.loads(parameters)),
            returns,
            summary,
            documentation,
            tuple(aliases.split("\n")) if aliases else (),
            distribution,
            version,
            Path(path) if path else None,
            line,
            deprecated,
            0,
            inherited,
            uses,
        )

    def _text_of(self, kind: str, number: int) -> str:
        if kind == "section":
            section = self.sections.by_row([-1 - number])[-1 - number]
            return section_text(section.title, section.text)
        ((name, documentation),) = self._database.read(
            "SELECT name, documentation FROM apis WHERE id = ?", (number,)
        )
        return api_text(name, documentation)


def _hit(api: Api | None, section: Section | None, score: float, terms: Sequence[str]) -> Hit:
    said = f"{api.name} {api.summary}" if api else ""
    said = f"{section.title} {section.text[:_MATCHED_CAP]}" if section else said
    known = stems(said) if terms else frozenset()
    return Hit(api, section, score, tuple(term for term in terms if stem(term) in known))


def _insert_api(connection: sqlite3.Connection, library: int | None, api: Api) -> int:
    embedded = is_searched(api) and bool(api.documentation)
    key = digest(api_text(api.name, api.documentation)) if embedded else None
    parameters = [[p.name, p.kind, p.annotation, p.default, p.description] for p in api.parameters]
    number = connection.execute(
        "INSERT INTO apis (library, name, kind, signature, parameters, returns, summary, documentation, path,"
        " line, deprecated, inherited, last, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            library,
            api.name,
            api.kind,
            api.signature,
            json.dumps(parameters, ensure_ascii=False),
            api.returns,
            api.summary,
            "" if api.inherited else api.documentation,
            str(api.path) if api.path else None,
            api.line,
            api.deprecated,
            api.inherited,
            api.name.rpartition(".")[2],
            key,
        ),
    ).lastrowid
    connection.executemany("INSERT INTO aliases VALUES (?, ?)", ((alias, number) for alias in api.aliases))
    return number or 0


def _within(libraries: Sequence[str]) -> tuple[str, list[str]]:
    """An SQL condition that leaves the APIs of some distributions or top-level modules."""
    clauses, values = [], []
    for library in libraries:
        clauses.append("replace(lower(distribution), '_', '-') = ? OR apis.name = ?")
        clauses.append("apis.name LIKE ? ESCAPE '\\'")
        values += [library.lower().replace("_", "-"), library, _escaped(library) + ".%"]
    return f"AND ({' OR '.join(clauses)})" if clauses else "", values


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
