"""What is known of APIs."""

from dataclasses import dataclass
from pathlib import Path


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
    `inherited` names the public class that defines an inherited member.
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
