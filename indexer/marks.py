"""Marks in a database that change whenever what they stand for does, in whatever process."""

import sqlite3
from typing import Final

SCHEMA: Final = "CREATE TABLE marks (what TEXT PRIMARY KEY, mark TEXT NOT NULL);\n"
WORDS: Final = "words"
VECTORS: Final = "vectors"


def change(connection: sqlite3.Connection, *what: str) -> None:
    """Give new marks, as part of the transaction that changes what they stand for."""
    connection.executemany(
        "INSERT OR REPLACE INTO marks VALUES (?, lower(hex(randomblob(8))))", [(each,) for each in what]
    )
