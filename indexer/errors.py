"""Errors a user can cause: each message is one sentence, shown as it is (exit code 2)."""


class TypewrightError(Exception):
    """Something the user can understand and mend; `str(error)` is the whole message."""


class UnreadableSource(TypewrightError):  # noqa: N818 - read as a state of the file
    """A file that cannot be read as Python source: missing, too large, binary or not decodable."""


class StorageError(TypewrightError):
    """The index could not be written (full disk, lost permission); what was stored before is intact."""


class Cancelled(Exception):  # noqa: N818 - a request that was withdrawn is no error
    """The request was withdrawn or its deadline passed; raised by `CancelToken.check`."""
