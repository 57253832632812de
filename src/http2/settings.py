"""Represent and pack HTTP/2 settings: the parameters that an endpoint announces to its peer.

A setting is a 16-bit identifier with a 32-bit value (RFC 9113 section 6.5.1). `Settings` has
names for seven of them, and stores any others by their identifier.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, cast, overload

from . import constants
from .common.suggestions import did_you_mean
from .errors import new_error

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "MAX_CUSTOM_SETTINGS",
    "Settings",
    "get_default_settings",
    "get_packed_settings",
    "get_unpacked_settings",
]

# The largest number of unknown settings that Node sends.
MAX_CUSTOM_SETTINGS: Final = 10

_UINT16_MAX: Final = 2**16 - 1
_UINT32_MAX: Final = 2**32 - 1
_PAIR: Final = struct.Struct("!HI")

_T = TypeVar("_T", bound=int)


def _is_integer(value: object, low: int, high: int) -> bool:
    """Return whether a value is an integer within both bounds; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


class _Setting(Generic[_T]):
    """A known setting as an attribute: has a default until given, and checks assigned values."""

    def __init__(self, identifier: int, default: _T, low: int, high: int, doc: str) -> None:
        self.identifier = identifier
        self.default: _T = default
        self.low = low
        self.high = high
        self.name = ""
        self.__doc__ = doc

    def __set_name__(self, owner: type[Settings], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type[Settings]) -> Self: ...

    @overload
    def __get__(self, settings: Settings, owner: type[Settings]) -> _T: ...

    def __get__(self, settings: Settings | None, owner: type[Settings]) -> _T | Self:
        if settings is None:
            return self
        return cast("_T", settings._values.get(self.name, self.default))

    def __set__(self, settings: Settings, value: _T) -> None:
        self.check(value)
        settings._values[self.name] = value

    def check(self, value: object) -> None:
        """Raise ERR_HTTP2_INVALID_SETTING_VALUE unless the value is allowed."""
        if isinstance(self.default, bool):
            valid = isinstance(value, bool)
        else:
            valid = _is_integer(value, self.low, self.high)
        if not valid:
            raise new_error("ERR_HTTP2_INVALID_SETTING_VALUE", self.name, value)

    def decode(self, number: int) -> int:
        """Convert a received number to the attribute's value; any non-zero number is True."""
        return number != 0 if isinstance(self.default, bool) else number


