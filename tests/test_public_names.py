"""The package's public names: loaded on first access, in any order."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import http2

# The other process prints the loaded modules of this package.
LOADED = "print(*(name for name in sys.modules if name.partition('.')[0] == 'http2'))"

# Forks a child for each name, so that each is accessed first.
EACH_FIRST = """
import os, sys
import http2
for name in sorted({*http2.__all__, *http2._MODULES}):
    child = os.fork()
    if not child:
        try:
            getattr(http2, name)
        except BaseException as error:
            print(name, repr(error), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def in_a_new_process(program: str) -> str:
    command = [sys.executable, "-c", f"import sys\n{program}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_an_import_alone_loads_no_module() -> None:
    assert in_a_new_process(f"import http2\n{LOADED}").split() == ["http2"]


def test_a_client_loads_no_http1_and_no_server() -> None:
    loaded = in_a_new_process(f"from http2 import connect\n{LOADED}").split()
    assert "http2.sessions.client_session" in loaded
    for room in ("http1", "servers", "compat", "asgi", "websocket", "observing.performance"):
        assert f"http2.{room}" not in loaded, room


@pytest.mark.slow
def test_each_name_may_be_the_first() -> None:
    assert in_a_new_process(EACH_FIRST) == ""


def test_checkers_and_interpreter_find_a_name_in_the_same_module() -> None:
    tree = ast.parse(Path(http2.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        name.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    assert declared == http2._MODULES


def test_all_names_are_listed() -> None:
    assert set(http2.__all__) <= set(dir(http2))
    assert {"WebSocket", "constants", "errors"} <= set(dir(http2))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'http2' has no attribute 'nothing'"):
        _ = http2.nothing  # type: ignore[attr-defined]
