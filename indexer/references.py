"""Which APIs a file names, by what its imports bind; no types are needed for that."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from .outline import Import

_DOTTED = re.compile(r"(\.?[^\W\d]\w*(?:\.[^\W\d]\w*)*)(\(?)")


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


def bound_names(imports: Iterable[Import], module: str, is_package: bool) -> Iterator[tuple[str, str, str]]:
    """Yield (name, module, symbol) of each import of a file; the symbol is '' where a module is imported."""
    for each in imports:
        source = absolute_module(each, module, is_package)
        if source and each.name != "*":
            yield each.alias or each.name or source.partition(".")[0], source, each.name or ""


def absolute_module(each: Import, module: str, is_package: bool) -> str:
    """Return the module that an import of the file named `module` names, without its leading dots."""
    if not each.level:
        return each.module
    package = module if is_package else module.rpartition(".")[0]
    for _ in range(each.level - 1):
        package = package.rpartition(".")[0]
    return ".".join(part for part in (package, each.module) if part)


def dotted_names(text: str) -> Counter[tuple[str, str]]:
    """Count the dotted names that stand in a text, each with "(" where it is called.

    Comments and strings are read as well. A name that goes on after an expression starts with a dot:
    `a.b().c` gives (`a.b`, `(`) and (`.c`, ``).
    """
    return Counter(_DOTTED.findall(text))


def identifiers(dotted: Iterable[tuple[str, str]]) -> set[str]:
    """Return the identifiers in dotted names."""
    return {part for name, _ in dotted for part in name.split(".") if part}


def references(dotted: Counter[tuple[str, str]], bound: dict[str, str]) -> Counter[str]:
    """Count the qualified names that a text writes: `np.array(x)` counts `numpy.array`.

    What is called on anything else counts by its name alone: `x.append(1)` counts `.append`.
    """
    found: Counter[str] = Counter()
    for (name, call), count in dotted.items():
        top, dot, rest = name.partition(".")
        if top in bound:
            found[bound[top] + dot + rest] += count
        elif dot and call:
            found["." + rest.rpartition(".")[2]] += count
    return found


def reexports(imports: Iterable[Import], package: str) -> Iterator[tuple[str, str]]:
    """Yield (name in the package, what it means) of what a package imports from itself; `*` means all."""
    top = package.partition(".")[0]
    for each in imports:
        source = absolute_module(each, package, is_package=True)
        if each.name is not None and source.partition(".")[0] == top:
            yield f"{package}.{each.alias or each.name}", f"{source}.{each.name}"
