"""What Jedi infers, run by the peers' interpreter: peer_jedi.py FOLDER; JSON lines on stdout."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jedi
from slots import Slot, asked_files, slots
from type_text import as_annotated


def hint(name: Any) -> str:  # noqa: ANN401
    """A value as a type."""
    if name.type == "class":
        return f"type[{name.name}]"
    if name.type in {"function", "method"}:
        return "Callable"
    if name.type == "module":
        return "ModuleType"
    try:
        said = name.get_type_hint()
    except Exception:  # noqa: BLE001  (a hint with parts that are unknown raises TypeError and others)
        said = ""
    return str(said or name.name)


def ask(script: Any, slot: Slot, lines: list[str]) -> str:  # noqa: ANN401
    """The types of one slot, joined."""
    column = slot.place.column - 1
    if slot.place.kind == "variable" and "." in slot.name:
        if not lines[slot.place.line - 1].startswith(slot.name, column):
            return ""
        column += slot.name.rindex(".") + 1
    names = script.infer(slot.place.line, column)
    if slot.place.kind == "return":
        names = [result for name in names for result in name.execute()]
    return as_annotated(" | ".join(dict.fromkeys(hint(name) for name in names)), stars=slot.stars)


def main() -> None:
    """Every slot of every file."""
    folder = Path(sys.argv[1]).resolve()
    project = jedi.Project(folder, environment_path=os.environ["VIRTUAL_ENV"])
    for path in asked_files(folder):
        text = path.read_text(encoding="utf-8")
        script = jedi.Script(text, path=path, project=project)
        for slot in slots(text, path.relative_to(folder).as_posix()):
            if slot.annotation or slot.name.endswith("]"):
                continue
            try:
                said = ask(script, slot, text.split("\n"))
            except Exception:  # noqa: BLE001  (Jedi raises whatever it stumbles over)
                continue
            if said:
                place = slot.place
                row = {"file": place.file, "line": place.line, "col": place.column, "kind": place.kind}
                sys.stdout.write(json.dumps({**row, "type": said}) + "\n")


if __name__ == "__main__":
    sys.setrecursionlimit(3000)
    main()
