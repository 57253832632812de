"""The hierarchy of errors, its table, and its factories."""

import copy
import json
import pickle

import pytest

from http2 import constants, errors
from http2.errors import (
    CODES,
    AbortError,
    GoAwayError,
    HeaderError,
    Http2ArgumentError,
    Http2Error,
    Http2TypeError,
    Http2ValueError,
    NghttpError,
    SessionError,
    StreamError,
    error_code_name,
    new_error,
    nghttp_error,
    session_error,
    stream_error,
)

from ..support.paths import DATA

NODE = json.loads((DATA / "node_http2.json").read_text())

# Code -> class, and the arguments that fill its message.
EXPECTED: dict[str, tuple[type[Http2Error], tuple[object, ...]]] = {
    "ABORT_ERR": (AbortError, ()),
    "ERR_HTTP2_ALTSVC_INVALID_ORIGIN": (Http2TypeError, ()),
    "ERR_HTTP2_ALTSVC_LENGTH": (Http2TypeError, ()),
    "ERR_HTTP2_CONNECT_AUTHORITY": (Http2ValueError, ()),
    "ERR_HTTP2_CONNECT_PATH": (Http2ValueError, ()),
    "ERR_HTTP2_CONNECT_SCHEME": (Http2ValueError, ()),
    "ERR_HTTP2_ERROR": (NghttpError, (-505,)),
    "ERR_HTTP2_GOAWAY_SESSION": (GoAwayError, ()),
    "ERR_HTTP2_HEADERS_AFTER_RESPOND": (Http2Error, ()),
    "ERR_HTTP2_HEADERS_SENT": (Http2Error, ()),
    "ERR_HTTP2_HEADER_SINGLE_VALUE": (HeaderError, ("x-name",)),
    "ERR_HTTP2_INFO_STATUS_NOT_ALLOWED": (Http2ValueError, ()),
    "ERR_HTTP2_INVALID_CONNECTION_HEADERS": (HeaderError, ("x-name",)),
    "ERR_HTTP2_INVALID_HEADER_VALUE": (HeaderError, ("bad value", "x-name")),
    "ERR_HTTP2_INVALID_INFO_STATUS": (Http2ValueError, (777,)),
    "ERR_HTTP2_INVALID_ORIGIN": (Http2TypeError, ()),
    "ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH": (Http2ValueError, ()),
    "ERR_HTTP2_INVALID_PSEUDOHEADER": (HeaderError, (":nope",)),
    "ERR_HTTP2_INVALID_SESSION": (Http2Error, ()),
    "ERR_HTTP2_INVALID_SETTING_VALUE": (Http2ValueError, ("max_frame_size", 1)),
    "ERR_HTTP2_INVALID_STREAM": (Http2Error, ()),
    "ERR_HTTP2_MAX_PENDING_SETTINGS_ACK": (Http2Error, ()),
    "ERR_HTTP2_NESTED_PUSH": (Http2Error, ()),
    "ERR_HTTP2_NO_MEM": (Http2Error, ()),
    "ERR_HTTP2_NO_SOCKET_MANIPULATION": (Http2Error, ()),
    "ERR_HTTP2_ORIGIN_LENGTH": (Http2TypeError, ()),
    "ERR_HTTP2_OUT_OF_STREAMS": (Http2Error, ()),
    "ERR_HTTP2_PAYLOAD_FORBIDDEN": (Http2ValueError, (204,)),
    "ERR_HTTP2_PING_CANCEL": (Http2Error, ()),
    "ERR_HTTP2_PING_LENGTH": (Http2ValueError, ()),
    "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED": (HeaderError, ()),
    "ERR_HTTP2_PUSH_DISABLED": (Http2Error, ()),
    "ERR_HTTP2_SEND_FILE": (Http2Error, ()),
    "ERR_HTTP2_SEND_FILE_NOSEEK": (Http2Error, ()),
    "ERR_HTTP2_SESSION_ERROR": (SessionError, (1,)),
    "ERR_HTTP2_SETTINGS_CANCEL": (Http2Error, ()),
    "ERR_HTTP2_SOCKET_BOUND": (Http2Error, ()),
    "ERR_HTTP2_SOCKET_UNBOUND": (Http2Error, ()),
    "ERR_HTTP2_STATUS_101": (Http2ValueError, ()),
    "ERR_HTTP2_STATUS_INVALID": (Http2ValueError, (777,)),
    "ERR_HTTP2_STREAM_CANCEL": (StreamError, ()),
    "ERR_HTTP2_STREAM_ERROR": (StreamError, (2,)),
    "ERR_HTTP2_STREAM_SELF_DEPENDENCY": (Http2ValueError, ()),
    "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS": (Http2ValueError, ()),
    "ERR_HTTP2_TOO_MANY_INVALID_FRAMES": (Http2Error, ()),
    "ERR_HTTP2_TRAILERS_ALREADY_SENT": (Http2Error, ()),
    "ERR_HTTP2_TRAILERS_NOT_READY": (Http2Error, ()),
    "ERR_HTTP2_UNSUPPORTED_PROTOCOL": (Http2ValueError, ("gopher:",)),
    "ERR_HTTP_CONTENT_LENGTH_MISMATCH": (Http2Error, ()),
    "ERR_INVALID_ARG_TYPE": (Http2TypeError, ("payload", "a buffer", 5)),
    "ERR_INVALID_ARG_VALUE": (Http2ArgumentError, ("weight", "heavy")),
    "ERR_INVALID_CHAR": (HeaderError, ("header content", "x-name")),
    "ERR_INVALID_HTTP_TOKEN": (HeaderError, ("Method", "G T")),
    "ERR_OUT_OF_RANGE": (Http2ValueError, ("id", "1 to 5", 6)),
    "ERR_SOCKET_CLOSED": (Http2Error, ()),
    "ERR_STREAM_PREMATURE_CLOSE": (Http2Error, ()),
    "ERR_STREAM_WRITE_AFTER_END": (Http2Error, ()),
}