class Settings:
    """The settings of one side of a session.

    Every setting has a value: the given one, else its default. `given` is the set of given
    settings; sending a `Settings` sends only these. An instance may be changed at any time,
    because functions that send one take a copy (`Settings.of`). Two instances are equal when all
    their values are.
    """

    __slots__ = ("_custom", "_values")

    header_table_size: _Setting[int] = _Setting(
        constants.NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
        constants.DEFAULT_SETTINGS_HEADER_TABLE_SIZE,
        0,
        _UINT32_MAX,
        "Size of the table for header compression, in bytes: 0 to 2**32-1.",
    )
    enable_push: _Setting[bool] = _Setting(
        constants.NGHTTP2_SETTINGS_ENABLE_PUSH,
        bool(constants.DEFAULT_SETTINGS_ENABLE_PUSH),
        0,
        1,
        "Whether the server may push streams.",
    )
    max_concurrent_streams: _Setting[int] = _Setting(
        constants.NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
        constants.DEFAULT_SETTINGS_MAX_CONCURRENT_STREAMS,
        0,
        _UINT32_MAX,
        "Number of streams that the peer may have open at a time: 0 to 2**32-1.",
    )
    initial_window_size: _Setting[int] = _Setting(
        constants.NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
        constants.DEFAULT_SETTINGS_INITIAL_WINDOW_SIZE,
        0,
        constants.MAX_INITIAL_WINDOW_SIZE,
        "Flow-control window of a new stream, in bytes of body: 0 to 2**31-1.",
    )
    max_frame_size: _Setting[int] = _Setting(
        constants.NGHTTP2_SETTINGS_MAX_FRAME_SIZE,
        constants.DEFAULT_SETTINGS_MAX_FRAME_SIZE,
        constants.MIN_MAX_FRAME_SIZE,
        constants.MAX_MAX_FRAME_SIZE,
        "Size of the largest frame payload, in bytes: 16384 to 2**24-1.",
    )
    max_header_list_size: _Setting[int] = _Setting(
        constants.NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
        constants.DEFAULT_SETTINGS_MAX_HEADER_LIST_SIZE,
        0,
        _UINT32_MAX,
        "Size of the largest header list accepted, in bytes uncompressed: 0 to 2**32-1.",
    )
    enable_connect_protocol: _Setting[bool] = _Setting(
        constants.NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL,
        bool(constants.DEFAULT_SETTINGS_ENABLE_CONNECT_PROTOCOL),
        0,
        1,
        "Whether the server accepts extended CONNECT (RFC 8441).",
    )

    def __init__(
        self,
        *,
        header_table_size: int | None = None,
        enable_push: bool | None = None,
        initial_window_size: int | None = None,
        max_frame_size: int | None = None,
        max_concurrent_streams: int | None = None,
        max_header_list_size: int | None = None,
        max_header_size: int | None = None,
        enable_connect_protocol: bool | None = None,
        custom_settings: Mapping[int, int] | None = None,
    ) -> None:
        """Create settings; a setting that is omitted or None counts as not given.

        Args:
            header_table_size: Size of the header compression table, in bytes.
            enable_push: Whether the server may push streams.
            initial_window_size: Flow-control window of a new stream, in bytes.
            max_frame_size: Size of the largest frame payload, in bytes.
            max_concurrent_streams: Number of streams that the peer may have open at a time.
            max_header_list_size: Size of the largest header list, in bytes uncompressed.
            max_header_size: Another name of `max_header_list_size`. It wins when both are given,
                with a `RuntimeWarning` when they differ.
            enable_connect_protocol: Whether the server accepts extended CONNECT.
            custom_settings: Values (0 to 2**32-1) by identifier (1 to 65535), at most 10. If an
                identifier belongs to a named setting, the value must be valid for it, and is sent
                unless the named setting is given too.

        Raises:
            Http2ValueError: A value has the wrong type or is out of range
                (ERR_HTTP2_INVALID_SETTING_VALUE), or there are more than 10 custom settings
                (ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS).
            Http2TypeError: `custom_settings` is not a mapping (ERR_INVALID_ARG_TYPE).
        """
        self._values: dict[str, int] = {}
        self._custom: dict[int, int] = {}
        if header_table_size is not None:
            self.header_table_size = header_table_size
        if enable_push is not None:
            self.enable_push = enable_push
        if initial_window_size is not None:
            self.initial_window_size = initial_window_size
        if max_frame_size is not None:
            self.max_frame_size = max_frame_size
        if max_concurrent_streams is not None:
            self.max_concurrent_streams = max_concurrent_streams
        if max_header_list_size is not None:
            self.max_header_list_size = max_header_list_size
        if max_header_size is not None:
            self.max_header_size = max_header_size
            if max_header_list_size not in (None, max_header_size):
                warnings.warn(
                    "max_header_size overrides a different max_header_list_size",
                    RuntimeWarning,
                    stacklevel=2,
                )
        if enable_connect_protocol is not None:
            self.enable_connect_protocol = enable_connect_protocol
        if custom_settings is not None:
            self.custom_settings = custom_settings

    @property
    def max_header_size(self) -> int:
        """Another name of `max_header_list_size`."""
        return self.max_header_list_size

    @max_header_size.setter
    def max_header_size(self, value: int) -> None:
        if not _is_integer(value, 0, _UINT32_MAX):
            # The error must name the assigned attribute.
            raise new_error("ERR_HTTP2_INVALID_SETTING_VALUE", "max_header_size", value)
        self.max_header_list_size = value

    @property
    def custom_settings(self) -> dict[int, int]:
        """Values (0 to 2**32-1) of settings without a name, by their identifier (1 to 65535).

        The dict may be changed in place; it is checked again when the settings are sent. Any
        mapping can be assigned, and is copied.
        """
        return self._custom

    @custom_settings.setter
    def custom_settings(self, value: Mapping[int, int]) -> None:
        _check_custom(value)
        self._custom = dict(value)

    @property
    def given(self) -> frozenset[str]:
        """Names of the given settings; includes `custom_settings` if there are any."""
        return frozenset((*self._values, "custom_settings") if self._custom else self._values)

    @staticmethod
    def of(value: Settings | Mapping[str, object] | None) -> Settings:
        """Convert an argument to a checked copy.

        Args:
            value: A `Settings`, a mapping with the names of its keywords as keys, or None for
                settings without given values.

        Returns:
            A new instance, which later changes to `value` do not affect.

        Raises:
            Http2ArgumentError: The mapping has an unknown key (ERR_INVALID_ARG_VALUE).
            Http2TypeError: `value` has another type (ERR_INVALID_ARG_TYPE).
            Http2ValueError: As the constructor.
        """
        if value is None:
            return Settings()
        if isinstance(value, Settings):
            # Received values and a dict that was changed in place have not been checked.
            for name in value.given & _BY_NAME.keys():
                _BY_NAME[name].check(getattr(value, name))
            _check_custom(value.custom_settings)
            return value.__copy__()
        if not isinstance(value, Mapping):
            raise new_error("ERR_INVALID_ARG_TYPE", "settings", "a Settings or a mapping", value)
        for key in value:
            if key not in _KEYWORDS:
                message = f"a key of settings cannot be {key!r:.128}{did_you_mean(key, _KEYWORDS)}"
                raise new_error("ERR_INVALID_ARG_VALUE", message=message)
        given: dict[str, Any] = {**value}  # the constructor checks each
        return Settings(**given)

    @staticmethod
    def from_pairs(pairs: Iterable[tuple[int, int]]) -> Settings:
        """Create settings from the contents of a SETTINGS frame.

        The peer's values are not checked, and there may be any number of unknown identifiers.
        A later pair replaces an earlier one with its identifier (RFC 9113 section 6.5.3).

        Args:
            pairs: (identifier, value) of each setting.

        Returns:
            Settings with exactly these given.
        """
        settings = Settings()
        for identifier, number in pairs:
            known = _BY_IDENTIFIER.get(identifier)
            if known is None:
                settings.custom_settings[identifier] = number
            else:
                settings._values[known.name] = known.decode(number)
        return settings

    def to_pairs(self) -> list[tuple[int, int]]:
        """List the given settings in the form of a SETTINGS frame.

        Returns:
            (identifier, value) pairs in Node's order: named ones first, each group by identifier.
        """
        values = self._values
        if not self._custom:
            # the common case: every connection begins with it
            return [(number, int(values[name])) for name, number in _ORDER if name in values]
        pairs: list[tuple[int, int]] = []
        for name, identifier in _ORDER:
            number = values.get(name, self._custom.get(identifier))
            if number is not None:
                pairs.append((identifier, int(number)))
        pairs += sorted(
            (identifier, number)
            for identifier, number in self._custom.items()
            if identifier not in _BY_IDENTIFIER
        )
        return pairs

    def as_dict(self) -> dict[str, Any]:
        """Copy all values, given or default, into a dict; `Settings(**copy)` is equal."""
        values: dict[str, object] = {
            name: self._values.get(name, setting.default) for name, setting in _BY_NAME.items()
        }
        values["custom_settings"] = dict(self._custom)
        return values

    def __copy__(self) -> Settings:
        """Return an independent copy: assignments to one do not affect the other."""
        copy = Settings()
        copy._values.update(self._values)
        copy.custom_settings.update(self._custom)
        return copy

    # Mutable and compared by value: defining this leaves the class without a hash.
    def __eq__(self, other: object) -> bool:
        """Compare all values, whether given or default."""
        if not isinstance(other, Settings):
            return NotImplemented
        return self.as_dict() == other.as_dict()

    def __repr__(self) -> str:
        """Show the given settings, as the call that creates an equal instance."""
        given: dict[str, object] = {n: self._values[n] for n in _BY_NAME if n in self._values}
        if self._custom:
            given["custom_settings"] = self._custom
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in given.items())})"


