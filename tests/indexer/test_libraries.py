from collections import Counter
from pathlib import Path

import pytest
from typewright.indexer.apis import Api
from typewright.indexer.cancellation import Cancelled, CancelToken
from typewright.indexer.docstrings import parse_docstring, summary, without_signature
from typewright.indexer.environment import Environment, discover
from typewright.indexer.libraries import read_library, standard_library_modules
from typewright.indexer.modules import ModuleFinder


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class Library:
    """A library in a folder, read."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self.skipped: list[tuple[str, str]] = []

    def read(self, *modules: str, version=(3, 12)) -> dict[str, Api]:
        finder = ModuleFinder((), Environment(self.site, version, (self.site,), "test"))
        found = read_library(finder, modules, distribution="demo", version="1.0", skipped=self.skipped)
        return {api.name: api for api in found}


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path)


def test_signature_parameters_and_texts(library):
    write(
        library.site / "demo.py",
        'def area(width: float, height=1.0, /, *sides, unit: str = "m", **more) -> float:\n'
        '    """Measure a rectangle. It is flat.\n\n    Args:\n        width: How wide\n            it is.\n'
        "        unit: Of length.\n\n    Returns:\n        The area.\n"
        '    """\n',
    )
    api = library.read("demo")["demo.area"]
    assert api.signature == "area(width: float, height=1.0, /, *sides, unit: str = 'm', **more) -> float"
    assert [(p.name, p.kind, p.default, p.description) for p in api.parameters] == [
        ("width", "positional-only", None, "How wide it is."),
        ("height", "positional-only", "1.0", ""),
        ("sides", "variadic positional", None, ""),
        ("unit", "keyword-only", "'m'", "Of length."),
        ("more", "variadic keyword", None, ""),
    ]
    assert (api.kind, api.returns, api.summary) == ("function", "float", "Measure a rectangle.")
    assert (api.path, api.line) == (library.site / "demo.py", 1)
    assert (api.distribution, api.version) == ("demo", "1.0")


def test_the_name_people_import_and_its_aliases(library):
    write(
        library.site / "demo" / "__init__.py",
        "from demo._core.things import Thing\nfrom demo.api import *\nimport os",
    )
    write(library.site / "demo" / "_core" / "__init__.py")
    write(
        library.site / "demo" / "_core" / "things.py",
        "class Thing:\n    def turn(self, angle): ...\ndef hidden(): ...",
    )
    write(
        library.site / "demo" / "api.py",
        "from demo._core.things import hidden as shown\n__all__ = ['shown']\ndef own(): ...",
    )
    apis = library.read("demo")
    assert set(apis) == {"demo", "demo.api", "demo.Thing", "demo.Thing.turn", "demo.shown"}
    assert apis["demo.Thing"].aliases == ("demo._core.things.Thing",)
    assert apis["demo.shown"].aliases == ("demo.api.shown", "demo._core.things.hidden")
    assert apis["demo.Thing.turn"].signature == "turn(angle)"


def test_circular_imports_and_broken_files_cost_nothing_else(library):
    write(library.site / "demo" / "__init__.py", "from demo.a import *\nfrom demo.b import x")
    write(library.site / "demo" / "a.py", "from demo.b import x\nfrom demo.b import *\ndef fine(): ...")
    write(library.site / "demo" / "b.py", "from demo.a import x\nfrom demo.a import *")
    write(library.site / "demo" / "broken.py", "def (:")
    (library.site / "demo" / "binary.py").write_bytes(b"\0\xff\xfe")
    apis = library.read("demo")
    assert "demo.fine" in apis
    assert {name for name, _ in library.skipped} == {"demo.broken", "demo.binary"}


