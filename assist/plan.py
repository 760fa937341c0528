"""The annotations of one file as edits: which can be written safely, in which form, with which imports."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from typewright.assist.edits import TextEdit, apply
from typewright.assist.import_block import WantedImports, import_edits
from typewright.assist.placement import Key, Placement, Site, statements
from typewright.assist.spelling import SAFE_MODULES, ModuleNames, is_type_checking
from typewright.assist.types import SlotType
from typewright.indexer.syntax import Syntax, parse

# Names that older Pythons do not have in `typing`.
_SINCE = {
    "Concatenate": (3, 10),
    "ParamSpec": (3, 10),
    "TypeAlias": (3, 10),
    "TypeGuard": (3, 10),
    "LiteralString": (3, 11),
    "Never": (3, 11),
    "Self": (3, 11),
    "TypeVarTuple": (3, 11),
    "Unpack": (3, 11),
    "TypeIs": (3, 13),
}
_EMPTY_CALLS = frozenset({"list", "dict", "set", "tuple", "defaultdict", "deque", "OrderedDict", "Counter"})


@dataclass(frozen=True, slots=True)
class Target:
    """What the plan must know of the file beside its text.

    `version` is the oldest Python to run it, `readers` the modules of the workspace that read annotations.
    """

    module: str
    is_package: bool
    is_stub: bool
    version: tuple[int, int]
    readers: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Accepted:
    site: Site
    slot: SlotType
    deferred: bool


@dataclass(slots=True)
class Plan:
    """Edits, and the slots that they annotate by the key of their site."""

    edits: list[TextEdit] = field(default_factory=list)
    slots: dict[Key, SlotType] = field(default_factory=dict)


def plan(syntax: Syntax, target: Target, slots: Iterable[SlotType]) -> Plan:
    """Return the edits that annotate `slots`, those left out that cannot be written without risk."""
    if syntax.damage:
        return Plan()
    names = ModuleNames(
        syntax.tree,
        target.module,
        is_package=target.is_package,
        is_stub=target.is_stub,
        readers=target.readers,
    )
    placement = Placement(syntax)
    wanted = WantedImports()
    bound: dict[str, tuple[str, str]] = {}
    accepted: list[_Accepted] = []
    for slot in slots:
        site = placement.sites.get((slot.kind, slot.line, slot.col))
        if site is None or site.occupied or slot.annotation is None or names.leave_alone(site):
            continue
        if site.kind == "variable" and not _useful(site, placement):
            continue
        expression = _expression(slot.annotation.text)
        if expression is None or not _speakable(
            slot.annotation.text, slot.annotation.imports, target.version
        ):
            continue
        missing = names.missing_imports(site, expression, slot.annotation.imports)
        if missing is None or any(bound.get(_bound(item), item) != item for item in missing):
            continue
        guarded = set() if target.is_stub else {item for item in missing if item[0] not in SAFE_MODULES}
        if guarded and names.reads_annotations:
            continue  # something evaluates the annotations of this module: every name must be there
        deferred = bool(guarded) or not names.evaluable(site, expression, slot.line, target.version)
        if deferred and _quoted(slot.annotation.text) is None:
            continue
        bound.update((_bound(item), item) for item in missing)
        wanted.typing_only |= guarded
        wanted.runtime |= missing - guarded
        accepted.append(_Accepted(site, slot, deferred))
    postpone = any(item.deferred for item in accepted) and not names.future and not target.is_stub
    quote = postpone and (names.reads_annotations or target.version < (3, 7))
    wanted.future = postpone and not quote
    result = Plan()
    for item in accepted:
        assert item.slot.annotation is not None
        text = item.slot.annotation.text
        edit = placement.edit(item.site, (_quoted(text) or text) if quote and item.deferred else text)
        if edit is not None:
            result.edits.append(edit)
            result.slots[item.site.key] = item.slot
    if wanted.names():
        package = target.module if target.is_package else target.module.rpartition(".")[0]
        result.edits += import_edits(
            syntax, wanted, package=package, has_type_checking="TYPE_CHECKING" in names.bindings
        )
    return result


def _bound(item: tuple[str, str]) -> str:
    module, name = item
    return name or module.partition(".")[0]


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _speakable(text: str, imports: Iterable[tuple[str, str]], version: tuple[int, int]) -> bool:
    """Whether a person would write it: nothing private imported, nothing newer than the project's Python."""
    for module, name in imports:
        if any(part.startswith("_") and part != "__future__" for part in (*module.split("."), name) if part):
            return False
        if module == "typing" and _SINCE.get(name, (3, 0)) > version:
            return False
    return "\n" not in text


def _quoted(text: str) -> str | None:
    for quote in ('"', "'"):
        if quote not in text and "\\" not in text:
            return f"{quote}{text}{quote}"
    return None


def _useful(site: Site, placement: Placement) -> bool:
    """Whether a variable is one whose type its value does not tell: an empty container, or None for now.

    Class bodies are left alone: there an annotation makes a field (dataclasses and their like). So are names
    that are global, and names annotated elsewhere.
    """
    node = site.node
    if not isinstance(node, ast.Assign) or isinstance(site.scopes[-1], ast.ClassDef):
        return False
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Attribute):
        if not (isinstance(target.value, ast.Name) and target.value.id == "self"):
            return False
    elif not isinstance(target, ast.Name) or _is_outer(site, target.id):
        return False
    if site.key[-1] > 1 or any(other.occupied for other in placement.siblings(site)):
        return False
    if isinstance(value, (ast.List, ast.Set, ast.Tuple)):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _EMPTY_CALLS:
        return not value.args or value.func.id == "defaultdict"
    return isinstance(value, ast.Constant) and value.value is None


def _is_outer(site: Site, name: str) -> bool:
    own = statements(site.scopes[-1])
    return any(isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names for node in own)


def annotated_text(syntax: Syntax, made: Plan) -> str | None:
    """Return the text with the plan's edits made, None where it would be other code than before."""
    after = apply(syntax.text, made.edits)
    changed = parse(after)
    if changed.damage or not _compiles(after) or not same_code(syntax.text, after):
        return None
    return after


def _compiles(text: str) -> bool:
    """Whether Python takes the text: some errors (an annotated global) show only after parsing."""
    try:
        compile(text, "<annotated>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def same_code(before: str, after: str) -> bool:
    """Whether two modules are the same but for annotations and imports, none of which may have been lost."""
    old, new = ast.parse(before), ast.parse(after)
    if ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False):
        return False
    if _imports(old) - _imports(new):
        return False
    return ast.dump(_Bare().visit(old)) == ast.dump(_Bare().visit(new))


def _imports(tree: ast.Module) -> Counter[tuple[str, int, str, str | None]]:
    found: Counter[tuple[str, int, str, str | None]] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(("", 0, alias.name, alias.asname) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update((node.module or "", node.level, alias.name, alias.asname) for alias in node.names)
    return found


class _Bare(ast.NodeTransformer):
    """Takes away what annotating may add."""

    def visit_Import(self, _: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, _: ast.ImportFrom) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.AST | None:
        guard = is_type_checking(node)
        self.generic_visit(node)
        return node if node.body or node.orelse or not guard else None

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value, lineno=node.lineno)
