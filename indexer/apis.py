"""Tables of APIs and sections with full-text search (SQLite FTS5, BM25), for both kinds of database."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from .cancellation import NEVER, CancelToken
from .docstrings import code_examples
from .documents import Section
from .records import Api, Example, Hit, Parameter
from .store import Database
from .words import match_expression, parts, query_words, stem, stems, words

__all__ = ["SCHEMA", "Api", "ApiTables", "Example", "Hit", "Parameter", "Section"]

SCHEMA: Final = """
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
CREATE TABLE sections (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    line INTEGER NOT NULL, anchor TEXT NOT NULL, code TEXT NOT NULL, names TEXT NOT NULL, digest TEXT
);
CREATE INDEX sections_by_path ON sections (path);
CREATE INDEX sections_by_digest ON sections (digest);
CREATE TABLE mentions (
    name TEXT NOT NULL, section INTEGER NOT NULL REFERENCES sections ON DELETE CASCADE
);
CREATE INDEX mentions_by_name ON mentions (name);
CREATE INDEX mentions_by_section ON mentions (section);
CREATE TABLE library_calls (
    name TEXT NOT NULL, library INTEGER NOT NULL REFERENCES libraries ON DELETE CASCADE,
    count INTEGER NOT NULL
);
CREATE INDEX library_calls_by_name ON library_calls (name);
CREATE INDEX library_calls_by_library ON library_calls (library);
CREATE TABLE vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE api_words USING fts5 (
    name, owner, summary, text, tokenize = 'porter unicode61', detail = column
);
CREATE VIRTUAL TABLE section_words USING fts5 (title, text, tokenize = 'porter unicode61', detail = column);
CREATE TRIGGER api_gone AFTER DELETE ON apis BEGIN
    DELETE FROM api_words WHERE rowid = old.id;
END;
CREATE TRIGGER section_gone AFTER DELETE ON sections BEGIN
    DELETE FROM section_words WHERE rowid = old.id;