# In the order of their identifiers, which is the order in which Node packs them.
_BY_NAME: Final[dict[str, _Setting[Any]]] = {
    name: setting for name, setting in vars(Settings).items() if isinstance(setting, _Setting)
}
_BY_IDENTIFIER: Final[dict[int, _Setting[Any]]] = {s.identifier: s for s in _BY_NAME.values()}
_ORDER: Final = tuple((name, setting.identifier) for name, setting in _BY_NAME.items())
_KEYWORDS: Final = frozenset((*_BY_NAME, "max_header_size", "custom_settings"))


def _check_custom(custom: object) -> None:
    """Check custom settings: a mapping, its size, every identifier and value."""
    if not isinstance(custom, Mapping):
        raise new_error("ERR_INVALID_ARG_TYPE", "custom_settings", "a mapping", custom)
    if len(custom) > MAX_CUSTOM_SETTINGS:
        raise new_error("ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS")
    for identifier, number in custom.items():
        if not _is_integer(identifier, 1, _UINT16_MAX):
            raise new_error(
                "ERR_HTTP2_INVALID_SETTING_VALUE", "identifier in custom_settings", identifier
            )
        # The peer closes the connection for an illegal value of a setting that it knows.
        known = _BY_IDENTIFIER.get(identifier)
        low, high = (0, _UINT32_MAX) if known is None else (known.low, known.high)
        if not _is_integer(number, low, high):
            raise new_error(
                "ERR_HTTP2_INVALID_SETTING_VALUE", f"{identifier} in custom_settings", number
            )


