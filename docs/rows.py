"""The rows of Node's module: the library's name for each, and the tests that prove it.

`docs/rows.toml` is the list; a test claims rows with ``@pytest.mark.row("session.ping", …)``,
and the marks are read from the source, so that the documentation can be built from them
without running anything. The list is in order (`problems`) when

- every row names something that exists, and has a test, unless it is planned;
- no test claims a row that is not in the list;
- every public name, and every public member, event and option, has a row.

From an id to a name: the longest prefix in `CLASSES` is the class of which the rest is a member;
``event`` and ``option`` before the last part make it an event of the class or an option of the
function. A row with a Python form and without a name in the library is a rule.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, is_typeddict

import http2
import http2.asgi
import http2.metrics
from http2.common.emitter import EventEmitter
from http2.compat.request import ServerRequest
from http2.compat.response import ServerResponse
from http2.compat.socket import StreamSocketProxy
from http2.net.socket import SocketProxy
from http2.sessions.options import SessionOptions
from http2.streams.duplex import Duplex

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "rows.toml"

CLASSES: dict[str, Any] = {
    "module": http2,
    "settings": http2.Settings,
    "headers": http2.Headers,
    "session": http2.Http2Session,
    "session.state": http2.SessionState,
    "session.socket": SocketProxy,
    "server_session": http2.ServerHttp2Session,
    "client_session": http2.ClientHttp2Session,
    "stream": http2.Http2Stream,
    "stream.state": http2.StreamState,
    "client_stream": http2.ClientHttp2Stream,
    "server_stream": http2.ServerHttp2Stream,
    "file_range": http2.FileRange,
    "duplex": Duplex,
    "emitter": EventEmitter,
    "server": http2.Http2Server,
    "secure_server": http2.Http2SecureServer,
    "unknown_protocol_socket": http2.UnknownProtocolSocket,
    "handshake_socket": http2.HandshakeSocket,
    "http1_options": http2.Http1Options,
    "raw_socket": http2.RawSocket,
    "request": ServerRequest,
    "response": ServerResponse,
    "request_socket": StreamSocketProxy,
    "observer": http2.PerformanceObserver,
    "entries": http2.PerformanceObserverEntryList,
    "metrics": http2.PerformanceEntry,
    "metrics.stream": http2.Http2StreamEntry,
    "metrics.session": http2.Http2SessionEntry,
    "websocket": http2.WebSocket,
    "access_log": http2.AccessLog,
    "access_formatter": http2.AccessFormatter,
    "http1_request": http2.Http1IncomingMessage,
    "http2_metrics": http2.metrics,
    "http2_metrics.prometheus": http2.metrics.PrometheusMetrics,
    "http2_metrics.opentelemetry": http2.metrics.OpenTelemetryMetrics,
    "asgi": http2.asgi,
    "asgi.handler": http2.asgi.Handler,
}
# Prefixes whose options belong to a function, not to a method.
FUNCTIONS: dict[str, Any] = {
    "server": http2.create_server,
    "secure_server": http2.create_secure_server,
    "connect": http2.connect,
}
# The variable that stands for an instance in the tables.
VARIABLES = {"module": "http2", "file_range": "range",
             "client_session": "session", "server_session": "session",
             "client_stream": "stream", "server_stream": "stream", "duplex": "stream",
             "secure_server": "server", "request_socket": "request.socket",
             "asgi.handler": "handler",
             "http2_metrics.prometheus": "metrics", "http2_metrics.opentelemetry": "metrics",
             "metrics": "entry", "metrics.stream": "entry", "metrics.session": "entry"}  # fmt: skip
# Their options; a secure server has those of a server too.
OPTIONS: dict[str, Any] = {
    "server": http2.ServerOptions,
    "secure_server": http2.SecureServerOptions,
    "connect": http2.ConnectOptions,
}
# The interfaces of rooms: names without underscore that only other rooms of the library use.
DOORS = tuple(
    importlib.import_module(f"http2.{path.parent.name}.interfaces")
    for path in sorted((ROOT / "src" / "http2").glob("*/interfaces.py"))
)
# Members that every exception has, or that are in the constants' own table.
UNLISTED = {"add_note", "args", "with_traceback"}

_EVENT = re.compile(r"``(\w+)(?:\(([^)]*)\))?``")
_EVENTS = re.compile(r"(?:^|\n)(?:Further e|E)vents:(.*?)(?:\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One property, method, event, option or rule."""

    id: str
    node: str
    text: str
    form: str | None
    planned: bool

    @property
    def prefix(self) -> str:
        """The class, module or function to which the rest of the id belongs."""
        known = [name for name in {**CLASSES, **FUNCTIONS} if self.id.startswith(name + ".")]
        return max(known, key=len, default="")

    @property
    def path(self) -> list[str]:
        """The parts of the id after the prefix."""
        return self.id[len(self.prefix) + 1 :].split(".") if self.prefix else [self.id]

    def exists(self) -> bool:
        """Return whether the library has the name of the row."""
        match self.path:
            case ["event", name]:
                return name in events_of(CLASSES[self.prefix])
            case ["option", name]:
                return name in options_of(self.prefix)
            case [method, "option", name]:
                function = getattr(CLASSES[self.prefix], method, None)
                return function is not None and name in inspect.signature(function).parameters
            case [name] if self.prefix:
                return has_member(CLASSES.get(self.prefix), name)
        return False

    @property
    def python(self) -> str:
        """The Python form of the row."""
        if self.form is not None:
            return self.form
        variable = VARIABLES.get(self.prefix, self.prefix)
        match self.path:
            case ["event", name]:
                given = events_of(CLASSES[self.prefix]).get(name, "")
                return f'{variable}.on("{name}")' + (f" → {given}" if given else "")
            case ["option", name]:
                default = options_of(self.prefix).get(name, "")
                return f"{name}={default or '…'}"
            case [method, "option", name]:
                found = getattr(CLASSES[self.prefix], method, None)
                default = default_of(inspect.signature(found), name) if found else ""
                return f"{variable}.{method}({name}={default})"
        name = self.path[-1]
        if not self.prefix:
            return name
        member = getattr(CLASSES[self.prefix], name, None)
        if is_function(member):
            return f"{variable}.{name}{short_signature(member)}"
        return f"{variable}.{name}"