END;
"""

_BATCH: Final = 500
_WORDS_CAP: Final = 2_000  # characters of a documentation that are searched
# Characters that are embedded: what an API does stands at the start, and time grows with the length.
_EMBEDDED_CAP: Final = 200
_WEIGHTS: Final = "8.0, 3.0, 4.0, 1.0"  # of name, owner, summary and text in BM25
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

    def libraries(self) -> Mapping[str, str]:
        """Return the version of each library that is wholly stored, by distribution."""
        return dict(self._database.read("SELECT distribution, version FROM libraries WHERE complete"))

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
        remaining = iter(apis)
        while batch := list(islice(remaining, _BATCH)):
            cancel.check()
            with self._database.transaction() as connection:
                for api in batch:
                    _insert_api(connection, library, api)
            count += len(batch)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM libraries WHERE distribution = ? AND id <> ?", (distribution, library)
            )
            connection.executemany(
                "INSERT INTO library_calls VALUES (?, ?, ?)",
                ((name, library, count) for name, count in (uses or {}).items()),
            )
            connection.execute(
                "UPDATE libraries SET complete = 1, skipped = ? WHERE id = ?",
                (json.dumps(list(skipped)), library),
            )
        return count

    def remove_library(self, distribution: str) -> None:
        """Forget a library, for one that is no longer installed."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM libraries WHERE distribution = ?", (distribution,))

    def replace_document(self, path: Path, sections: Sequence[Section]) -> None:
        """Store the sections of a document in the place of its former ones; none removes it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sections WHERE path = ?", (str(path),))
            for section in sections:
                _insert_section(connection, section)

    def documents(self) -> tuple[Path, ...]:
        """Return the documents that have sections here."""
        return tuple(Path(path) for (path,) in self._database.read("SELECT DISTINCT path FROM sections"))

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

    def search(self, question: str, limit: int, libraries: Sequence[str] = ()) -> Sequence[Hit]:
        """Return the APIs and sections whose words fit a question, best first (BM25). No input raises.

        `libraries` are distributions or top-level modules and leave only their APIs.
        """
        terms = query_words(question)
        expression = match_expression(terms)
        if not expression or limit <= 0:
            return []
        condition, values = _within(libraries)
        rows = self._database.read(
            f"SELECT rank, {_COLUMNS} FROM"  # only those that are left are looked up whole
            f" (SELECT apis.id AS found, bm25(api_words, {_WEIGHTS}) AS rank FROM api_words"
            " JOIN apis ON apis.id = api_words.rowid"
            " JOIN libraries ON libraries.id = apis.library AND libraries.complete"
            f" WHERE api_words MATCH ? {condition} ORDER BY rank LIMIT ?)"
            " JOIN apis ON apis.id = found JOIN libraries ON libraries.id = apis.library ORDER BY rank",
            (expression, *values, limit),
        )
        hits = [self._hit(self._api(row[1:]), None, -row[0], terms) for row in rows]
        if not libraries:
            rows = self._database.read(
                "SELECT bm25(section_words, 3.0, 1.0) AS rank, sections.title, sections.text, path, line,"
                " anchor, code, names FROM section_words JOIN sections ON sections.id = section_words.rowid"
                " WHERE section_words MATCH ? ORDER BY rank LIMIT ?",
                (expression, limit),
            )
            hits += [self._hit(None, _section(row[1:]), -row[0], terms) for row in rows]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    def examples(self, name: str, limit: int) -> Sequence[Example]:
        """Return examples of an API from documents, then from its own documentation."""
        last = name.rpartition(".")[2]
        rows = self._database.read(
            "SELECT code, path, line FROM sections JOIN mentions ON mentions.section = sections.id"
            " WHERE mentions.name IN (?, ?) ORDER BY mentions.name = ? DESC LIMIT ?",
            (name, last, name, 4 * limit),
        )
        found = [
            Example(code, Path(path), line)
            for codes, path, line in rows
            for code in json.loads(codes)
            if last in code
        ]
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
        return [(digest, self._embedded_text(kind, number)) for digest, number, kind in rows]

    def embedded(self) -> tuple[int, int]:
        """Return how many of the texts that an embedding is wanted for have one, and how many there are."""
        ((texts,),) = self._database.read(
            "SELECT count(*) FROM (SELECT digest FROM apis UNION SELECT digest FROM sections)"
            " WHERE digest IS NOT NULL"
        )
        ((vectors,),) = self._database.read("SELECT count(*) FROM vectors")
        return min(vectors, texts), texts

    def put_vectors(self, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Store embeddings by the digest of their text; they outlive an upgrade that leaves it as it was."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", vectors)

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

    def row_hits(self, scores: Sequence[tuple[int, float]]) -> Sequence[Hit]:
        """Return hits for (row, score), rows as `vector_keys` numbers them; those that are gone drop out."""
        apis = self._rows(f"SELECT {_COLUMNS} {_FROM} AND apis.id", [row for row, _ in scores if row > 0])
        sections = self._rows(
            "SELECT id, title, text, path, line, anchor, code, names FROM sections WHERE id",
            [-1 - row for row, _ in scores if row <= 0],
        )
        hits = []
        for row, score in scores:
            if row > 0 and row in apis:
                hits.append(self._hit(self._api(apis[row]), None, score, ()))
            elif row <= 0 and -1 - row in sections:
                hits.append(self._hit(None, _section(sections[-1 - row][1:]), score, ()))
        return hits

    def _rows(self, query: str, numbers: Sequence[int]) -> Mapping[int, Sequence[Any]]:
        """Return the rows of a query that ends with an id, by their first column."""
        found = self._database.read(f"{query} IN (SELECT value FROM json_each(?))", (json.dumps(numbers),))
        return {row[0]: row for row in found}

    def _hit(self, api: Api | None, section: Section | None, score: float, terms: Sequence[str]) -> Hit:
        said = f"{api.name} {api.summary}" if api else ""
        said = f"{section.title} {section.text[:_WORDS_CAP]}" if section else said
        known = stems(said) if terms else frozenset()
        return Hit(api, section, score, tuple(term for term in terms if stem(term) in known))

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

    def _embedded_text(self, kind: str, number: int) -> str:
        if kind == "section":
            ((title, text),) = self._database.read("SELECT title, text FROM sections WHERE id = ?", (number,))
            return section_text(title, text)
        ((name, documentation),) = self._database.read(
            "SELECT name, documentation FROM apis WHERE id = ?", (number,)
        )
        return api_text(name, documentation)


def api_text(name: str, documentation: str) -> str:
    """Return what stands for an API in an embedding: its name in words, and how its documentation starts."""
    owner, _, last = name.rpartition(".")
    start = " ".join(documentation[:_EMBEDDED_CAP].split())
    return f"{' '.join(parts(last)) or last}: {start} ({owner.replace('.', ' ')})"


def section_text(title: str, text: str) -> str:
    """Return what stands for a section in an embedding."""
    return f"{title}: {' '.join(text[:_EMBEDDED_CAP].split())}"


def _insert_api(connection: sqlite3.Connection, library: int | None, api: Api) -> None:
    searched = not api.inherited and bool(api.documentation or api.kind != "attribute")
    digest = _digest(api_text(api.name, api.documentation)) if searched and api.documentation else None
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
            digest,
        ),
    ).lastrowid
    connection.executemany("INSERT INTO aliases VALUES (?, ?)", ((alias, number) for alias in api.aliases))
    if searched:
        owner, _, last = api.name.rpartition(".")
        texts = (last, owner, api.summary, api.documentation[:_WORDS_CAP])
        connection.execute(
            "INSERT INTO api_words (rowid, name, owner, summary, text) VALUES (?, ?, ?, ?, ?)",
            (number, *(" ".join(words(text)) for text in texts)),
        )


def _insert_section(connection: sqlite3.Connection, section: Section) -> None:
    number = connection.execute(
        "INSERT INTO sections (path, title, text, line, anchor, code, names, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            str(section.path),
            section.title,
            section.text,
            section.line,
            section.anchor,
            json.dumps(section.code, ensure_ascii=False),
            json.dumps(section.names, ensure_ascii=False),
            _digest(section_text(section.title, section.text)) if section.text else None,
        ),
    ).lastrowid
    connection.execute(
        "INSERT INTO section_words (rowid, title, text) VALUES (?, ?, ?)",
        (number, " ".join(words(section.title)), " ".join(words(section.text))),
    )
    names = {name for mentioned in section.names for name in (mentioned, mentioned.rpartition(".")[2])}
    connection.executemany("INSERT INTO mentions VALUES (?, ?)", ((name, number) for name in sorted(names)))


def _section(row: Sequence[Any]) -> Section:
    title, text, path, line, anchor, code, names = row
    return Section(title, text, Path(path), line, anchor, tuple(json.loads(code)), tuple(json.loads(names)))


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


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
