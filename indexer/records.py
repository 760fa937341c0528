"""What is known of APIs, as plain data."""

from dataclasses import dataclass
from pathlib import Path

from .documents import Section

STANDARD_LIBRARY = "python"
"""The distribution name of the standard library's records; their version is Python's."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. `kind` is as `inspect` words it; `default` is None where there is none."""

    name: str
    kind: str
    annotation: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Api:
    """Something public that can be imported, or a member of such a thing.

    `name` is the qualified name that people write (`pandas.DataFrame.groupby`; builtins without module);
    `aliases` are the other names under which it can be imported. `signature` has one line an overload.
    `inherited` names the member that an inherited one is in the public class that defines it. `popularity`
    counts the calls in the workspace, `uses` those in the sources of the installed libraries.
    """

    name: str
    kind: str
    signature: str
    parameters: tuple[Parameter, ...]
    returns: str
    summary: str
    documentation: str
    aliases: tuple[str, ...]
    distribution: str
    version: str
    path: Path | None
    line: int
    deprecated: str = ""
    popularity: int = 0
    inherited: str = ""
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result: an API or a section. `matched` are the words of the question found in it."""

    api: Api | None
    section: Section | None
    score: float
    matched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code that uses an API, and where it stands."""

    code: str
    path: Path
    line: int
