"""The peers, each asked in the way that gives the most types; offline, from an environment of their own."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from language_client import LanguageClient
from slots import Slot, asked_files, slots
from tools import ROOT, Answer, Answers, Tool, answers_from_rows, run
from type_text import ANY, as_annotated, parse

PINS = Path(__file__).with_name("peers.txt")
FOLDER = ROOT / ".cache" / "peers"
BIN = FOLDER / "bin"


def install() -> None:
    """Make the peers' environment, once for each list of versions."""
    stamp = FOLDER / "installed"
    wanted = hashlib.sha256(PINS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing the peers", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    subprocess.run([str(BIN / "python"), "-m", "pip", "install", "--quiet", "-r", str(PINS)], check=True)
    stamp.write_text(wanted)


def pinned(package: str) -> str:
    """The version of a peer, and of how it is asked."""
    found = re.search(rf"^{package}==(\S+)", PINS.read_text(), flags=re.MULTILINE)
    asking = ("peers.py", "peer_jedi.py", "language_client.py", "slots.py")
    content = b"".join(PINS.with_name(name).read_bytes() for name in asking)
    return f"{found[1] if found else '?'}-{hashlib.sha256(content).hexdigest()[:8]}"


def copy_of(folder: Path, scratch: Path) -> Path:
    """A copy for tools that write into what they read."""
    target = scratch / "copy"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    return target


def open_slots(folder: Path) -> Iterator[tuple[Path, str, list[Slot]]]:
    """Each file with its text and its slots without an annotation."""
    for path in asked_files(folder):
        text = path.read_text(encoding="utf-8")
        found = slots(text, path.relative_to(folder).as_posix())
        yield path, text, [slot for slot in found if not slot.annotation]


@dataclass(frozen=True)
class Jedi:
    """`Script.infer` at every slot; for a return, what a call of the function gives."""

    name: str = "Jedi"

    def version(self) -> str:
        """As pinned."""
        return pinned("jedi")

    def types(self, folder: Path, scratch: Path) -> Answers:  # noqa: ARG002
        """Runs in Jedi's environment."""
        output = run([BIN / "python", Path(__file__).with_name("peer_jedi.py"), folder], folder)
        return answers_from_rows(map(json.loads, output.splitlines()))


@dataclass(frozen=True)
class Server:
    """A language server: hover at every slot, its inlay hint where hover says nothing."""

    name: str
    package: str
    command: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def version(self) -> str:
        """As pinned."""
        return pinned(self.package)

    def types(self, folder: Path, scratch: Path) -> Answers:
        """One server for the folder, one file open at a time."""
        folder = copy_of(folder, scratch)
        for name, text in self.files.items():
            (folder / name).write_text(text)
        client = LanguageClient([str(BIN / self.command[0]), *self.command[1:]], folder, self.settings)
        answers: Answers = {}
        try:
            for path, text, wanted in open_slots(folder):
                client.open(path, text)
                for slot, said in zip(wanted, _ask(client, path, text, wanted), strict=True):
                    if said:
                        answers[slot.place] = Answer(said)
                client.tell("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
        finally:
            client.close()
        return answers


def _ask(client: LanguageClient, path: Path, text: str, wanted: Sequence[Slot]) -> Iterator[str]:
    document = {"textDocument": {"uri": path.as_uri()}}
    lines = text.split("\n")
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
    hints = {}
    for hint in client.ask([("textDocument/inlayHint", {**document, "range": whole})])[0] or ():
        label = hint["label"]
        said = label if isinstance(label, str) else "".join(part["value"] for part in label)
        hints[hint["position"]["line"], hint["position"]["character"]] = said.strip()
    places = [_positions(slot, lines) for slot in wanted]
    hovers = client.ask([("textDocument/hover", {**document, "position": at}) for at, _ in places])
    for slot, (_, end), hover in zip(wanted, places, hovers, strict=True):
        said = _from_hover(hover, slot) if not slot.name.endswith("]") else ""
        if not said or parse(said) == ANY:
            said = _from_hints(hints, slot, end)
        yield as_annotated(said, stars=slot.stars, asynchronous=slot.asynchronous)


def _positions(slot: Slot, lines: Sequence[str]) -> tuple[dict[str, int], tuple[int, int]]:
    """Where to hover (an attribute's last name), and where the name ends; columns in UTF-16 units."""
    line = lines[slot.place.line - 1]
    start = slot.place.column - 1
    begin = start
    if slot.place.kind == "variable" and "." in slot.name and line.startswith(slot.name, start):
        begin += slot.name.rindex(".") + 1
    units = [len(line[:at].encode("utf-16-le")) // 2 for at in (begin, start + len(slot.name))]
    return {"line": slot.place.line - 1, "character": units[0]}, (slot.place.line - 1, units[1])


def _from_hover(hover: Any, slot: Slot) -> str:  # noqa: ANN401
    contents = (hover or {}).get("contents") or ""
    text = contents if isinstance(contents, str) else contents.get("value", "")
    fenced = re.search(r"```\w*\n(.*?)\n```", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", fenced[1] if fenced else text.partition("\n---")[0]).strip()
    kind = re.match(r"\((\w+)\) ", text)
    text = text[kind.end() :] if kind else text
    if slot.place.kind == "return":
        return _returned(text)
    if kind and kind[1] in {"type", "class"}:
        name = re.match(r"\w+ = ([\w.]+)$", text) or re.match(r"(\w+)$", text)
        return f"type[{name[1]}]" if name else ""
    if kind and not text.startswith("def "):
        return text.partition(": ")[2]
    return text


def _returned(text: str) -> str:
    """What follows the arrow of a signature, whose parameters may have arrows as well."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "[({") - (character in "])}")
        if depth == 0 and text.startswith("->", position):
            return text[position + 2 :].strip().removesuffix(": ...")
    return ""


def _from_hints(hints: Mapping[tuple[int, int], str], slot: Slot, end: tuple[int, int]) -> str:
    if slot.place.kind != "return":
        said = hints.get(end, "")
        return said[1:].strip() if said.startswith(":") and said != ": TypeAlias" else ""
    after = [said for (line, column), said in hints.items() if line == end[0] and column > end[1]]
    return next((said[2:].strip() for said in after if said.startswith("->")), "")


@dataclass(frozen=True)
class Rewriter:
    """A tool that writes annotations into files: they are read back, slot by slot."""

    name: str
    package: str
    rewrite: Callable[[Path], None]

    def version(self) -> str:
        """As pinned."""
        return pinned(self.package)

    def types(self, folder: Path, scratch: Path) -> Answers:
        """What is annotated afterwards and was not before."""
        target = copy_of(folder, scratch)
        self.rewrite(target)
        answers: Answers = {}
        for path, _, wanted in open_slots(folder):
            relative = path.relative_to(folder)
            try:
                written = slots((target / relative).read_text(encoding="utf-8"), relative.as_posix())
            except SyntaxError:
                continue
            for slot, said in _paired(wanted, written):
                answers[slot.place] = Answer(said)
        return answers


def _paired(before: Sequence[Slot], after: Sequence[Slot]) -> Iterator[tuple[Slot, str]]:
    """Slots with the annotation that they have got: the n-th of a name is the n-th afterwards."""
    by_identity = defaultdict(list)
    for slot in after:
        by_identity[slot.identity].append(slot)
    seen: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for slot in before:
        same = by_identity[slot.identity]
        number = seen[slot.identity]
        seen[slot.identity] += 1
        if number < len(same) and same[number].annotation:
            yield slot, same[number].annotation


def _pyrefly_infer(folder: Path) -> None:
    (folder / "pyrefly.toml").write_text('project-includes = ["**/*.py"]\n')
    run([BIN / "pyrefly", "infer"], folder)


def _autotyping(folder: Path) -> None:
    run([BIN / "python", "-m", "autotyping", "--aggressive", "."], folder)


def _infer_types(folder: Path) -> None:
    run([BIN / "python", "-m", "infer_types", "."], folder)


@dataclass(frozen=True)
class HiTyper:
    """`hityper infer` without a model: its static part."""

    name: str = "HiTyper"

    def version(self) -> str:
        """As pinned."""
        return pinned("hityper")

    def types(self, folder: Path, scratch: Path) -> Answers:
        """Types by scope and name; a variable has one type in its scope."""
        output = scratch / "hityper"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        run([BIN / "hityper", "infer", "-p", folder.resolve(), "-d", output], folder)
        said: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for path in output.glob("*_INFERREDTYPES.json"):
            said |= json.loads(path.read_text(encoding="utf-8"))
        for path in output.glob("._INFERREDTYPES.json"):
            said |= json.loads(path.read_text(encoding="utf-8"))
        answers: Answers = {}
        for path, _, wanted in open_slots(folder):
            scopes = said.get(str(path.resolve()), {})
            for slot in wanted:
                found = _hityper_type(scopes, slot)
                if found:
                    answers[slot.place] = Answer(found)
        return answers


def _hityper_type(scopes: Mapping[str, Sequence[Mapping[str, Any]]], slot: Slot) -> str:
    parts = slot.function.split(".") if slot.function else []
    if not parts:
        scope = "global@global"
    else:
        owner = parts[-2] if len(parts) > 1 and f"{parts[-1]}@{parts[-2]}" in scopes else "global"
        scope = f"{parts[-1]}@{owner}"
    category = {"param": "arg", "return": "return", "variable": "local"}[slot.place.kind]
    name = slot.name.removeprefix("self.")
    for row in scopes.get(scope, ()):
        if row["category"] == category and row["name"] == name:
            return " | ".join(row["type"])
    return ""


BASEDPYRIGHT = {
    "basedpyright": {
        "analysis": {
            "diagnosticMode": "openFilesOnly",
            "inlayHints": {
                "variableTypes": True,
                "functionReturnTypes": True,
                "genericTypes": True,
                "callArgumentNames": False,
            },
        }
    }
}
PEERS: tuple[Tool, ...] = (
    Jedi(),
    Server("basedpyright", "basedpyright", ("basedpyright-langserver", "--stdio"), BASEDPYRIGHT),
    # An empty configuration file makes it infer the returns of functions without annotations.
    Server("pyrefly lsp", "pyrefly", ("pyrefly", "lsp"), files={"pyrefly.toml": ""}),
    Server("ty", "ty", ("ty", "server")),
    Rewriter("pyrefly infer", "pyrefly", _pyrefly_infer),
    HiTyper(),
    Rewriter("infer-types", "infer-types", _infer_types),
    Rewriter("autotyping", "autotyping", _autotyping),
)
