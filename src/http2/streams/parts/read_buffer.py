"""`ReadBuffer`: the bytes of a stream that were received and not read yet."""

from __future__ import annotations

from collections import deque

__all__ = ["ReadBuffer"]

# Number of chunks above which they are in a deque; most often there is one, and a list is faster.
MANY_CHUNKS = 64
# Above this number, short chunks are joined to the preceding one.
SMALL_CHUNK = 4096


class ReadBuffer:
    """The unread bytes, in the chunks in which they came; a stream without any has no buffer."""

    __slots__ = ("chunks", "put_back", "size")

    def __init__(self, data: bytes) -> None:
        self.chunks: list[bytes] | deque[bytes] = [data]
        self.size = len(data)
        self.put_back = 0
        """Bytes at the front that are already reported as read: their read was cancelled."""

    def append(self, data: bytes) -> None:
        """Store *data* after the other chunks."""
        chunks = self.chunks
        size = len(data)
        if size < SMALL_CHUNK and len(chunks) >= MANY_CHUNKS and len(chunks[-1]) < SMALL_CHUNK:
            # one object for each of many small frames would use more memory than their bytes
            chunks[-1] += data
        else:
            chunks.append(data)
        self.size += size

    def give_back(self, data: bytes) -> None:
        """Store *data*, which was taken from here, before the other chunks."""
        self.chunks.insert(0, data)
        self.size += len(data)
        self.put_back += len(data)

    def pop(self) -> bytes:
        """Remove and return the oldest chunk."""
        chunks = self.chunks
        if isinstance(chunks, deque):
            data = chunks.popleft()
        else:
            data = chunks.pop(0)
            if len(chunks) > MANY_CHUNKS:
                # many small frames: each removal would move the whole list
                self.chunks = deque(chunks)
        self.size -= len(data)
        return data

    def take(self, n: int) -> bytes:
        """Remove and return *n* bytes; all if there are no more, or *n* is negative."""
        if n < 0 or n >= self.size:
            chunks = self.chunks
            self.size = 0
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        parts = []
        left = n
        while left:
            head = self.pop()
            if len(head) > left:
                self.chunks.insert(0, head[left:])
                self.size += len(head) - left
                head = head[:left]
            parts.append(head)
            left -= len(head)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def unreported(self, size: int) -> int:
        """Return how many of *size* bytes, just read, were not reported as read before."""
        again = min(self.put_back, size)
        self.put_back -= again
        return size - again
