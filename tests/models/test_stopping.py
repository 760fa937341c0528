from __future__ import annotations

import pytest
from typewright.models.protocol import Stop
from typewright.models.stopping import End


def completed(stop: Stop, prefix: str, generated: str, suffix: str = "") -> str | None:
    """What is left of `generated`, given character by character as tokens come; None where it never ends."""
    end = End(stop, prefix, suffix)
    for length in range(len(generated) + 1):
        found = end.find(generated[:length])
        if found is not None:
            return generated[:found]
    return None


@pytest.mark.parametrize(
    ("stop", "prefix", "generated", "suffix", "expected"),
    [
        ("line", "x = ", "f(1)\ny = 2", "", "f(1)"),
        ("line", "x = ", "f(1", "", None),
        ("line", "x = f(", "1,\n  2)", "", "1,"),
        ("line", "x = f(", "g(1))\n", ")", "g(1)"),
        ("line", "x = f(a[", "0])\n", "])", "0"),
        ("line", "x = f(", "']')\n", ")", "']'"),
        ("line", "x = f(", "a) + (b)\n", "]", "a) + (b)"),
        ("line", "x = f(", "a)\n", "\ny = 1", "a)"),
        ("line", "x = f('", "a(')\n", ")", "a('"),
        ("statement", "x = ", "f(\n    1,\n)\ny = 2\n", "", "f(\n    1,\n)"),
        ("statement", "x = f(", "\n    1,\n)\ny\n", "", "\n    1,\n)"),
        ("statement", "x = ", "'''a\n(b'''\ny\n", "", "'''a\n(b'''"),
        ("statement", "x = ", "a + \\\n    b\ny\n", "", "a + \\\n    b"),
        ("statement", "x = ", "f(  # :)\n  1)\n2\n", "", "f(  # :)\n  1)"),
        ("statement", "def f():\n    ", "\n    return 1\n", "", "\n    return 1"),
        ("statement", '"""It (so.\n"""\nx = ', "1\ny", "", "1"),
        ("block", "def f():\n    ", "a = 1\n\n    return a\n\n\ndef g(", "", "a = 1\n\n    return a"),
        ("block", "def f():\n    ", "a = [\n0\n]\n    return a\nx", "", "a = [\n0\n]\n    return a"),
        (
            "block",
            "    if a",
            ":\n        b\n    else:\n        c\n    d = 1",
            "",
            ":\n        b\n    else:\n        c",
        ),
        ("block", "\tif a:\n\t\t", "b\n\tc", "", "b"),
        ("block", "x = 1\n", "y = 2\n\n\nz = 3", "", "y = 2"),
        ("block", "class A:\n    def f(self):\n        ", "pass\n\n    def g(self):\n", "", "pass"),
        ("block", "def f():\n    ", "pass\n        ", "", None),
    ],
)
def test_ends(stop: Stop, prefix: str, generated: str, suffix: str, expected: str | None) -> None:
    assert completed(stop, prefix, generated, suffix) == expected


def test_what_is_open_is_found_in_a_long_prefix() -> None:
    prefix = "x = '(((('  # ]\n" * 5000 + "def f(a):\n    return g(\n        a,\n"
    assert completed("statement", prefix, "        b,\n    )\nc\n") == "        b,\n    )"


def test_unfinished_code_in_front_does_not_matter() -> None:
    assert completed("statement", "x = ((((\n\n\ndef f():\n    y = ", "1\n    return y\n") == "1"
