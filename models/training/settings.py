"""Configurations of trainings: TOML files whose paths are relative to them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from typewright.indexer.errors import TypewrightError

Config = TypeVar("Config")


def read_settings(path: Path, make: Callable[[dict[str, Any]], Config], folders: Sequence[str]) -> Config:
    """Return what `make` makes of the settings in `path`, those named in `folders` as paths.

    Raises `TypewrightError` where the file cannot be read or is not as it must be.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in folders:
            if name in data:
                data[name] = path.parent / Path(data[name]).expanduser()
        return make(data)
    except OSError as error:
        raise TypewrightError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise TypewrightError(f"the configuration {path} is not as it must be: {error}") from error
