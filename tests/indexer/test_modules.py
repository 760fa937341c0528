from pathlib import Path

import pytest
from typewright.indexer.environment import Environment, discover
from typewright.indexer.modules import ModuleFinder, typeshed_folder


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def finder(root: Path, site: Path, version=(3, 12), **more) -> ModuleFinder:
    packages = more.pop("packages", None)
    return ModuleFinder([root], Environment(site, version, (site,), "test", **more), packages)


def test_workspace_first_with_the_stub_beside(root, site):
    source = write(root / "thing.py")
    stub = write(root / "thing.pyi")
    write(site / "thing" / "__init__.py")
    found = finder(root, site).find("thing")
    assert (found.path, found.source_path, found.kind, found.origin) == (stub, source, "stub", "workspace")


def test_package_beats_module_and_case_counts(root, site):
    package = write(root / "thing" / "__init__.py")
    write(root / "thing.py")
    found = finder(root, site)
    assert found.find("thing").path == package
    assert found.find("Thing") is None


def test_stub_package_then_inline_package(root, site):
    stub = write(site / "foo-stubs" / "__init__.pyi")
    source = write(site / "foo" / "__init__.py")
    inner = write(site / "foo" / "inner.py")
    write(site / "foo" / "py.typed")
    found = finder(root, site)
    assert (found.find("foo").path, found.find("foo").source_path) == (stub, source)
    assert found.find("foo").origin == "stub package"
    # The stub package is silent about foo.inner: the package itself answers.
    assert (found.find("foo.inner").path, found.find("foo.inner").origin) == (inner, "typed package")
    assert found.submodules("foo") == ("inner",)


def test_standard_library_is_typeshed_beside_the_source(root):
    environment = discover(root)
    found = ModuleFinder([root], environment)
    module = found.find("json.decoder")
    assert module.path == typeshed_folder() / "json" / "decoder.pyi"
    assert module.source_path == environment.standard_library[0] / "json" / "decoder.py"
    assert found.find("sys").source_path is None
    assert found.find("os.path").source_path.name in {"posixpath.py", "ntpath.py"}
    assert "decoder" in found.submodules("json")
    assert {"os", "json", "itertools"} <= set(found.submodules(""))


def test_versions_of_the_environment_decide(root, site):
    assert finder(root, site, (3, 11)).find("distutils.core") is not None
    assert finder(root, site, (3, 12)).find("distutils.core") is None
    assert finder(root, site, (3, 10)).find("tomllib") is None
    assert finder(root, site, (3, 11)).find("tomllib").origin == "typeshed"
    assert "tomllib" not in finder(root, site, (3, 10)).submodules("")


def test_compiled_module_and_its_stub(root, site):
    library = write(site / "fast.cpython-312-x86_64-linux-gnu.so")
    assert finder(root, site).find("fast").kind == "compiled"
    assert finder(root, site).find("fast").path == library
    stub = write(site / "fast.pyi")
    assert finder(root, site).find("fast").path == stub
    assert finder(root, site).find("fast").source_path is None
    assert write(site / "win.pyd") == finder(root, site).find("win").path


def test_namespace_portions_join_and_lose_to_a_regular_package(root, site):
    write(root / "space" / "here.py")
    write(site / "space" / "there.py")
    write(root / "shadow" / "data.txt")
    regular = write(site / "shadow" / "__init__.py")
    found = finder(root, site)
    assert found.find("space").kind == "namespace"
    assert found.submodules("space") == ("here", "there")
    assert found.find("space.there").origin == "package"
    assert found.find("shadow").path == regular


def test_mapped_packages_resolve_in_both_ways(root, site, tmp_path):
    server = write(root / "lsp" / "server.py")
    write(root / "lsp" / "__init__.py")
    write(root / "notes" / "__init__.py")
    edited = write(tmp_path / "elsewhere" / "core" / "__init__.py")
    editable = (("demo.core", edited.parent),)
    found = finder(root, site, packages={"demo.lsp": root / "lsp"}, editable=editable)
    assert found.find("demo.lsp.server").path == server
    assert found.find("demo.lsp.server").origin == "workspace"
    assert found.find("demo.core").path == edited
    assert found.find("demo").kind == "namespace"
    assert found.submodules("demo") == ("core", "lsp")


def test_distribution_of_an_installed_module(root, site):
    write(site / "foo" / "__init__.py")
    write(site / "foo_dist-1.dist-info" / "METADATA", "Name: foo-dist\nVersion: 1\n")
    write(site / "foo_dist-1.dist-info" / "RECORD", "foo/__init__.py,,\n")
    assert finder(root, site).find("foo").distribution == "foo-dist"


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "..", "foo/bar", "foo\0", "os.path.nope", "π.x"])
def test_names_that_are_no_modules(root, site, name):
    assert finder(root, site).find(name) is None


def test_new_files_are_seen_after_clear(root, site):
    found = finder(root, site)
    assert found.find("later") is None
    write(root / "later.py")
    found.clear()
    assert found.find("later").origin == "workspace"
