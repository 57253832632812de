"""The types of `http2.field_pairs`."""

def field_pairs(
    headers: dict[str, object], raw: list[tuple[str, str]] | None
) -> list[tuple[bytes, bytes]]: ...
def raw_pairs(
    headers: dict[str, object], raw: list[tuple[str, str]] | None
) -> list[tuple[str, str]]: ...

class PairMemory:
    """The pairs of a connection's last block, for compiled code."""

def response_fields(status: int, pairs: list[tuple[bytes, bytes]]) -> dict[str, int | bytes] | None:
    """Return ``:status`` and the fields of *pairs*, by their names in lower case.

    None if a name is repeated, or if a pair is not a tuple of two `bytes`.
    """
