"""Context managers that are written as generators."""

import contextlib
import io
import tempfile


@contextlib.contextmanager
def tag(stream, name):
    stream.write(f"<{name}>")
    yield name.upper()
    stream.write(f"</{name}>")


class Session:
    def __init__(self):
        self.active = False

    @contextlib.contextmanager
    def begin(self, user):
        self.active = True
        yield self
        self.active = False


stream = io.StringIO()
with tag(stream, "b") as label:
    size = len(label)
with Session().begin("ada") as session:
    active = session.active
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/notes.txt"
    with open(path, "w") as file:
        written = file.write("one\ntwo")
    with open(path, "rb") as raw:
        data = raw.read()
    with open(path) as lines:
        for line in lines:
            text = line.strip()
with contextlib.suppress(ValueError):
    number = int("12")
