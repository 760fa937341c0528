"""An engine."""

VERSION = (1, 2)
