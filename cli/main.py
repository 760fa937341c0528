"""The command line: parses arguments and calls `assist`."""


def main() -> int:
    """Run `typewright` and return its exit code."""
    return 2
