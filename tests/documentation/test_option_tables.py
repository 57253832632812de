"""The tables of options in the documentation: every option of the code, with its default.

The options are read from the code: the fields of the dataclasses, the keyword-only parameters of
the public functions, and the names that `connect` and the servers take out of their ``**options``.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from docs.rows import CLASSES, internal, is_function, listed_names

import http2
import http2.asgi
from http2.compat import server as servers
from http2.compat.dispatch import Dispatcher
from http2.sessions import connect as client
from http2.sessions import options
from http2.sessions.options import SessionOptions
from http2.tls import contexts as tls

from ..support.paths import DOCS
from ..support.running import Run
from ..support.self_signed import Certificate

Defaults = dict[str, Any]

# The objects of the calls in the last table.
OWNERS: dict[str, Any] = {
    "http2": http2,
    "handler": http2.asgi.Handler,
    "server": http2.Http2Server,
    "session": http2.ClientHttp2Session,
    "stream": http2.ServerHttp2Stream,
}


# --- what the pages say -----------------------------------------------------------------------


def tables(page: str) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return (heading, the first row, the others) of each table on *page*."""
    heading, lines = "", (DOCS / page).read_text().splitlines()
    found, table = [], []
    for line in [*lines, ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        else:
            if table:
                found.append((heading, table[0], table[2:]))
                table = []
            if line.startswith("#"):
                heading = line.lstrip("# ")
    return found


def literal(cell: str) -> Any:
    """Return the value that a cell of a column of defaults shows."""
    source = cell.removeprefix("`").removesuffix("`")
    assert cell == f"`{source}`", cell
    return eval(source, vars(http2) | vars(http2.constants))


def said(heading: str, column: str, number: int = 0) -> Defaults:
    """Return option -> default by *column* of table *number* under *heading*."""
    found = [(head, rows) for name, head, rows in tables("options.md") if name == heading]
    head, rows = found[number]
    assert all(len(row) == len(head) and row[-1] for row in rows)
    place = head.index(column)
    names = [row[0].strip("`") for row in rows]
    assert len(set(names)) == len(names)
    return {name: literal(row[place]) for name, row in zip(names, rows, strict=True) if row[place]}


# --- what the code says -----------------------------------------------------------------------


def of_dataclass(cls: Any) -> Defaults:
    return {
        field.name: field.default_factory() if field.default is MISSING else field.default  # type: ignore[misc]
        for field in fields(cls)
    }


def taken(function: Callable[..., Any]) -> Defaults:
    """Return what *function* takes out of its options by name: ``options.pop("x", 5)``, etc."""
    found: Defaults = {}
    scope = inspect.getmodule(function).__dict__
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "names":
            found = dict.fromkeys(ast.literal_eval(node.value)) | found
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in ("pop", "get") or not isinstance(node.args[0], ast.Constant):
                continue
            if ast.unparse(node.func.value) in ("options", "left", "identity"):
                default = ast.unparse(node.args[1]) if len(node.args) > 1 else "None"
                found[node.args[0].value] = eval(default, scope)
    return found


def of_signature(function: Callable[..., Any]) -> Defaults:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def names_of(options: Any) -> set[str]:
    """Return the keywords of *options*, a TypedDict."""
    return set(options.__annotations__)


def session_options(client: bool) -> Defaults:
    """Return the defaults of a side, except for settings without a value."""
    allowed = names_of(http2.ConnectOptions if client else http2.ServerOptions)
    found = of_dataclass(SessionOptions) | (options.CLIENT_DEFAULTS if client else {})
    found["settings"] = {}
    return {name: default for name, default in found.items() if name in allowed}


SERVER = (
    taken(servers._max_connections)
    | taken(servers._proxies)
    | taken(servers._http1_options)
    | of_dataclass(Dispatcher)
)  # fmt: skip
SECURE = taken(servers.create_secure_server) | taken(tls.server_context)
# arguments for the loop, with the loop's defaults
DIAL = {
    name: default
    for name, default in of_signature(asyncio.BaseEventLoop.create_connection).items()
    if name in client.DIAL_OPTIONS
}
CONNECT = (
    taken(client.connect) | DIAL | taken(tls.client_context)
)  # fmt: skip


# --- the tests --------------------------------------------------------------------------------


def test_sessions() -> None:
    for column in ("server", "client"):
        assert said("Sessions", column) == session_options(column == "client")


def test_servers_and_clients() -> None:
    assert said("Servers", "default") == SERVER
    assert said("Servers", "default", 1) == SECURE
    assert said("HTTP/1", "default") == of_dataclass(http2.Http1Options)
    assert said("Clients", "default") == CONNECT
    # the type checkers allow what is accepted
    server = {*SERVER, *session_options(False)}
    assert server == names_of(http2.ServerOptions)
    assert server | set(SECURE) == names_of(http2.SecureServerOptions)
    assert {*CONNECT, *session_options(True)} == names_of(http2.ConnectOptions)


def test_websockets() -> None:
    assert said("WebSockets", "server") == of_signature(http2.accept_websocket)
    assert said("WebSockets", "client") == of_signature(http2.connect_websocket)


def test_calls() -> None:
    found: dict[str, Defaults] = {}
    for name, default in said("Calls", "default").items():
        match = re.fullmatch(r"([\w.]+)\((\w+)=\)", name)
        assert match, name
        found.setdefault(match[1], {})[match[2]] = default
    doors = internal() - listed_names()
    known = {
        f"{owner}.{name}": of_signature(function)
        for owner, where in OWNERS.items()
        for name, function in inspect.getmembers(where, is_function)
        if not (name.startswith("_") or name.endswith("_websocket") or name in doors)
        and of_signature(function)
    }
    assert found == known
    # and there is no other one
    functions = set(found)
    for cls in {cls for cls in CLASSES.values() if inspect.isclass(cls)}:
        for name, function in inspect.getmembers(cls, is_function):
            if not (name.startswith("_") or name in doors) and of_signature(function):
                assert {f"{owner}.{name}" for owner in OWNERS} & functions, f"{cls}.{name}"


def numbers(cell: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", cell)]


def test_the_page_on_limits_says_the_same() -> None:
    both = session_options(False) | session_options(True)
    ((_, head, rows),) = tables("limits.md")[:1]
    for row in rows:
        names = re.findall(r"`(\w+)`", row[0])
        if names:
            assert numbers(row[head.index("default")]) == [both[name] for name in names]


def test_the_page_on_deadlines_says_the_same() -> None:
    ((_, head, rows),) = tables("deadlines.md")
    assert head[1:3] == ["server", "client"]
    for row in rows:
        names = re.findall(r"`(\w+)`", row[0])
        if names[0] == "http1_options":
            assert numbers(row[1]) == [of_dataclass(http2.Http1Options)[names[1]]]
            continue
        for cell, own in zip(row[1:3], map(session_options, (False, True)), strict=True):
            if cell:
                assert numbers(cell) == [own[names[0]]]


@pytest.mark.row("rule.options")
def test_each_function_takes_its_own_and_no_other(run: Run, certificate: Certificate) -> None:
    """Passing the defaults changes nothing; options of the other side raise."""
    everything = session_options(False) | session_options(True) | CONNECT | SECURE | SERVER
    identity = {"cert": certificate.cert, "key": certificate.key}

    async def main() -> None:
        url = "https://127.0.0.1:1"
        own: Defaults
        for function, own, needed in (
            (http2.create_server, session_options(False) | SERVER, {}),
            (http2.create_secure_server, session_options(False) | SERVER | SECURE, identity),
            (lambda **given: http2.connect(url, **given), session_options(True) | CONNECT, {}),
        ):  # fmt: skip
            call: Any = function
            for name, default in everything.items():
                if name not in own:
                    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
                        call(**needed, **{name: default})
            made = call(**(own | needed))
            plain = call(**needed)
            assert made.options == plain.options
            for each in (made, plain):
                if isinstance(each, http2.ClientHttp2Session):
                    each.on("error", lambda _: None)
                    each.destroy()

    run(main())