@pytest.mark.row("module.errors", "rule.errors")
def test_codes_are_those_of_node() -> None:
    assert len(NODE["error_codes"]) == 46
    assert {*NODE["error_codes"], "ERR_HTTP2_ERROR"} == CODES
    assert set(errors._TABLE) == set(EXPECTED)


@pytest.mark.row("module.Http2Error")
@pytest.mark.parametrize("code", EXPECTED)
def test_class_and_message(code: str) -> None:
    cls, args = EXPECTED[code]
    error = new_error(code, *args)
    assert type(error) is cls
    assert error.code == code
    assert error.retryable is False
    assert str(error)
    assert "{" not in str(error)
    for arg in args:
        if code == "ERR_INVALID_ARG_TYPE" and arg == 5:
            assert str(error) == "payload must be a buffer, not int"
        elif cls not in (StreamError, SessionError):
            assert str(arg) in str(error)
    if args:
        with pytest.raises(IndexError):
            new_error(code, *args[:-1])
    other = new_error(code, *args, message="other {}", retryable=True)
    assert type(other) is cls
    assert other.code == code
    assert str(other) == "other {}"
    assert other.retryable is True


@pytest.mark.row("module.HeaderError", "module.GoAwayError")
def test_what_programs_catch_has_classes() -> None:
    with pytest.raises(HeaderError) as wrong:
        raise new_error("ERR_INVALID_CHAR", "header content", "x-name")
    assert isinstance(wrong.value, Http2TypeError)
    with pytest.raises(GoAwayError) as gone:
        raise new_error("ERR_HTTP2_GOAWAY_SESSION", retryable=True)
    assert gone.value.retryable


@pytest.mark.row("module.Http2TypeError", "module.Http2ValueError")
def test_wrong_arguments_are_errors_of_python_too() -> None:
    assert issubclass(Http2TypeError, TypeError)
    assert issubclass(Http2ValueError, ValueError)
    assert issubclass(Http2ArgumentError, (Http2TypeError, Http2ValueError))
    for cls in (Http2Error, StreamError, SessionError, NghttpError, AbortError):
        assert not issubclass(cls, (TypeError, ValueError))
        assert issubclass(cls, Http2Error)


