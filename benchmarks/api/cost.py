"""What it costs to index libraries: time, memory and bytes, cold and after one of them is upgraded.

    python benchmarks/api/cost.py --environment ENV [--libraries NAME ...] [--upgraded NAME] [--vectors N]

The standard library comes with those that are named. An upgrade is one of its stored version: what is stored
of `--upgraded` is replaced by nothing of another version, so that it, and nothing else, is read again.
`--vectors` embeds that many texts, where the weights are, and says how many a second there were.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from recommend import indexed
from typewright.assist.recommend import embed
from typewright.assist.session import Session
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError


def main() -> int:
    """Index twice and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--libraries", nargs="*", default=["numpy", "pandas", "scikit-learn"])
    parser.add_argument("--upgraded", default="numpy")
    parser.add_argument("--vectors", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with indexed(options.environment, options.libraries, Path(folder)) as session:
            print(f"{'':<18}{'read':>6}{'APIs':>9}{'searched':>10}{'s':>7}{'MiB peak':>10}{'bytes/API':>11}")
            tables = session.snapshot().searches()[1].tables
            show("cold", session, len(tables.libraries()), time.perf_counter() - started)
            tables.replace_library(options.upgraded, "0", ())
            started = time.perf_counter()
            report = session.index.add_libraries(options.libraries)
            show(f"{options.upgraded} upgraded", session, len(report.read), time.perf_counter() - started)
            started = time.perf_counter()
            session.index.add_libraries(options.libraries)
            show("nothing changed", session, 0, time.perf_counter() - started)
            if options.vectors:
                show_vectors(session, options.vectors)
    return 0


def show(title: str, session: Session, read: int, seconds: float) -> None:
    """Print a row; the words of all APIs are joined first, as the next question would."""
    started = time.perf_counter()
    search = session.snapshot().searches()[1]
    searched = len(search.scan({}).rows)
    seconds += time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = sum(file.stat().st_size for file in session.index.folders[1].rglob("*") if file.is_file())
    apis = search.tables.size()
    print(f"{title:<18}{read:>6}{apis:>9,}{searched:>10,}{seconds:>7.1f}{peak:>10.0f}{used / apis:>11,.0f}")


def show_vectors(session: Session, wanted: int) -> None:
    """Embed at least so many texts and print how many there were a second."""
    token = CancelToken()
    started = time.perf_counter()

    def progress(_: str, reached: int, total: int) -> None:
        if reached >= wanted:
            token.cancel()
            print(f"vectors: {reached / (time.perf_counter() - started):,.0f} a second, {total:,} wanted")

    try:
        session.inference.embed(["warm"])
        started = time.perf_counter()
        embed(session, progress=progress, cancel=token)
    except Cancelled:
        pass
    except TypewrightError as error:
        print(f"vectors: not measured: {error}")


if __name__ == "__main__":
    sys.exit(main())
