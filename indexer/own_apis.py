"""The workspace's own public definitions as `Api` records, so that a search covers them."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from .docstrings import parse_docstring, summary
from .grammar import module_or_none
from .outline import Symbol
from .records import Api, Parameter
from .syntax import Syntax

_INSTANCE = frozenset({"self", "cls", "mcs"})


_TESTS = re.compile(r"(?:^|/)(?:tests?/|(?:test_[^/]*|[^/]*_test|conftest)\.\w+$)")


def is_test(path: str) -> bool:
    """Whether a path, relative to the workspace, looks like a test's."""
    return _TESTS.search(path) is not None


def own_apis(syntax: Syntax, symbols: Sequence[Symbol], module: str, path: Path) -> Iterator[Api]:
    """Yield the module, and the public ones of its symbols that can be imported or are members of such."""
    text = ast.get_docstring(syntax.tree) or ""
    yield Api(module, "module", "", (), "", summary(text), text, (), "", "", path, 1)
    makers = {
        each.qualified_name.removesuffix(".__init__"): each for each in symbols if each.name == "__init__"
    }
    reachable = {module, *(each.qualified_name for each in symbols if each.kind == "class")}
    for symbol in symbols:
        owner = symbol.qualified_name.rpartition(".")[0]
        parts = symbol.qualified_name.removeprefix(module).split(".")
        if owner in reachable and not any(part.startswith("_") for part in parts):
            yield _api(symbol, makers.get(symbol.qualified_name), path)


def _api(symbol: Symbol, maker: Symbol | None, path: Path) -> Api:
    callable_symbol = maker if symbol.kind == "class" else symbol
    signature, returns = symbol.signature, ""
    parameters: tuple[Parameter, ...] = ()
    parsed = parse_docstring(symbol.docstring)
    if callable_symbol is not None and symbol.kind in ("class", "function", "method"):
        described = (
            parse_docstring(maker.docstring).parameters | parsed.parameters if maker else parsed.parameters
        )
        read = _signature(symbol.name, callable_symbol.signature, callable_symbol.kind == "method")
        if read is not None:
            signature, bare, returns = read
            parameters = tuple(replace(each, description=described.get(each.name, "")) for each in bare)
    elif symbol.kind == "property":
        returns = symbol.signature.partition(" -> ")[2]
        signature = f"{symbol.name}: {returns}" if returns else symbol.name
    return Api(
        symbol.qualified_name,
        symbol.kind,
        signature,
        parameters,
        "" if symbol.kind == "class" else returns,
        parsed.summary,
        symbol.docstring,
        (),
        "",
        "",
        path,
        symbol.name_span.line,
        parsed.deprecated,
    )


@lru_cache(maxsize=4096)
def _signature(name: str, written: str, is_method: bool) -> tuple[str, tuple[Parameter, ...], str] | None:
    """Return the signature, parameters and result of what a symbol's signature says, without the instance.

    `name` is what is called: the class in the place of `__init__`. Edits leave most signatures as they were.
    """
    tree = module_or_none(f"def {written}: ...")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    function = tree.body[0]
    arguments = function.args
    for positional in (arguments.posonlyargs, arguments.args):
        if positional and is_method and positional[0].arg in _INSTANCE:
            if len(arguments.defaults) == len(arguments.posonlyargs) + len(arguments.args):
                arguments.defaults.pop(0)
            positional.pop(0)
            break
    returns = ast.unparse(function.returns) if function.returns else ""
    arrow = f" -> {returns}" if returns and function.name == name else ""
    parameters = tuple(_parameters(arguments))
    return f"{name}({ast.unparse(arguments)}){arrow}", parameters, returns


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [(each, "positional-only") for each in arguments.posonlyargs]
    positional += [(each, "positional or keyword") for each in arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults]
    found = [(each, kind, default) for (each, kind), default in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        found.append((arguments.vararg, "variadic positional", None))
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found += [(each, "keyword-only", default) for each, default in keyword_only]
    if arguments.kwarg:
        found.append((arguments.kwarg, "variadic keyword", None))
    for each, kind, default in found:
        annotation = ast.unparse(each.annotation) if each.annotation else ""
        written = ast.unparse(default) if default else None
        yield Parameter(each.arg, kind, annotation, written, "")
