"""Make debug mode cheaper: it stores a stack for each future and callback."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import Any
from unittest import mock

# Frames of a stack: enough to find the place in a test or in the library.
DEPTH = 5


def nearest(frames: Iterable[tuple[FrameType, int]], **_: Any) -> traceback.StackSummary:
    """Return the innermost frames, at most `DEPTH`; their lines are read when they are printed."""
    return traceback.StackSummary.from_list(
        traceback.FrameSummary(
            frame.f_code.co_filename, line, frame.f_code.co_name, lookup_line=False
        )
        for frame, line in islice(frames, DEPTH)
    )


@contextmanager
def short_stacks() -> Iterator[None]:
    """Within the block, shorten stacks; tracebacks of exceptions stay complete.

    In debug mode, asyncio and uvloop store the stack where each future, task and callback was
    created. It has some 50 frames of pytest, which take a third of the tests' time.
    """
    with mock.patch.object(traceback.StackSummary, "extract", nearest):
        yield
