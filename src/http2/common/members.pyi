def add_members(
    kind: type[object],
    /,
    *names: str,
    constant: tuple[str, ...] = (),
    docs: dict[str, str] = ...,
) -> None: ...
