"""A class with a parent from each of two modules."""

import storage
from network import Remote


class Backup(storage.Local, Remote):
    def __init__(self, path, host):
        storage.Local.__init__(self, path)
        Remote.__init__(self, host)

    def size(self):
        return super().size() * 2


backup = Backup("/data", "example.org")
size = backup.size()
path = backup.path
address = backup.address()
closed = backup.close()
