"""What can be typed: every command and option, and nothing that would make `--help` slow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

DESCRIPTION = (
    "Local code intelligence for Python: types nobody wrote, the right API for a question, completions and "
    "APIs that do not exist, from what is on this machine. Nothing is sent anywhere."
)
EPILOG = "Exit codes: 0 done, 1 findings (check, annotate --diff), 2 wrong use or bad input, 130 interrupted."


class Parser(argparse.ArgumentParser):
    """An argument parser that reports wrong use in one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exits with code 2 on wrong use, 0 after --help."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.version:
        print(f"typewright {_version()}")
        sys.exit(0)
    if options.command is None:
        parser.print_help()
        sys.exit(0)
    return options


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="typewright", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    _index(commands)
    _types(commands)
    _annotate(commands)
    _recommend(commands)
    _complete(commands)
    _check(commands)
    _describe(commands)
    _serve(commands)
    _models(commands)
    _train(commands)
    _doctor(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def _command(commands: _Commands[Parser], name: str, summary: str, details: str = "") -> Parser:
    return commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {details}".strip()
    )


def _workspace(parser: Parser, *, models: bool = True) -> None:
    group = parser.add_argument_group("workspace")
    group.add_argument(
        "--root",
        type=Path,
        metavar="FOLDER",
        help="the project's folder (default: found from PATH by its project files)",
    )
    group.add_argument(
        "--python",
        type=Path,
        metavar="PATH",
        help="the project's interpreter or environment folder (default: .venv, VIRTUAL_ENV, conda)",
    )
    group.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="where the index lies (default: the user's cache folder)"
    )
    if models:
        group.add_argument(
            "--no-neural", action="store_true", help="no guesses by models: only what can be known"
        )
        group.add_argument(
            "--device",
            default="auto",
            metavar="NAME",
            help="where models run: auto, cpu, cuda (default: auto)",
        )


def _json(parser: Parser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=what)


def _index(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "index",
        "read a workspace and the libraries it uses into the index",
        "Only what changed is read again. The other commands do this by themselves where it is needed.",
    )
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="PATH",
        help="the workspace (default: the working directory)",
    )
    parser.add_argument(
        "--docs",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="documents to index: Markdown, reStructuredText, HTML, Sphinx inventories; may be repeated",
    )
    parser.add_argument(
        "--questions",
        action="append",
        type=Path,
        default=[],
        metavar="FILE.jsonl",
        help='solved questions, one {"query", "gold": [[NAME, ...], ...]} a line; may be repeated',
    )
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="NAME",
        help="a library to index; may be repeated (default: the standard library and what is imported)",
    )
    parser.add_argument(
        "--embed",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to embed APIs for search by meaning; the next index goes on (default: 60; 0: no time)",
    )
    _json(parser, "print the report as one JSON object")
    _workspace(parser)


