"""What single expressions, names and docstring lines say, as the short strings that slices are made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_RETURN = re.compile(r"^\s*(?::returns?:|:rtype:|Returns?:|Yields?:)\s*(.*)$", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_.]*")
_DOCUMENT_WORDS = 14
_PARAMETERS = (
    re.compile(r"^\s*:param\s+(?:(?P<type>[^:\n]*?)\s+)?(?P<name>\*{0,2}\w+)\s*:(?P<text>.*)$", re.MULTILINE),
    re.compile(r"^\s*:type\s+(?P<name>\*{0,2}\w+)\s*:(?P<type>.*)(?P<text>)$", re.MULTILINE),
    re.compile(
        r"^\s*[`*]{0,2}(?P<name>\w+)[`*]{0,2}\s*(?:\((?P<type>[^)\n]*)\))?\s*:[ \t]+(?P<text>\S.*)$",
        re.MULTILINE,
    ),
    re.compile(r"^\s*(?P<name>\*{0,2}\w+(?:, \*{0,2}\w+)*) : (?P<type>.+)\n(?P<text>.*)$", re.MULTILINE),
)
# What a docstring says of a parameter beside its type.
_BESIDE_TYPE = re.compile(r",?\s*\b(?:optional|keyword[- ]only|defaults?\b.*)", re.IGNORECASE)


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """The words of an identifier, in lower case: `readJSONFile_2` is read, json, file, 2."""
    return tuple(word.lower() for word in _WORD.findall(name))


def callee_name(node: ast.expr) -> str:
    """The last two parts of a dotted name, through calls and subscripts; '' where there is no name."""
    while isinstance(node, (ast.Call, ast.Subscript, ast.Await, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}"
        if isinstance(node.value, ast.Constant):
            return f"{type(node.value.value).__name__}.{node.attr}"
        return node.attr
    return ""


def shapes(node: ast.expr | None, depth: int = 2) -> tuple[str, ...]:
    """What an expression looks like: coarse first, then finer. `[1, 2]` is list, list[int]."""
    if node is None or depth < 0:
        return ()
    describe = _DESCRIBE.get(type(node))
    return describe(node, depth) if describe is not None else (type(node).__name__,)


def _coarse(node: ast.expr | None, depth: int) -> str:
    found = shapes(node, depth - 1)
    return found[0] if found else "?"


def _constant(node: ast.Constant, _: int) -> tuple[str, ...]:
    return (type(node.value).__name__,) if node.value is not None else ("None",)


def _name(node: ast.Name, _: int) -> tuple[str, ...]:
    return (f"name:{node.id}", *(f"word:{word}" for word in name_words(node.id)[-1:]))


def _attribute(node: ast.Attribute, _: int) -> tuple[str, ...]:
    words = [f"word:{word}" for word in name_words(node.attr)[-1:]]
    return (f"attribute:{node.attr}", f"attribute:{callee_name(node)}", *words)


def _call(node: ast.Call, _: int) -> tuple[str, ...]:
    callee = callee_name(node.func)
    last = callee.rpartition(".")[2]
    words = [f"callee-word:{word}" for word in name_words(last)]
    return (f"call:{last}", f"call:{callee}", *(["construct"] if last[:1].isupper() else []), *words)


def _sequence(node: ast.List | ast.Set | ast.Tuple, depth: int) -> tuple[str, ...]:
    name = type(node).__name__.lower()
    if isinstance(node, ast.Tuple):
        inside = ",".join(_coarse(element, depth) for element in node.elts[:4])
        return (name, f"{name}:{len(node.elts)}", f"{name}[{inside}]")
    return (name, f"{name}[{_coarse(node.elts[0], depth)}]") if node.elts else (name, f"{name}:empty")


def _dict(node: ast.Dict, depth: int) -> tuple[str, ...]:
    if not node.keys:
        return ("dict", "dict:empty")
    return ("dict", f"dict[{_coarse(node.keys[0], depth)},{_coarse(node.values[0], depth)}]")


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp, depth: int) -> tuple[str, ...]:
    name = {"ListComp": "list", "SetComp": "set", "GeneratorExp": "generator"}[type(node).__name__]
    return (name, f"{name}[{_coarse(node.elt, depth)}]", "comprehension")


def _dict_comprehension(node: ast.DictComp, depth: int) -> tuple[str, ...]:
    return ("dict", f"dict[{_coarse(node.key, depth)},{_coarse(node.value, depth)}]", "comprehension")


def _binary(node: ast.BinOp, depth: int) -> tuple[str, ...]:
    operator = type(node.op).__name__
    left, right = _coarse(node.left, depth), _coarse(node.right, depth)
    if isinstance(node.op, ast.Mod) and left in {"str", "bytes"}:
        return (left, "formatting")
    return (f"operator:{operator}", f"operator:{operator}:{left}:{right}")


def _boolean(node: ast.BoolOp, depth: int) -> tuple[str, ...]:
    branches = [shape for value in node.values[:3] for shape in shapes(value, depth - 1)[:2]]
    return (*branches, f"operator:{type(node.op).__name__}")


def _unary(node: ast.UnaryOp, depth: int) -> tuple[str, ...]:
    return ("bool", "not") if isinstance(node.op, ast.Not) else shapes(node.operand, depth)


def _conditional(node: ast.IfExp, depth: int) -> tuple[str, ...]:
    return (*shapes(node.body, depth - 1)[:3], *shapes(node.orelse, depth - 1)[:3], "conditional")


def _subscript(node: ast.Subscript, _: int) -> tuple[str, ...]:
    last = callee_name(node.value).rpartition(".")[2]
    kind = "slice" if isinstance(node.slice, ast.Slice) else "subscript"
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    literal = [f"key:{key[:40]}"] if isinstance(key, str) else []
    return (kind, f"{kind}:{last}", *literal)


def _formatted(_: ast.JoinedStr, __: int) -> tuple[str, ...]:
    return ("str", "formatting")


def _comparison(_: ast.Compare, __: int) -> tuple[str, ...]:
    return ("bool", "comparison")


def _await(node: ast.Await, depth: int) -> tuple[str, ...]:
    return tuple(f"await:{shape}" for shape in shapes(node.value, depth))


def _walrus(node: ast.NamedExpr, depth: int) -> tuple[str, ...]:
    return shapes(node.value, depth)


_DESCRIBE: dict[type[ast.expr], Callable[..., tuple[str, ...]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Tuple: _sequence,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.JoinedStr: _formatted,
    ast.Compare: _comparison,
    ast.Await: _await,
    ast.NamedExpr: _walrus,
}


def described_parameter(docstring: str, name: str) -> list[str]:
    """The words of the docstring's lines about a parameter (Google, NumPy and Sphinx styles)."""
    return _described(docstring).get(name, []) if name in docstring else []


