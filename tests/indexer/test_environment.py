from pathlib import Path

import pytest
from typewright.indexer.environment import discover
from typewright.indexer.errors import TypewrightError


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def base_installation(folder: Path) -> Path:
    write(folder / "lib" / "python3.12" / "os.py")
    (folder / "lib" / "python3.12" / "site-packages").mkdir()
    (folder / "lib" / "python3.12" / "lib-dynload").mkdir()
    (folder / "bin").mkdir()
    return folder


def virtual_environment(folder: Path, base: Path, more: str = "") -> Path:
    write(folder / "pyvenv.cfg", f"home = {base / 'bin'}\nversion = 3.12.4\n{more}")
    write(folder / "bin" / "python", "#!")
    site = folder / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True)
    return site


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return base_installation(tmp_path / "base")


def test_project_environment_with_the_base_standard_library(tmp_path, base):
    root = tmp_path / "project"
    site = virtual_environment(root / ".venv", base)
    environment = discover(root)
    assert environment.prefix == root / ".venv"
    assert environment.version == (3, 12)
    assert environment.search_paths == (site,)
    library = base / "lib" / "python3.12"
    assert environment.standard_library == (library, library / "lib-dynload")


def test_environment_of_the_repository_serves_its_sub_folders(tmp_path, base):
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "services" / "api").mkdir(parents=True)
    virtual_environment(repository / "venv", base)
    assert discover(repository / "services" / "api").prefix == repository / "venv"


def test_a_folder_above_that_is_no_repository_is_not_searched(tmp_path, base):
    virtual_environment(tmp_path / ".venv", base)
    (tmp_path / "project").mkdir()
    assert discover(tmp_path / "project").prefix != tmp_path / ".venv"


def test_setting_beats_project_beats_variable(tmp_path, base, monkeypatch):
    root = tmp_path / "project"
    virtual_environment(root / ".venv", base)
    virtual_environment(tmp_path / "active", base)
    virtual_environment(tmp_path / "chosen", base)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    assert discover(root).prefix == root / ".venv"
    assert discover(tmp_path).prefix == tmp_path / "active"
    for setting in (tmp_path / "chosen", tmp_path / "chosen" / "bin" / "python", Path("../chosen")):
        assert discover(root, setting).prefix.resolve() == tmp_path / "chosen"


def test_broken_project_environment_is_skipped_and_listed(tmp_path):
    write(tmp_path / ".venv" / "pyvenv.cfg", "not a configuration")
    environment = discover(tmp_path)
    assert environment.prefix != tmp_path / ".venv"
    assert tmp_path / ".venv" in [path for path, _ in environment.skipped]


@pytest.mark.parametrize("setting", ["missing/python", "no-such-interpreter-9.9"])
def test_setting_that_names_nothing_is_one_clear_error(tmp_path, setting):
    with pytest.raises(TypewrightError, match=r"no-such|missing"):
        discover(tmp_path, Path(setting))


def test_setting_that_is_no_environment_is_one_clear_error(tmp_path):
    with pytest.raises(TypewrightError, match="not a Python environment"):
        discover(tmp_path, write(tmp_path / "deep" / "down" / "notes.txt"))


def test_conda_layout_has_its_version_in_its_records(tmp_path, monkeypatch):
    conda = tmp_path / "conda"
    write(conda / "Lib" / "os.py")
    (conda / "Lib" / "site-packages").mkdir()
    write(conda / "conda-meta" / "python-3.10.14-h123_0.json", "{}")
    monkeypatch.setenv("CONDA_PREFIX", str(conda))
    environment = discover(tmp_path / "project")
    assert (environment.version, environment.origin) == ((3, 10), "CONDA_PREFIX")
    assert environment.search_paths == (conda / "Lib" / "site-packages",)
    assert environment.standard_library == (conda / "Lib",)


def test_windows_layout(tmp_path):
    base = tmp_path / "Python313"
    write(base / "Lib" / "os.py")
    (base / "DLLs").mkdir()
    venv = tmp_path / "project" / ".venv"
    write(venv / "pyvenv.cfg", f"home = {base}\nversion_info = 3.13.1.final.0\n")
    (venv / "Lib" / "site-packages").mkdir(parents=True)
    write(venv / "Scripts" / "python.exe")
    for setting in (None, venv / "Scripts" / "python.exe"):
        environment = discover(tmp_path / "project", setting)
        assert environment.version == (3, 13)
        assert environment.search_paths == (venv / "Lib" / "site-packages",)
        assert environment.standard_library == (base / "Lib", base / "DLLs")