def test_stubs_give_signatures_and_sources_the_texts(library):
    write(
        library.site / "demo.pyi",
        "from typing import overload\nimport sys\n@overload\ndef get(key: int) -> int: ...\n@overload\n"
        "def get(key: str, default: str = ...) -> str: ...\n"
        "if sys.version_info >= (3, 13):\n    def new() -> None: ...\nelif sys.version_info >= (3, 12):\n"
        "    def middle() -> None: ...\nelse:\n    def old() -> None: ...\n",
    )
    source = write(library.site / "demo.py", 'import os\ndef get(key, default="none"):\n    """Get it."""\n')
    apis = library.read("demo")
    assert set(apis) == {"demo", "demo.get", "demo.middle"}
    get = apis["demo.get"]
    assert get.signature == "get(key: int) -> int\nget(key: str, default: str = ...) -> str"
    assert (get.summary, get.path, get.line) == ("Get it.", source, 2)
    assert [(p.name, p.default) for p in get.parameters] == [("key", None), ("default", "'none'")]


def test_inherited_members_stand_under_the_public_class(library):
    write(
        library.site / "demo" / "__init__.py",
        "from demo._base import Base\nclass Public:\n    def own(self): ...\n    @property\n"
        "    def size(self) -> int:\n"
        "        '''How large.'''\nclass Child(Public, Base):\n    def own(self): ...\n"
        "    def __init__(self, x: int): ...\n",
    )
    write(
        library.site / "demo" / "_base.py", 'class Base:\n    def shared(self):\n        """Shared text."""\n'
    )
    apis = library.read("demo")
    assert apis["demo.Child"].signature == "Child(x: int)"
    assert apis["demo.Child.shared"].summary == "Shared text."
    assert apis["demo.Child.size"].inherited == "demo.Public.size"
    assert apis["demo.Child.size"].kind == "property"
    assert apis["demo.Child.own"].inherited == ""


def test_functions_bound_to_a_hidden_instance(library):
    write(
        library.site / "demo.py",
        "class Source:\n    def draw(self, count: int) -> int:\n        '''Draw some.'''\n"
        "_source: Source = Source()\ndraw = _source.draw\ntake = draw\n",
    )
    api = library.read("demo")["demo.draw"]
    assert (api.kind, api.signature, api.summary) == ("function", "draw(count: int) -> int", "Draw some.")


def test_docstrings_attached_and_borrowed(library):
    write(
        library.site / "demo" / "__init__.py",
        "from demo._c import fast\nfrom demo.kind import Kind\n@copy(Kind.run)\ndef run(): ...\n",
    )
    write(library.site / "demo" / "kind.py", "class Kind:\n    def run(self):\n        '''Run away.'''\n")
    write(library.site / "demo" / "_c.pyi", "def fast() -> None: ...\n")
    write(
        library.site / "demo" / "_docs.py",
        "add_newdoc('demo._c', 'fast', '''fast()\\n--\\n\\nBe quick.''')\n",
    )
    apis = library.read("demo")
    assert apis["demo.run"].summary == "Run away."
    assert apis["demo.fast"].summary == "Be quick."


def test_deprecation_notes(library):
    write(
        library.site / "demo.py",
        "from warnings import deprecated\n@deprecated('Use b.')\ndef a(): ...\n"
        "def b():\n    '''Do it.\n\n    .. deprecated:: 2.0\n       Use c\n       instead.\n\n"
        "    More.\n    '''\n",
    )
    apis = library.read("demo")
    assert apis["demo.a"].deprecated == "Use b."
    assert apis["demo.b"].deprecated == "2.0 Use c instead."


def test_compiled_modules_without_stubs_are_reported(library):
    write(library.site / "demo" / "__init__.py")
    write(library.site / "demo" / "fast.so")
    library.read("demo", "absent")
    assert library.skipped == [("demo.fast", "compiled, without a stub"), ("absent", "not found")]


