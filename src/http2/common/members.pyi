def add_members(
    kind: type[object],
    /,
    *names: str,
    readable: dict[str, str] = ...,
    docs: dict[str, str] = ...,
) -> None: ...