def is_function(found: object) -> bool:
    """Return whether *found* is a function or a method, in Python or compiled."""
    return inspect.isfunction(found) or type(found).__name__ == "cython_function_or_method"


@dataclass(frozen=True)
class Group:
    """Rows under one heading, with an example of them."""

    title: str
    text: str
    example: str | None
    session: bool
    rows: list[Row]


def default_of(signature: inspect.Signature, name: str) -> str:
    """Return the default of parameter *name* as source; empty if there is none."""
    parameter = signature.parameters.get(name)
    if parameter is None or parameter.default is parameter.empty:
        return ""
    return repr(parameter.default)


def short_signature(function: Any) -> str:
    """Return the signature without types and without self."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    text = str(inspect.Signature(parameters))
    return re.sub(r"=<[^>]*>", "=…", text)


@functools.cache
def events_of(cls: Any) -> dict[str, str]:
    """Return the events in the docstrings of *cls* and its bases, with their arguments."""
    found: dict[str, str] = {}
    for base in cls.__mro__ if inspect.isclass(cls) else ():
        for paragraph in _EVENTS.findall(inspect.cleandoc(base.__dict__.get("__doc__") or "")):
            for name, arguments in _EVENT.findall(paragraph):
                found.setdefault(name, arguments)
    return found


@functools.cache
def options_of(prefix: str) -> dict[str, str]:
    """Return the options of the function of *prefix*, with their defaults where known."""
    function = FUNCTIONS[prefix]
    signature = inspect.signature(function)
    found = {name: default_of(signature, name) for name in signature.parameters}
    defaults = SessionOptions.take({}, least_pairs=1, client=prefix == "connect")
    for name in OPTIONS[prefix].__annotations__:
        value = getattr(defaults, name, "")
        found[name] = "" if isinstance(value, str | http2.Settings) else repr(value)
    return found


def has_member(owner: Any, name: str) -> bool:
    """Return whether *owner*, a module or class, has the public *name*; annotations count."""
    if hasattr(owner, name):
        return True
    bases = owner.__mro__ if inspect.isclass(owner) else ()
    return any(name in inspect.get_annotations(base) for base in bases)


@functools.cache
def groups() -> tuple[Group, ...]:
    """Return the list."""
    data = tomllib.loads(LIST.read_text())
    planned = set(data["planned"])
    return tuple(
        Group(
            group["title"],
            group.get("text", ""),
            group.get("example"),
            group.get("session", False),
            [
                Row(id, node, text, form[0] if form else None, id in planned)
                for id, (node, text, *form) in group["rows"].items()
            ],
        )
        for group in data["group"]
    )


def rows() -> dict[str, Row]:
    """Return the rows by their ids."""
    return {row.id: row for group in groups() for row in group.rows}


@functools.cache
def marks() -> dict[str, list[str]]:
    """Return the tests that claim each row, as ``room/file.py::test``, from the sources."""
    found: dict[str, list[str]] = {}
    tests = ROOT / "tests"
    for path in sorted(tests.rglob("test_*.py")):
        file = path.relative_to(tests).as_posix()
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for decorator in node.decorator_list:
                if (
                    isinstance(decorator, ast.Call)
                    and ast.unparse(decorator.func) == "pytest.mark.row"
                ):
                    for argument in decorator.args:
                        claimed = ast.literal_eval(argument)
                        found.setdefault(claimed, []).append(f"{file}::{node.name}")
    return found


@functools.cache
def internal() -> frozenset[str]:
    """Return the names that the rooms' protocols declare: applications do not use them."""
    return frozenset(
        name
        for module in DOORS
        for protocol in vars(module).values()
        if inspect.isclass(protocol) and protocol.__module__ == module.__name__
        for name in [*protocol.__dict__, *inspect.get_annotations(protocol)]
        if not name.startswith("_")
    )


