"""Tables of document sections with full-text search (SQLite FTS5, BM25).

A section's row number is negative, so that sections and APIs can be in one list of vectors.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .documents import Section
from .embedded_texts import digest, section_text
from .marks import VECTORS, change
from .records import Example
from .store import Database
from .words import match_expression, query_words, words

SCHEMA: Final = """
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
CREATE VIRTUAL TABLE section_words USING fts5 (title, text, tokenize = 'porter unicode61', detail = column);
CREATE TRIGGER section_gone AFTER DELETE ON sections BEGIN
    DELETE FROM section_words WHERE rowid = old.id;
END;
"""


class SectionTables:
    """The document sections of one database that was made with `SCHEMA`; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    def replace(self, path: Path, sections: Sequence[Section]) -> None:
        """Store the sections of a document in the place of its former ones; none removes it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sections WHERE path = ?", (str(path),))
            for section in sections:
                _insert_section(connection, section)
            change(connection, VECTORS)

    def documents(self) -> tuple[Path, ...]:
        """Return the documents that have sections here."""
        return tuple(Path(path) for (path,) in self._database.read("SELECT DISTINCT path FROM sections"))

    def names(self) -> Sequence[tuple[int, tuple[str, ...]]]:
        """Return (row, names) of the sections that name anything."""
        rows = self._database.read("SELECT -1 - id, names FROM sections WHERE names <> '[]'")
        return [(row, tuple(json.loads(names))) for row, names in rows]

    def search(self, question: str, limit: int) -> Sequence[tuple[int, float]]:
        """Return (row, score) of the sections whose words fit a question, best first. No input raises."""
        expression = match_expression(query_words(question))
        if not expression or limit <= 0:
            return []
        return self._database.read(
            "SELECT -1 - rowid, -bm25(section_words, 3.0, 1.0) AS score FROM section_words"
            " WHERE section_words MATCH ? ORDER BY score DESC LIMIT ?",
            (expression, limit),
        )

    def by_row(self, rows: Iterable[int]) -> Mapping[int, Section]:
        """Return the sections of some rows, those that are there."""
        found = self._database.read(
            "SELECT -1 - id, title, text, path, line, anchor, code, names FROM sections"
            " WHERE -1 - id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
        return {row: _section(values) for row, *values in found}

    def examples(self, name: str, limit: int) -> Sequence[Example]:
        """Return examples of an API, those that name it in full first."""
        last = name.rpartition(".")[2]
        rows = self._database.read(
            "SELECT code, path, line FROM sections JOIN mentions ON mentions.section = sections.id"
            " WHERE mentions.name IN (?, ?) ORDER BY mentions.name = ? DESC LIMIT ?",
            (name, last, name, 4 * limit),
        )
        return [
            Example(code, Path(path), line)
            for codes, path, line in rows
            for code in json.loads(codes)
            if last in code
        ]


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
            digest(section_text(section.title, section.text)) if section.text or section.names else None,
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
