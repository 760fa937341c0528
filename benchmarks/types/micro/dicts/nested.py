"""Configuration in layers."""

config = {
    "server": {"host": "localhost", "port": 8080},
    "tags": ["web", "prod"],
}
server = config["server"]
host = config["server"]["host"]
port = config["server"]["port"]
tag = config["tags"][0]
grid = {"a": {"x": 1}, "b": {"x": 2}}
cell = grid["b"]["x"]
for row in grid.values():
    for column, number in row.items():
        text = column * number