def listed_names() -> frozenset[str]:
    """Return the last parts of the rows: an internal name may be public in another class."""
    return frozenset(row.path[-1] for row in rows().values())


def members_of(cls: type) -> Iterator[str]:
    """Return the public members of *cls* that this library defines: without those of `dict`."""
    seen = {name for base in cls.__mro__ if base is dict for name in dir(base)}
    for base in cls.__mro__:
        if not base.__module__.startswith("http2"):
            continue
        for name in [*base.__dict__, *inspect.get_annotations(base)]:
            if not name.startswith("_") and name not in UNLISTED and name not in seen:
                seen.add(name)
                yield name


def uncovered() -> Iterator[str]:
    """Return the public names, members, events and options without a row."""
    listed = set(rows())
    prefixes = {cls: prefix for prefix, cls in CLASSES.items() if inspect.isclass(cls)}

    def covered(cls: type, rest: str) -> bool:
        return any(f"{prefixes.get(base)}.{rest}" in listed for base in lineage(cls))

    for name in http2.__all__:
        if f"module.{name}" not in listed:
            yield f"http2.{name}"
    classes = [value for value in vars(http2).values() if inspect.isclass(value)]
    for cls in dict.fromkeys([*classes, *prefixes]):
        # the options have rows of their own
        if is_typeddict(cls) or cls is SessionOptions:
            continue
        if issubclass(cls, BaseException) or cls.__name__ not in {
            *http2.__all__, *(known.__name__ for known in prefixes),
        }:  # fmt: skip
            continue
        for member in members_of(cls):
            if member not in internal() and not covered(cls, member):
                yield f"{cls.__name__}.{member}"
        for event in events_of(cls):
            if not covered(cls, f"event.{event}"):
                yield f"{cls.__name__}: event {event}"
        for name, function in inspect.getmembers(cls, is_function):
            hidden = name.startswith("_") or name in internal()
            for option in () if hidden else keywords_of(function):
                if not covered(cls, f"{name}.option.{option}"):
                    yield f"{cls.__name__}.{name}: option {option}"
    for prefix, options in OPTIONS.items():
        # the table of a secure server has only its additional options
        known = {} if prefix != "secure_server" else OPTIONS["server"].__annotations__
        for option in options.__annotations__.keys() - known:
            if f"{prefix}.option.{option}" not in listed:
                yield f"{prefix}: option {option}"


def keywords_of(function: Any) -> list[str]:
    """Return the keyword-only parameters of *function*: its options."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def lineage(cls: type) -> Iterator[type]:
    """Return *cls*, its bases and derived classes: the row may belong to any of them."""
    yield from cls.__mro__
    for known in CLASSES.values():
        if inspect.isclass(known) and issubclass(known, cls):
            yield known


def problems() -> list[str]:
    """Return the problems of the list and of the marks; empty if everything is proven."""
    known = rows()
    claimed = marks()
    found = [f"{name} has no row in docs/rows.toml" for name in uncovered()]
    found += [
        f"{', '.join(tests)}: there is no row {id!r}"
        for id, tests in claimed.items()
        if id not in known
    ]
    for row in known.values():
        if row.planned and row.id in claimed:
            found.append(f"{row.id} is planned, and yet proven")
        elif not row.planned and row.id not in claimed:
            found.append(f"{row.id} has no test")
        if not row.planned and row.form is None and not row.exists():
            found.append(f"{row.id} names nothing that exists")
    data = tomllib.loads(LIST.read_text())
    found += [f"{id} is planned, but no row" for id in data["planned"] if id not in known]
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def page() -> str:
    """Return the tables of the page "Coming from Node", in Markdown."""
    claimed = marks()
    known = rows().values()
    proven = sum(not row.planned for row in known)
    parts = [
        f"{len(known)} rows; {proven} of them are proven, {len(known) - proven} not there yet.\n"
    ]
    for group in groups():
        parts.append(f"### {group.title}\n")
        if group.text:
            parts.append(f"{group.text}\n")
        if group.example:
            parts.append(f"```python\n{group.example.strip()}\n```\n")
        parts.append("| Node | Python | | proven by |\n|---|---|---|---|")
        for row in group.rows:
            node = f"`{row.node}`" if row.node else "—"
            proof = "<br>".join(f"`{test}`" for test in claimed.get(row.id, ()))
            if row.planned:
                proof = "not yet"
            parts.append(f"| {_cell(node)} | `{_cell(row.python)}` | {_cell(row.text)} | {proof} |")
        parts.append("")
    return "\n".join(parts)
