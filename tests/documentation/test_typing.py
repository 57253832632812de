"""The programs in `tests/typing/`, checked with mypy and pyright.

Each wrong line there has the comment ``wrong``. mypy and pyright, both in their strictest modes,
must report exactly these lines.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docs import rows

import http2
from http2 import keywords, listening
from http2.sessions.options import SessionOptions
from http2.websocket.options import Options as WebSocketLimits

from ..support.paths import ROOT, TESTS

PROGRAMS = sorted((TESTS / "typing").glob("*.py"))

Complaints = dict[tuple[str, int], str]


def run_checker(*command: str) -> str:
    """Run the checker *command*; return its output. It exits with 1 if it reports errors."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@functools.cache
def mypy() -> Complaints:
    """Return mypy's errors by file and line."""
    said = run_checker(sys.executable, "-m", "mypy", "tests/typing")
    found = re.findall(r"^tests/typing/(\w+\.py):(\d+): error: (.*)$", said, re.MULTILINE)
    assert "error" not in said or found, said
    return {(name, int(line)): message for name, line, message in found}


@functools.cache
def pyright() -> Complaints:
    """Return pyright's errors by file and line."""
    said = json.loads(run_checker(sys.executable, "-m", "pyright", "--outputjson"))
    assert said["summary"]["filesAnalyzed"] == len(PROGRAMS)
    return {
        (Path(entry["file"]).name, entry["range"]["start"]["line"] + 1): entry["message"]
        for entry in said["generalDiagnostics"]
        if entry["severity"] == "error"
    }


@pytest.mark.interop
@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_what_is_complained_of(checker: Callable[[], Complaints], program: Path) -> None:
    lines = program.read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# wrong" in line}
    found = {line: said for (name, line), said in checker().items() if name == program.name}
    assert set(found) - wrong == set(), {line: found[line] for line in set(found) - wrong}
    assert wrong - set(found) == set(), [lines[number - 1] for number in wrong - set(found)]


@pytest.mark.interop
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_twenty_wrong_calls(checker: Callable[[], Complaints]) -> None:
    assert len([name for name, _ in checker() if name == "wrong_calls.py"]) == 20


def annotations_of(owner: Any) -> Iterator[str]:
    """Return the annotations in the signatures of *owner*, a class or function, and its members."""
    members = [owner]
    if inspect.isclass(owner):
        for base in owner.__mro__:
            if base.__module__.startswith("http2"):
                # the interfaces between rooms are internal
                hidden = rows.internal() - rows.listed_names()
                members += [
                    member
                    for name, member in vars(base).items()
                    if name[0] != "_" and name not in hidden
                ]
    for member in members:
        function = member.fget if isinstance(member, property) else member
        if rows.is_function(function):
            yield from (str(text) for text in inspect.get_annotations(function).values())


@pytest.mark.row(
    "module.EventEmitter", "module.Duplex", "module.Exchange", "module.Completion",
    "module.ServerRequest", "module.ServerResponse", "module.SocketProxy",
    "module.StreamSocketProxy", "module.FileRange",
    "module.SessionOptions", "module.Http2ArgumentError",
)  # fmt: skip
def test_what_signatures_name_is_exported() -> None:
    """Every class in a public signature, and in the types of options and listeners, is exported."""
    modules = [module for name, module in sys.modules.items() if name.startswith("http2.")]
    ours = {
        name
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__.startswith("http2.") and name[0] != "_"
        # names for type checkers only
        if value.__module__ != listening.__name__ and not getattr(value, "_is_protocol", False)
    }
    public = [getattr(http2, name) for name in http2.__all__]
    texts = [text for owner in public for text in annotations_of(owner)]
    for path in Path(http2.__file__).parent.rglob("*.py"):
        if path.stem in ("keywords", "listening") and path.parent.name != "http2":
            # the types of their mutual arguments are for type checkers only
            named_there = r"^ *from \.(?![\w.]*(?:keywords|listening) )[\w.]+ import (.*)$"
            texts += re.findall(named_there, path.read_text(), re.MULTILINE)
    named = {word for text in texts for word in re.findall(r"\b[A-Z]\w+", text)}
    assert named & ours - set(http2.__all__) == set()


@pytest.mark.row(
    "module.ConnectOptions", "module.ServerOptions", "module.SecureServerOptions",
    "module.ServerSessionOptions", "module.ConnectionOptions", "module.SecureContextOptions",
)  # fmt: skip
def test_every_option_has_its_type() -> None:
    """`SessionOptions` and the types of the functions that take them have the same names."""
    server = set(keywords.ServerSessionOptions.__annotations__)
    client = set(keywords.ConnectOptions.__annotations__)
    assert server | {"max_reserved_remote_streams"} == set(SessionOptions.__slots__)
    assert set(SessionOptions.__slots__) - server <= client
    assert set(keywords.WebSocketOptions.__annotations__) == set(WebSocketLimits.__slots__)
    assert set(keywords.ConnectionOptions.__annotations__) == client - {"close_timeout"}
    only = server - client
    assert only == {
        "stream_reset_burst", "stream_reset_rate", "unknown_protocol_timeout",
        "first_request_timeout",
    }  # fmt: skip
