"""Signatures out of griffe's functions: as one writes them, and parameter by parameter."""

from typing import TYPE_CHECKING

from .docstrings import Docstring
from .records import Parameter

if TYPE_CHECKING:
    import griffe

OVERLOAD_CAP = 12  # lines of a signature


def read_callable(
    function: "griffe.Function",
    source: "griffe.Object | None",
    docstring: Docstring,
    *,
    drop_first: bool,
    returns: bool = True,
) -> tuple[str, tuple[Parameter, ...], str]:
    """Return the signature (one line an overload), the parameters (of the longest overload), the result.

    `source` is the function as the source beside a stub has it, for the defaults that a stub leaves out.
    """
    variants = function.overloads or [function]
    drop = drop_first and "staticmethod" not in function.labels
    kept = [_kept(variant, drop) for variant in variants]
    lines = [
        _signature(function.name, parameters, written(variant.returns) if returns else "")
        for variant, parameters in zip(variants, kept, strict=True)
    ]
    longest = max([_kept(function, drop), *kept], key=len)
    originals = getattr(source, "parameters", ())
    defaults = {each.name: written(each.default) for each in originals if each.default}
    parameters = tuple(
        Parameter(
            parameter.name,
            parameter.kind.value if parameter.kind else "",
            written(parameter.annotation),
            _default(parameter, defaults),
            docstring.parameters.get(parameter.name, ""),
        )
        for parameter in longest
    )
    result = " | ".join(dict.fromkeys(filter(None, (written(variant.returns) for variant in variants))))
    return "\n".join(list(dict.fromkeys(lines))[:OVERLOAD_CAP]), parameters, result


def _kept(function: "griffe.Function", drop_first: bool) -> "list[griffe.Parameter]":
    parameters = list(function.parameters)
    if drop_first and parameters and not (parameters[0].kind and "variadic" in parameters[0].kind.value):
        return parameters[1:]
    return parameters


def _signature(name: str, parameters: "list[griffe.Parameter]", returns: str) -> str:
    parts: list[str] = []
    previous = ""
    for parameter in parameters:
        kind = parameter.kind.value if parameter.kind else ""
        if previous == "positional-only" and kind != previous:
            parts.append("/")
        if kind == "keyword-only" and previous not in {"keyword-only", "variadic positional"}:
            parts.append("*")
        prefix = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        annotation = written(parameter.annotation)
        text = f"{prefix}{parameter.name}" + (f": {annotation}" if annotation else "")
        if parameter.default is not None and not prefix:
            text += (" = " if annotation else "=") + written(parameter.default)
        parts.append(text)
        previous = kind
    if previous == "positional-only":
        parts.append("/")
    return f"{name}({', '.join(parts)})" + (f" -> {returns}" if returns else "")


def _default(parameter: "griffe.Parameter", defaults: dict[str, str]) -> str | None:
    if parameter.default is None or (parameter.kind and "variadic" in parameter.kind.value):
        return None
    default = written(parameter.default)
    return defaults.get(parameter.name, default) if default == "..." else default


def written(expression: object) -> str:
    """Return an expression as it is written in the source, '' for none."""
    return "" if expression is None else str(expression)
