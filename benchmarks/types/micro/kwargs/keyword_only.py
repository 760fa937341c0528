"""Arguments that must be named."""


def connect(host, /, port=80, *, timeout=None, secure=False):
    scheme = "https" if secure else "http"
    wait = timeout or 1.0
    return f"{scheme}://{host}", port + int(wait)


def create(*, name, size=(1, 1)):
    return {"name": name, "size": size}


url, port = connect("localhost", timeout=2.5)
address = connect("example.org", 443, secure=True)
window = create(name="main", size=(3, 4))
title = window["name"]
