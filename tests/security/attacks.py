"""Define an attack, and the list of all attacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ground import Ground

# The cost of one hostile connection in bytes: the default of max_session_memory, and the
# connection's other memory (buffers of both directions, the peer's tables).
PER_CONNECTION = 10_000_000 + 2 * 1024 * 1024

Function = Callable[["Ground"], None]


@dataclass(frozen=True)
class Attack:
    """One attack; `run` sends, and returns or raises `Ended` when it is over."""

    run: Function
    title: str
    """What is sent, for the table."""
    api: str = "core"
    """The handlers of the victim: ``core`` or ``compat``."""
    role: str = "server"
    """Which side of the connection is attacked: ``server`` or ``client``."""
    secure: bool = False
    """Whether the attacked connection uses TLS."""
    ends: bool = False
    """Whether a limit has to end the hostile connection."""
    connections: int = 1
    """Number of hostile connections at a time."""
    memory: int = PER_CONNECTION
    """Bytes of resident memory that each of them may cost."""
    lines: int = 3
    """Lines that the victim may log."""
    seconds: float = 1.2
    """Seconds that it continues if nothing ends it."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the victim that are not the default."""
    files: int = 0
    """Descriptors that the victim may have (RLIMIT_NOFILE); 0 for the usual limit."""
    ask: dict[str, Any] = field(default_factory=dict)
    """What an attacked client does: ``requests`` at a time, and whether it does ``read``."""
    node: bool = True
    """Whether it can also be run against Node."""
    limit: str = ""
    """The limit that stops it, for the documentation."""
    before: str = ""
    """Its cost without that limit, for the documentation."""
    label: str = ""
    """Its name, if it differs from the function's."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.label or self.run.__name__

    @property
    def family(self) -> str:
        """The module of its function."""
        return self.run.__module__.rpartition(".")[2]

    @property
    def time(self) -> float:
        """Seconds that it may take: a busy machine may be slow to end it."""
        return max(self.seconds, 4.5) if self.ends else self.seconds

    @property
    def bound(self) -> int:
        """Bytes that the victim's resident memory may grow by."""
        return self.connections * self.memory


ATTACKS: dict[str, Attack] = {}


def attack(title: str, **options: Any) -> Callable[[Function], Function]:
    """Add a function to `ATTACKS` under its name."""

    def enter(function: Function) -> Function:
        made = Attack(function, title, **options)
        assert made.name not in ATTACKS
        ATTACKS[made.name] = made
        return function

    return enter


def of_family(family: str) -> list[Attack]:
    """Return the attacks of one module."""
    return [made for made in ATTACKS.values() if made.family == family]