def test_unknown_code() -> None:
    with pytest.raises(KeyError, match="ERR_NOPE"):
        new_error("ERR_NOPE")


def test_long_values_are_cut() -> None:
    assert len(str(new_error("ERR_INVALID_ARG_VALUE", "body", b"x" * 10**6))) < 200


@pytest.mark.parametrize("code", ["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_ERROR"])
def test_a_carried_number_must_be_a_number(code: str) -> None:
    with pytest.raises(TypeError, match="number"):
        new_error(code, "five")


def test_repr_shows_class_and_code() -> None:
    error = Http2Error("ERR_HTTP2_INVALID_STREAM", "gone")
    assert repr(error) == "Http2Error('ERR_HTTP2_INVALID_STREAM', 'gone')"
    assert error.args == ("gone",)


@pytest.mark.row("module.StreamError", "beyond.retryable")
@pytest.mark.parametrize("error_code", range(14))
def test_stream_error(error_code: int) -> None:
    name = constants.ERROR_CODE_NAMES[error_code].removeprefix("NGHTTP2_")
    error = stream_error(error_code, 5)
    assert type(error) is StreamError
    assert error.code == "ERR_HTTP2_STREAM_ERROR"
    assert error.error_code == error_code
    assert error.stream_id == 5
    assert str(error) == f"stream 5 was reset with {name}"
    assert error.retryable is (error_code == constants.NGHTTP2_REFUSED_STREAM)
    assert stream_error(error_code, 5, retryable=True).retryable is True
    assert stream_error(error_code, 5, retryable=False).retryable is False
    without_id = stream_error(error_code, None)
    assert without_id.stream_id is None
    assert name in str(without_id)
    assert str(stream_error(error_code, 5, message="other")) == "other"
    assert new_error("ERR_HTTP2_STREAM_ERROR", error_code).retryable is error.retryable


@pytest.mark.row("module.SessionError")
def test_session_error() -> None:
    error = session_error(constants.NGHTTP2_PROTOCOL_ERROR)
    assert type(error) is SessionError
    assert error.code == "ERR_HTTP2_SESSION_ERROR"
    assert error.error_code == 1
    assert str(error) == "the session was closed with PROTOCOL_ERROR"
    assert error.retryable is False
    assert session_error(1, retryable=True).retryable is True
    assert str(session_error(1, message="other")) == "other"


def test_stream_cancel_carries_cancel() -> None:
    error = new_error("ERR_HTTP2_STREAM_CANCEL", retryable=True)
    assert isinstance(error, StreamError)
    assert error.error_code == constants.NGHTTP2_CANCEL
    assert error.stream_id is None


@pytest.mark.row("module.NghttpError")
def test_nghttp_error() -> None:
    error = nghttp_error(-505)
    assert type(error) is NghttpError
    assert error.code == "ERR_HTTP2_ERROR"
    assert error.errno == -505
    assert "-505" in str(error)
    assert str(nghttp_error(-505, message="Protocol error")) == "Protocol error"


def test_unknown_error_code_is_named_by_its_number() -> None:
    assert error_code_name(7) == "REFUSED_STREAM"
    assert error_code_name(0x2A) == "error code 0x2a"
    assert str(stream_error(0xFFFFFFFF, 1)) == "stream 1 was reset with error code 0xffffffff"


@pytest.mark.parametrize(
    "error",
    [
        *(new_error(code, *args, retryable=True) for code, (_, args) in EXPECTED.items()),
        stream_error(7, 9),
    ],
    ids=lambda error: error.code,
)
def test_pickle_and_copy(error: Http2Error) -> None:
    error.add_note("kept")
    copies = [copy.copy(error), copy.deepcopy(error)]
    copies += [
        pickle.loads(pickle.dumps(error, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for other in copies:
        assert type(other) is type(error)
        assert other.args == error.args
        assert str(other) == str(error)
        assert vars(other) == vars(error)