def get_default_settings() -> Settings:
    """Return settings with the default values; all except custom ones are given.

    Returns:
        A new instance at every call, which the caller may change.
    """
    return Settings.from_pairs((s.identifier, int(s.default)) for s in _BY_NAME.values())


def get_packed_settings(settings: Settings | Mapping[str, object] | None = None) -> bytes:
    """Pack settings as the payload of a SETTINGS frame, for a `HTTP2-Settings` header field.

    Args:
        settings: The settings to pack; only given ones are packed.

    Returns:
        Six bytes for each setting (RFC 9113 section 6.5.1).

    Raises:
        Http2TypeError: As `Settings.of`.
        Http2ValueError: As `Settings.of`.
    """
    return b"".join([_PAIR.pack(*pair) for pair in Settings.of(settings).to_pairs()])


def get_unpacked_settings(buf: Buffer) -> Settings:
    """Unpack the payload of a SETTINGS frame. The values are not checked, as in Node.

    Args:
        buf: Any contiguous buffer: bytes, bytearray, memoryview, array, ...

    Returns:
        Settings with those in the buffer given; identifiers without a name, in any number,
        are in `custom_settings`.

    Raises:
        Http2TypeError: `buf` is not a buffer (ERR_INVALID_ARG_TYPE).
        Http2ValueError: The length is not a multiple of six
            (ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH).
    """
    try:
        view = memoryview(buf)
    except TypeError:
        raise new_error("ERR_INVALID_ARG_TYPE", "buf", "a bytes-like object", buf) from None
    if view.nbytes % _PAIR.size:
        raise new_error("ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH")
    # Convert any element size and shape to plain bytes, including strided views.
    return Settings.from_pairs(_PAIR.iter_unpack(view.tobytes()))
