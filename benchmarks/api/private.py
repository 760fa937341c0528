"""How often a library that no model has seen gives the right name among the first 20: BM25 beside Typewright.

    python benchmarks/api/private.py FOLDER

FOLDER has one package of stubs and `tasks.jsonl`: {"id", "query", "gold"} a line, `gold` groups of last
names; tasks without any are left out. The package is indexed as a workspace, as a team's own code would be,
and embedded; a task counts as answered at k when the last name of one of the first k APIs is in a group. All
methods search that package alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from recommend import CUTS, by_all, by_meaning, by_words, rank, read, share
from typewright.assist.recommend import embed
from typewright.assist.session import Session, Settings


def main() -> int:
    """Index the stubs, ask for every task, print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    tasks = [task for task in read(options.folder / "tasks.jsonl") if task["gold"]]
    (package,) = (file.parent for file in options.folder.glob("*/__init__.py*"))
    with tempfile.TemporaryDirectory() as folder:
        root, library = Path(folder, "work"), package.name.removesuffix("_stubs").removesuffix("-stubs")
        shutil.copytree(package, root / library)
        with Session(root, settings=Settings(cache=Path(folder, "cache"))) as session:
            print(session.refresh(), file=sys.stderr)
            print(embed(session), file=sys.stderr)
            print(f"{len(tasks)} tasks on {library}")
            print(f"{'method':<14}" + "".join(f"{f'top {cut}':>8}" for cut in CUTS))
            for name, method in {"BM25": by_words, "MiniLM": by_meaning, "Typewright": by_all}.items():
                ranks = []
                for task in tasks:
                    found = method(session, str(task["query"]), [library])
                    ranks.append(rank(task, [each.rpartition(".")[2] for each in found]))
                print(f"{name:<14}" + "".join(f"{share(ranks, cut):>8.1%}" for cut in CUTS), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
