"""Which APIs a file names, by what its imports bind; no types are needed for that."""

import re
from collections import Counter
from collections.abc import Iterable

from .outline import Import


def bindings(imports: Iterable[Import], module: str, is_package: bool) -> dict[str, str]:
    """Return the qualified name that each imported name of a file stands for."""
    bound: dict[str, str] = {}
    for each in imports:
        source = absolute_module(each, module, is_package)
        if each.name is None:
            top = source.partition(".")[0]
            bound[each.alias or top] = source if each.alias else top
        elif each.name != "*" and source:
            bound[each.alias or each.name] = f"{source}.{each.name}"
    return bound


def absolute_module(each: Import, module: str, is_package: bool) -> str:
    """Return the module that an import of the file named `module` names, without its leading dots."""
    if not each.level:
        return each.module
    package = module if is_package else module.rpartition(".")[0]
    for _ in range(each.level - 1):
        package = package.rpartition(".")[0]
    return ".".join(part for part in (package, each.module) if part)


def references(text: str, bound: dict[str, str]) -> Counter[str]:
    """Count the qualified names that a text writes: `np.array(x)` counts `numpy.array`."""
    if not bound:
        return Counter()
    names = "|".join(sorted(map(re.escape, bound), key=len, reverse=True))
    found = re.findall(rf"(?<![\w.])({names})\b((?:\.[^\W\d]\w*)*)", text)
    return Counter(bound[name] + rest for name, rest in found)
