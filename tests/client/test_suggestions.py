"""For a misspelled name, or Node's spelling, the error or a warning suggests the right one."""

from __future__ import annotations

import functools
import re
import warnings
from typing import Any

import pytest

import http2
from http2.common.emitter import EVENTS, EventEmitter

from ..support.paths import DOCS
from ..support.running import Run
from ..support.serving import hello, serving


def test_every_event_is_known() -> None:
    rows = (DOCS / "rows.toml").read_text()
    assert set(re.findall(r'^"\w+\.event\.(\w+)"', rows, re.MULTILINE)) == EVENTS


@pytest.mark.parametrize(
    ("event", "meant"),
    [("wantTrailers", "want_trailers"), ("requests", "request"),
     ("remoteSettings", "remote_settings"), ("sesion", "session"),
     ("tlsClientError", "tls_client_error"), ("Close", "close")],
)  # fmt: skip
@pytest.mark.parametrize("how", ["on", "once", "prepend_listener", "decorator"])
@pytest.mark.row("emitter.on", "emitter.once")
def test_events_that_are_nearly_right(event: str, meant: str, how: str) -> None:
    emitter = EventEmitter()
    register = getattr(emitter, "on" if how == "decorator" else how)
    if how == "decorator":
        register = emitter.on(event)
        with pytest.warns(UserWarning, match=f"did you mean '{meant}'") as caught:
            register(print)
    else:
        with pytest.warns(UserWarning, match=f"did you mean '{meant}'") as caught:
            register(event, print)
    assert caught[0].filename == __file__
    assert emitter.listeners(event) == [print]


@pytest.mark.parametrize("event", ["busy", "my_event", "", "x" * 1000, "stream", "done"])
def test_events_of_a_program_s_own(event: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EventEmitter().on(event, print)


@pytest.mark.parametrize("how", ["on", "once", "prepend_listener"])
def test_none_is_no_listener(how: str) -> None:
    emitter: Any = EventEmitter()
    with pytest.raises(TypeError) as caught:
        getattr(emitter, how)("close", None)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("maxConcurrentStreams", "max_concurrent_streams"), ("enablePush", "enable_push"),
     ("max_frame_sise", "max_frame_size")],
)  # fmt: skip
@pytest.mark.row("rule.options")
def test_settings(wrong: str, meant: str) -> None:
    with pytest.raises(http2.Http2Error, match=f"did you mean '{meant}'"):
        http2.create_server(settings={wrong: 1})
    with pytest.raises(http2.Http2Error, match=r"nonsense'$"):
        http2.get_packed_settings({"nonsense": 1})


def test_options(run: Run) -> None:
    connecting = functools.partial(http2.connect, "http://localhost")

    async def main() -> None:
        for function, wrong, meant in (
            (http2.create_server, "allowHTTP1", "allow_http1"),
            (http2.create_server, "max_conections", "max_connections"),
            (connecting, "tiemout", "timeout"),
            (connecting, "localAddr", "local_addr"),
        ):  # fmt: skip
            call: Any = function
            with pytest.raises(TypeError, match=f"{wrong}.*did you mean '{meant}'"):
                call(**{wrong: 1})
        with pytest.raises(TypeError, match=r"'colour'$"):
            http2.create_server(colour="red")

    run(main())


@pytest.mark.parametrize(
    "path", ["/a b", "a", "", "*", "/a\tb", "/a\rb", "/\x7f", "?q", "http://x/"]
)
@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.row("client_session.request", "module.HeaderError")
def test_paths_that_no_server_takes(run: Run, path: str, connected: bool) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            if connected:
                await session
            with pytest.raises(http2.HeaderError):
                session.request({":path": path})
            for headers in (
                {":path": "*", ":method": "OPTIONS"},
                {":method": "OPTIONS", ":path": "*"},
                {":path": "/\xe4?%20#"},
            ):
                stream = session.request(headers)
                assert (await stream.response())[":status"] == 200
            await session.close(timeout=0)

    run(main())


@pytest.mark.row("observer.observe")
def test_what_can_be_observed() -> None:
    observer = http2.PerformanceObserver(print)
    wrong: Any
    for wrong in ({"entry_types": ["http2"]}, ["typo"], ["http2", "htp2"], "http2", [2]):
        with pytest.raises((TypeError, ValueError)):
            observer.observe(wrong)
    observer.observe(["mark"])
    observer.disconnect()
