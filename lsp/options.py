"""What an editor may configure, under the section `typewright`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from typewright.assist.session import Settings

logger = logging.getLogger(__name__)

SECTION: Final = "typewright"


@dataclass(frozen=True, slots=True)
class Options:
    """The options and their defaults; in JSON the names are written in camelCase."""

    interpreter: str = ""  # the interpreter or environment folder of the project; '' = discovered
    device: str = "auto"
    language_model: str = ""  # a name of the catalogue or a folder; '' = the catalogue's default
    neural: bool = True  # False = only what can be known, no guesses
    minimum_confidence: float = 0.5
    hints: bool = True
    parameter_hints: bool = True
    return_hints: bool = True
    variable_hints: bool = True
    ghost_text: bool = True
    diagnostics: bool = True
    index_libraries: bool = True  # read the installed libraries that the workspace uses, in the background
    documents: tuple[str, ...] = ()  # folders and files of documentation to index, relative to the root

    def updated(self, values: object) -> Options:
        """Return these options with `values` put over them: a JSON object, or one with it as our section.

        A value of the wrong type keeps the old one and is logged; names that are unknown are ignored.
        """
        if isinstance(values, Mapping) and isinstance(values.get(SECTION), Mapping):
            values = values[SECTION]
        if not isinstance(values, Mapping):
            return self
        changes: dict[str, Any] = {}
        for field in fields(self):
            if (value := values.get(_camel_case(field.name))) is None:
                continue
            old = getattr(self, field.name)
            if (
                isinstance(old, tuple)
                and isinstance(value, list)
                and all(isinstance(item, str) for item in value)
            ):
                changes[field.name] = tuple(value)
            elif isinstance(old, float) and type(value) in (int, float) and 0 <= value <= 1:
                changes[field.name] = float(value)
            elif isinstance(old, bool | str) and type(value) is type(old):
                changes[field.name] = value
            else:
                logger.warning("%s.%s cannot be %r", SECTION, _camel_case(field.name), value)
        return replace(self, **changes)

    def session_settings(self) -> Settings:
        """Return the part that a session is opened with."""
        return Settings(
            python=Path(self.interpreter).expanduser() if self.interpreter else None,
            device=self.device,
            language_model=self.language_model or None,
            minimum_confidence=self.minimum_confidence,
            neural=self.neural,
        )


def _are_strings(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
