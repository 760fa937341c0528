"""How editors ask: the language server."""
