"""What a module imports, as features that all of its slots share: which libraries and types are in sight.

`module:json` stands for a module that is bound, `import:json` for one that names are imported from, and
`from:pathlib.Path` for a name. What only annotations use is marked `only:`, so that it can be told from what
the code itself speaks of: where nobody has annotated, it is not there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .visible_types import outside_annotations

_MAXIMUM_FEATURES = 96
ONLY = "only:"


def module_features(tree: ast.Module) -> tuple[str, ...]:
    """The features of a module's imports, in the order of the text."""
    nodes = list(outside_annotations(tree))
    spoken = {node.id for node in nodes if isinstance(node, ast.Name)}
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    imports.sort(key=lambda node: (node.lineno, node.col_offset))
    features = dict.fromkeys(feature for node in imports for feature in _features(node, spoken))
    return tuple(features)[:_MAXIMUM_FEATURES]


def _features(node: ast.Import | ast.ImportFrom, spoken: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            mark = "" if bound in spoken else ONLY
            yield f"{mark}module:{alias.name}"
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        used = (alias.asname or alias.name) in spoken or node.module == "__future__"
        mark = "" if used else ONLY
        if not node.level:
            yield f"{mark}import:{module}"
        yield f"{mark}from:{module if not node.level else ''}.{alias.name}"