def test_calls_in_the_sources_are_counted(library):
    write(
        library.site / "demo.py",
        "import os.path as path, json\nfrom re import compile as make\n"
        "def own(): ...\nown()\nlen(path.join('a', str(1)))\n'x'.upper()\nmake('a').match('b')\n"
        "json.loads(self.thing.read())\njson.loads('')\n",
    )
    uses = Counter()
    finder = ModuleFinder((), Environment(library.site, (3, 12), (library.site,), "test"))
    list(read_library(finder, ["demo"], distribution="", version="", skipped=[], uses=uses))
    assert uses == {
        "len": 1,
        "os.path.join": 1,
        "str": 1,
        ".upper": 1,
        "re.compile": 1,
        ".match": 1,
        "json.loads": 2,
        ".read": 1,
    }


def test_nothing_is_executed(library, tmp_path):
    mark = tmp_path / "mark"
    write(library.site / "demo.py", f"import pathlib\npathlib.Path({str(mark)!r}).touch()\ndef f(): ...\n")
    assert "demo.f" in library.read("demo")
    assert not mark.exists()


def test_reading_can_be_cancelled(library):
    write(library.site / "demo.py")
    token = CancelToken()
    token.cancel()
    finder = ModuleFinder((), Environment(library.site, (3, 12), (library.site,), "test"))
    with pytest.raises(Cancelled):
        list(read_library(finder, ["demo"], distribution="", version="", skipped=[], cancel=token))


def test_standard_library_with_the_texts_of_its_c_code(tmp_path):
    finder = ModuleFinder((), discover(tmp_path))
    assert {"os", "json", "builtins", "itertools"} <= set(standard_library_modules(finder))
    names = ["builtins", "typing", "os", "posixpath", "ntpath", "random", "itertools"]
    found = read_library(finder, names, distribution="python", version="3", skipped=[])
    apis = {api.name: api for api in found}
    assert "Concatenate any number of strings." in apis["str.join"].documentation
    assert apis["str.join"].aliases == ()
    assert apis["dict.update"].documentation.startswith("D.update(")  # typeshed has it in a base class
    assert (apis["list.clear"].inherited, apis["list.clear"].summary[:6]) == ("", "Remove")
    assert apis["os.getcwd"].summary
    assert apis["os.path.join"].kind == "function"
    assert apis["random.randint"].signature == "randint(a: int, b: int) -> int"
    assert apis["itertools.chain.from_iterable"].summary


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("Do.\n\nParameters\n----------\nx, y : int\n    Where.\n", {"x": "Where.", "y": "Where."}),
        ("Do.\n\n:param x: Where\n  it is.\n:returns: It.\n", {"x": "Where it is."}),
        ("Do.\n\nArgs:\n  x (int): Where.\n", {"x": "Where."}),
        ("Do.\n\nParameters\n----------\n\n\n", {}),
        ("", {}),
    ],
)
def test_three_docstring_styles(text, described):
    assert parse_docstring(text).parameters == described


def test_summaries():
    assert summary("Title\n=====\n\nMore.") == "Title"
    assert summary("get(key[, default]) -> Return the value. Else none.") == "Return the value."
    assert summary("get(key) -> value\n\nReturn it.") == "Return it."
    assert summary("parse(x)\n-> (values : Values, rest)\n\nParse it.") == "Parse it."
    assert summary("zip(*xs) --> Yield tuples until the end.\n\n>>> zip()") == "Yield tuples until the end."
    assert summary("f(x, y=(1, 2))\nf(x)\n\nDo it. Then.") == "Do it."
    assert summary("zeros(shape, *, like=None) Return an array. Parameters ---") == "Return an array."
    assert summary("open(path) is called first. More.") == "open(path) is called first."
    assert summary("arguments(arg* a)") == "arguments(arg* a)"
    assert summary("f(x, y") == "f(x, y"
    assert summary("One sentence, e.g. this one.\nAnother one.") == "One sentence, e.g. this one."
    assert without_signature("f(\n    x,\n)\n--\n\n    Do it.\n") == "Do it."