def test_system_packages_only_where_the_environment_says_so(tmp_path, base):
    virtual_environment(tmp_path / "a", base)
    virtual_environment(tmp_path / "b", base, "include-system-site-packages = true\n")
    shared = base / "lib" / "python3.12" / "site-packages"
    assert shared not in discover(tmp_path, tmp_path / "a").search_paths
    assert shared in discover(tmp_path, tmp_path / "b").search_paths


def test_path_files_give_folders_and_are_never_executed(tmp_path, base):
    site = virtual_environment(tmp_path / ".venv", base)
    (tmp_path / "sources").mkdir()
    mark = tmp_path / "executed"
    lines = [
        "# note",
        f"import pathlib; pathlib.Path({str(mark)!r}).touch()",
        str(tmp_path / "sources"),
        "gone",
    ]
    write(site / "a.pth", "\n".join(lines))
    environment = discover(tmp_path)
    assert environment.search_paths == (site, tmp_path / "sources")
    assert not mark.exists()


def test_editable_finders_are_read_as_literals(tmp_path, base):
    site = virtual_environment(tmp_path / ".venv", base)
    write(
        site / "__editable___demo_finder.py",
        "MAPPING: dict[str, str] = {'demo.core': '/sources/core'}\n"
        "NAMESPACES = {'plugins': ['/sources/plugins']}\n"
        "OTHER = {'no': 'no'}\n",
    )
    write(site / "_editable_impl_tool.py", "F.map_module('tool', '/sources/tool/__init__.py')\n")
    write(site / "__editable___broken_finder.py", "MAPPING = {")
    environment = discover(tmp_path)
    assert dict(environment.editable) == {
        "demo.core": Path("/sources/core"),
        "plugins": Path("/sources/plugins"),
        "tool": Path("/sources/tool"),
    }
    assert [path.name for path, _ in environment.skipped] == ["__editable___broken_finder.py"]


def test_installed_distributions_and_what_could_not_be_read(tmp_path, base):
    site = virtual_environment(tmp_path / ".venv", base)
    metadata = "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\nSummary: YAML for Python\n\nName: no\n"
    write(site / "PyYAML-6.0.dist-info" / "METADATA", metadata)
    write(
        site / "PyYAML-6.0.dist-info" / "RECORD",
        "yaml/__init__.py,,\nyaml/sub/x.py,,\n_yaml/__init__.py,,\n../../bin/tool,,\nlone.cpython-312-darwin.so,,\n"
        "spaces/inner/__init__.py,,\nspaces/inner/deep.py,,\nyaml-stubs/__init__.pyi,,\n",
    )
    write(site / "old-1.0.egg-info" / "PKG-INFO", "Name: old\nVersion: 1.0\n")
    write(site / "old-1.0.egg-info" / "top_level.txt", "old\n")
    (site / "empty-1.dist-info").mkdir()
    write(site / "nameless-1.dist-info" / "METADATA", "Version: 1\n")
    installed = discover(tmp_path).installed()
    assert [(d.name, d.version, d.modules) for d in installed.distributions] == [
        ("PyYAML", "6.0", ("_yaml", "lone", "spaces.inner", "yaml", "yaml-stubs")),
        ("old", "1.0", ("old",)),
    ]
    assert [path.name for path, _ in installed.skipped] == ["empty-1.dist-info", "nameless-1.dist-info"]
    assert installed.owner("yaml.constructor").name == "PyYAML"
    assert installed.owner("spaces.inner.deep").name == "PyYAML"
    assert installed.owner("spaces") is None


def test_an_installation_changes_the_answer(tmp_path, base):
    site = virtual_environment(tmp_path / ".venv", base)
    environment = discover(tmp_path)
    assert environment.installed().distributions == ()
    write(site / "new-1.dist-info" / "METADATA", "Name: new\nVersion: 1\n")
    assert [d.name for d in environment.installed().distributions] == ["new"]
