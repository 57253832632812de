"""The types of `http2.field_pairs`."""

def field_pairs(
    headers: dict[str, object], raw: list[tuple[str, str]] | None
) -> list[tuple[bytes, bytes]]: ...
def raw_pairs(
    headers: dict[str, object], raw: list[tuple[str, str]] | None
) -> list[tuple[str, str]]: ...
