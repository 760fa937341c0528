"""Parameters that pytest fills: a test or a fixture gets what the fixture of the parameter's name gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import FunctionDefinition
from typewright.analysis.types import NEVER, UNKNOWN, ClassObject, Instance, Type, known, widen_literals

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# The fixtures of pytest itself, by name: module, class, and its argument.
_BUILTIN = {
    "caplog": ("pytest", "LogCaptureFixture", ""),
    "capfd": ("pytest", "CaptureFixture", "str"),
    "capfdbinary": ("pytest", "CaptureFixture", "bytes"),
    "capsys": ("pytest", "CaptureFixture", "str"),
    "capsysbinary": ("pytest", "CaptureFixture", "bytes"),
    "monkeypatch": ("pytest", "MonkeyPatch", ""),
    "pytestconfig": ("pytest", "Config", ""),
    "pytester": ("pytest", "Pytester", ""),
    "recwarn": ("pytest", "WarningsRecorder", ""),
    "request": ("pytest", "FixtureRequest", ""),
    "tmp_path": ("pathlib", "Path", ""),
    "tmp_path_factory": ("pytest", "TempPathFactory", ""),
}


class Fixtures:
    """Finds fixtures by name, as pytest does: in the module, in the `conftest.py` above, in plugins."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def parameter_type(self, definition: FunctionDefinition, name: str) -> Type | None:
        """What a parameter of a test or fixture is filled with; None where no fixture is known."""
        if not _takes_fixtures(definition):
            return None
        key = ("fixture", definition, name)
        found = self.evaluator.memo.get(key, lambda: self._filled(definition, name), UNKNOWN)
        return None if known(found) == NEVER else found

    def _filled(self, definition: FunctionDefinition, name: str) -> Type:
        modules, activations = self.evaluator.modules, self.evaluator.activations
        for path in self._places(definition.module.path, name):
            module = modules.at(path)
            for binding in reversed(module.scopes.module.bindings.get(name, ())):
                node = binding.node
                if isinstance(node, _FUNCTIONS) and node is not definition.written and _is_fixture(node):
                    function = activations.function_at(module, node)
                    given = activations.canonical(function).returns
                    if activations.is_generator(function.definition):
                        given = given.arguments[0] if isinstance(given, Instance) else UNKNOWN
                    elif isinstance(node, ast.AsyncFunctionDef):
                        given = self.evaluator.awaited(given)
                    return widen_literals(given)
        return self._built_in(name)

    def _places(self, path: Path, name: str) -> Iterator[Path]:
        """The files where the fixture may be defined, the nearest first."""
        using = self.evaluator.modules.files_using(name)
        above = [folder / "conftest.py" for folder in path.parents]
        near = [path, *above]
        yield from (place for place in near if place in using)
        yield from (place for place in using if place not in near and not _is_test_file(place))

    def _built_in(self, name: str) -> Type:
        if name not in _BUILTIN:
            return UNKNOWN
        module_name, class_name, argument = _BUILTIN[name]
        module = self.evaluator.modules.find(module_name)
        found = self.evaluator.modules.member(module, class_name) if module is not None else None
        if not isinstance(found, ClassObject):
            return UNKNOWN
        return Instance(found.definition, (self.evaluator.instance(argument),) if argument else ())


def _takes_fixtures(definition: FunctionDefinition) -> bool:
    node = definition.head
    if not isinstance(node, _FUNCTIONS):
        return False
    return _is_fixture(node) or (node.name.startswith("test") and _is_test_file(definition.module.path))


def _is_test_file(path: Path) -> bool:
    return path.stem.startswith("test_") or path.stem.endswith("_test")


def _is_fixture(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is decorated with `pytest.fixture` or what a plugin calls so."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if getattr(called, "attr", getattr(called, "id", "")) == "fixture":
            return True
    return False
