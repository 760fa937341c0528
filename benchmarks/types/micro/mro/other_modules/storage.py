"""What is kept here."""


class Local:
    def __init__(self, path):
        self.path = path

    def size(self):
        return len(self.path)

    def close(self):
        return True
