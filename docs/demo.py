"""Typewright's main job on a real package: index, annotate, recommend, complete, check.

Sets up a small project with its own environment under build/demo (the `requests` package, which has no
annotations, and its libraries), then runs the command line as a user would. `--svg FILE` draws the same run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "demo-requirements.txt"
PROJECT = HERE.parent / "build" / "demo"
SCRIPT = '''\
"""Fetch a page and keep what it says."""
import json
import os

import requests


def fetch(url):
    response = requests.get(url, timeout=10)
    return json.parse(response.text)


def save(folder, data):
    os.makedir(folder)
    with open(os.path.join(folder, "data.json"), "w") as file:
        file.'''


def set_up() -> None:
    """Make a project: the package's source, a script of ours, and an environment with the libraries."""
    environment = PROJECT / ".venv"
    site = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    if not (site / "requests").exists():
        venv.create(environment, with_pip=False, clear=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(environment / "bin" / "python"),
            "install",
            "--quiet",
        ]
        subprocess.run([*pip, "--no-deps", "-r", str(REQUIREMENTS)], check=True)
    package = PROJECT / "requests"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(site / "requests", package, ignore=shutil.ignore_patterns("__pycache__"))
    (PROJECT / "script.py").write_text(SCRIPT, encoding="utf-8")


def steps() -> list[tuple[str, list[str], int, int | None]]:
    """What is shown, the command, its exit code, and how many lines of its output are enough."""
    lines = SCRIPT.splitlines()
    cursor = f"script.py:{len(lines)}:{len(lines[-1]) + 1}"
    return [
        ("Index the package and the libraries it uses", ["index", ".", "--embed", "100"], 0, None),
        (
            "Annotate it: types from the flow of values first, learned ones where that is open",
            ["annotate", "requests", "--diff", "--checker", "none"],
            1,
            44,
        ),
        (
            "Write the annotations (by default, the type checkers of a project have the last word)",
            ["annotate", "requests", "--write", "--checker", "none"],
            0,
            None,
        ),
        (
            "Ask which API does a thing",
            ["recommend", "send a POST request with a JSON body", "-k", "5"],
            0,
            None,
        ),
        ("Complete code with a model on this machine", ["complete", cursor], 0, None),
        ("Find APIs that do not exist", ["check", "script.py"], 1, None),
        ("See what was found, and where things are cached", ["doctor"], 0, None),
    ]


def main() -> int:
    """Run the demo; the exit code says whether every command did its job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svg", type=Path, help="draw the run into FILE")
    options = parser.parse_args()
    set_up()
    transcript = []
    failed = False
    for title, arguments, expected, shown in steps():
        heading = (
            f"\n# {title}\n$ typewright {' '.join(repr(word) if ' ' in word else word for word in arguments)}"
        )
        print(heading, flush=True)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("typewright")), *arguments],
            cwd=PROJECT,
            env={**os.environ, "COLUMNS": "110"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # as a terminal shows them: summaries and notices go to stderr
            text=True,
            check=False,
        )
        output = done.stdout.rstrip().splitlines()
        rest = len(output) - shown if shown else 0
        body = output[:shown] + ([f"… and {rest} more lines"] if rest > 0 else [])
        print("\n".join(body), flush=True)
        transcript += [heading, *body]
        if done.returncode != expected or not output:
            print(f"exit code {done.returncode} where {expected} was expected", flush=True)
            failed = True
    if options.svg:
        text = "\n".join(transcript).replace(str(PROJECT), "~/demo")
        text = text.replace(str(HERE.parent), "~/typewright").replace(str(Path.home()), "~")
        draw(text, options.svg)
    return int(failed)


def draw(text: str, path: Path) -> None:
    """Draw `text` as a terminal picture."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=112, file=nowhere)
        for line in text.strip().splitlines():
            style = {"#": "bold cyan", "$": "bold", "+": "green", "-": "red"}.get(line[:1], "")
            console.print(Text(line, style=style))
        # The picture stands by itself: no font is fetched.
        drawn = console.export_svg(title="Typewright")
        picture = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    path.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
