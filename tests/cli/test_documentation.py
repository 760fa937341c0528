"""docs/cli.md is what the help says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other Pythons lay the help out differently")
def test_the_command_line_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(DOCS / "generate_cli.py"), "--check"], check=False)
    assert done.returncode == 0, "run python docs/generate_cli.py"
