"""What is kept elsewhere."""


class Remote:
    port = 22

    def __init__(self, host):
        self.host = host

    def address(self):
        return self.host, self.port

    def close(self):
        return None