def _types(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "types",
        "infer the type of every parameter, return and variable without an annotation",
        "One slot a line. Variables include attributes (self.x) and elements at literal keys (d['a']).",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
    parser.add_argument(
        "--min-confidence",
        type=_probability,
        default=0.0,
        metavar="P",
        help="leave out what is less sure (default: 0)",
    )
    _json(
        parser,
        "one JSON object a line: file, line, col, kind, function, name, type, confidence, source, evidence",
    )
    _workspace(parser)


def _annotate(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "annotate",
        "write inferred types into the code as annotations, with the imports they need",
        "Without --write nothing is changed. What the code does stays as it is: every edited file is parsed "
        "again and compared with the original, imports that could make a cycle stand under TYPE_CHECKING.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--diff",
        action="store_true",
        help="print the changes as a diff; exit code 1 where there are any (default)",
    )
    mode.add_argument("--write", action="store_true", help="write the changes, each file in one step")
    mode.add_argument("--json", action="store_true", help="print the changes, one JSON object a file")
    parser.add_argument(
        "--min-confidence",
        type=_probability,
        default=None,
        metavar="P",
        help="the least confidence of what is written (default: 0.8)",
    )
    parser.add_argument(
        "--select",
        type=_kinds,
        default=("params", "returns"),
        metavar="KINDS",
        help="what to annotate: params, returns, variables, separated by commas (default: params,returns)",
    )
    parser.add_argument(
        "--checker",
        choices=("auto", "none", "mypy", "pyright", "basedpyright", "pyrefly", "ty"),
        default="auto",
        metavar="NAME",
        help="take back annotations that bring new errors of this type checker: mypy, pyright, basedpyright, "
        "pyrefly, ty, none, or auto: those installed that the project configures, or all installed "
        "where it configures none (default: auto)",
    )
    parser.add_argument(
        "--try-import",
        action="store_true",
        help="import the annotated modules in a child process of the project's interpreter, which runs their "
        "code, and leave files as they are because of which an import would fail",
    )
    _workspace(parser)


def _recommend(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "recommend",
        "find the API that does what is asked",
        "Searches the libraries of the project's environment, the workspace and the indexed documents.",
    )
    parser.add_argument(
        "query", nargs="?", metavar="QUERY", help="a question in words, for example 'parse a date'"
    )
    parser.add_argument("--context", type=_place, metavar="FILE:LINE", help="where the API will be used")
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="NAME",
        help="look only in this library; may be repeated",
    )
    parser.add_argument("-k", type=_positive, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument(
        "--batch",
        type=Path,
        metavar="FILE.jsonl",
        help="rows {id, query, context?}; prints {id, pred, reasons, total_ms}; "
        "a bad row is told before any is answered",
    )
    _json(parser, "one JSON object a recommendation")
    _workspace(parser)


def _complete(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "complete",
        "complete code at a position, with the language model on this machine",
    )
    parser.add_argument(
        "place", nargs="?", type=_position, metavar="FILE:LINE:COL", help="the cursor, 1-based"
    )
    parser.add_argument(
        "--mode",
        choices=("exact", "dynamic"),
        default="exact",
        help="exact: as the full model; dynamic: easy tokens leave early (default: exact)",
    )
    parser.add_argument(
        "--batch",
        type=Path,
        metavar="FILE.jsonl",
        help="rows {id, prefix, suffix, path, root}; prints "
        "{id, completion, shown, confidence, first_token_ms, total_ms, tokens, layers_run}; "
        "a bad row is told before any is answered",
    )
    parser.add_argument("--model", metavar="NAME", help="a model of `typewright models list`, or a folder")
    _json(parser, "print the completion as one JSON object")
    _workspace(parser)


def _check(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "check",
        "find members, imports and keyword arguments that do not exist",
        "Only what is provably absent is reported, with the nearest real names.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
    _json(parser, "one JSON object a finding")
    _workspace(parser, models=False)


def _describe(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "describe",
        "tell what the index knows of an API: signature, documentation, examples from here",
    )
    parser.add_argument("name", metavar="NAME", help="a qualified name, for example json.dumps")
    _json(parser, "print it as one JSON object")
    _workspace(parser, models=False)


def _serve(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands, "serve", "run the language server", "On stdin and stdout, unless --tcp is given."
    )
    parser.add_argument("--tcp", type=_address, metavar="HOST:PORT", help="listen on a socket instead")


def _models(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "models",
        "list and fetch model weights",
        "Fetching is the only thing typewright does over the network.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    listing = _command(actions, "list", "list the weights that are known, and which are here")
    _json(listing, "one JSON object a line")
    pull = _command(actions, "pull", "fetch weights, resumed where it stopped, verified by their hash")
    pull.add_argument("name", metavar="NAME", help="a name of `typewright models list`")
    info = _command(actions, "info", "show size, licence, files and place of weights")
    info.add_argument("name", metavar="NAME", help="a name of `typewright models list`")
    _json(info, "print it as one JSON object")


def _train(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands, "train", "train a model on this machine", "Resumes where the last run stopped."
    )
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="type-model, exits (of a language model), beginning, python-model, corpus",
    )
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="a TOML file with the settings of the run"
    )


def _doctor(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "doctor",
        "show what was found: interpreter, libraries, weights, device, index",
        "Each line that is not OK says what mends it.",
    )
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="PATH",
        help="the workspace (default: the working directory)",
    )
    _json(parser, "one JSON object a line")
    _workspace(parser)


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [kind for kind in kinds if kind not in ("params", "returns", "variables")]
    if unknown or not kinds:
        raise argparse.ArgumentTypeError(f"{text!r} is not made of params, returns, variables")
    return kinds


def _place(text: str) -> tuple[Path, int]:
    path, _, line = text.rpartition(":")
    if not path or not line.isdecimal() or int(line) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:LINE")
    return Path(path), int(line)


def _position(text: str) -> tuple[Path, int, int]:
    rest, _, column = text.rpartition(":")
    if not rest or not column.isdecimal() or int(column) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:LINE:COL")
    try:
        path, line = _place(rest)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:LINE:COL") from None
    return path, line, int(column)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _version() -> str:
    from importlib.metadata import version

    return version("typewright")
