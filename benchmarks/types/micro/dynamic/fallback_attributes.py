"""A proxy that answers for any name."""


class Settings:
    def __init__(self, values):
        self.values = values

    def __getattr__(self, name):
        return self.values[name]


class Loader:
    factory = Settings

    def load(self):
        return self.factory({"depth": 3})


settings = Settings({"width": 80})
width = settings.width
values = settings.values
depth = Loader().load().depth