@lru_cache(maxsize=64)  # asked for each parameter of a function in turn
def _described(docstring: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pattern in _PARAMETERS:
        for match in pattern.finditer(docstring):
            features = _document_features(match.group("type"), match.group("text"))
            for name in match.group("name").split(","):
                found.setdefault(name.strip().lstrip("*"), []).extend(features)
    return found


def described_return(docstring: str) -> list[str]:
    """The words of the docstring's first line and of its lines about what is returned."""
    if not docstring:
        return []
    summary = docstring.split("\n", 1)[0]
    features = [f"summary:{word.lower()}" for word in _TOKEN.findall(summary)[:_DOCUMENT_WORDS]]
    for match in _RETURN.finditer(docstring):
        text = match.group(1).strip()
        if not text:
            rest = docstring[match.end() :].lstrip("\n- \t")
            text = rest.split("\n", 1)[0]
        if match.group().lstrip().startswith(":rtype"):
            features += _document_features(text, "")
            continue
        kind, separator, description = text.partition(":")
        features += _document_features(kind, description) if separator else _document_features("", text)
    numpy = re.search(r"^\s*(?:Returns|Yields)\s*\n\s*-{3,}\s*\n\s*(.+)$", docstring, re.MULTILINE)
    if numpy is not None:
        features += _document_features(numpy.group(1), "")
    return features


def _document_features(kind: str | None, text: str) -> list[str]:
    features = []
    kind = _BESIDE_TYPE.sub("", kind).strip(" `") if kind else ""
    if kind and len(kind) < 80:
        features.append(f"document-type:{kind}")
        features += [f"document-type-word:{word}" for word in _TOKEN.findall(kind)[:8]]
    return features + [f"document:{word.lower()}" for word in _TOKEN.findall(text)[:_DOCUMENT_WORDS]]
