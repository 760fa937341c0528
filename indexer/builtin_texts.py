"""The docstrings of what CPython implements in C.

typeshed has no docstrings and there is no Python source to read them from, so they are read from the
interpreter that runs Typewright itself: a child process of it, isolated from the environment and the working
directory, imports its own builtin and standard extension modules and nothing else. No interpreter and no
module of the user is involved.
"""

import functools
import json
import subprocess
import sys
from collections.abc import Mapping

SECONDS = 60

_SCRIPT = r"""
import importlib, importlib.machinery, importlib.util, inspect, json, sys
texts = {}
def note(name, text):
    if isinstance(text, str) and text.strip():
        texts.setdefault(name, inspect.cleandoc(text))
def is_compiled(name):
    if name in sys.builtin_module_names:
        return True
    spec = importlib.util.find_spec(name)
    return spec is not None and isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)
for name in sorted(sys.stdlib_module_names):
    try:
        if not is_compiled(name):
            continue
        module = importlib.import_module(name)
    except Exception:
        continue
    note(name, module.__doc__)
    for key, value in vars(module).items():
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        homes = {name, getattr(value, "__module__", None) or name}
        for home in homes:
            note(f"{home}.{key}", value.__doc__)
        for member, inner in vars(value).items() if inspect.isclass(value) else ():
            documented = callable(inner) or inspect.isdatadescriptor(inner)
            if documented or isinstance(inner, (classmethod, staticmethod)):
                for home in homes:
                    note(f"{home}.{key}.{member}", inner.__doc__)
sys.stdout.write(json.dumps(texts))
"""


@functools.cache
def builtin_texts() -> Mapping[str, str]:
    """Return docstrings by qualified name (`builtins.str.join`); empty where the child process fails."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", "-c", _SCRIPT]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
        texts: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return texts
