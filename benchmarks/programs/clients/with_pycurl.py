"""pycurl: libcurl's multi interface, every transfer multiplexed on one connection.

``socket_action`` with epoll is about twice as fast here as ``perform`` with ``select``, so this
is the one that is measured.
"""

import select
import time

import pycurl

from benchmarks.programs.clients.clienting import Phase, arguments

ARGUMENTS = arguments()


class Transfers:
    """A fixed number of easy handles that share one connection."""

    def __init__(self) -> None:
        """Make the handles; nothing is sent yet."""
        self._epoll = select.epoll()
        self._timer: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._bodies: dict[pycurl.Curl, list[bytes]] = {}
        for _ in range(ARGUMENTS.concurrency):
            self._add_handle()

    def measure(self, seconds: float) -> Phase:
        """Keep every handle busy for ``seconds``."""
        phase = Phase(seconds)
        for handle in self._bodies:
            self._multi.add_handle(handle)
        under_way = len(self._bodies)
        while under_way:
            self._turn()
            under_way -= self._finish(phase)
        return phase

    def _add_handle(self) -> None:
        handle = pycurl.Curl()
        body: list[bytes] = []
        handle.setopt(pycurl.URL, ARGUMENTS.url)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.WRITEFUNCTION, body.append)
        self._bodies[handle] = body

    def _turn(self) -> None:
        wait = 1.0 if self._timer is None else max(0.0, self._timer - time.perf_counter())
        events = self._epoll.poll(wait)
        if self._timer is not None and self._timer <= time.perf_counter():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        for descriptor, mask in events:
            readable = pycurl.CSELECT_IN if mask & select.EPOLLIN else 0
            writable = pycurl.CSELECT_OUT if mask & select.EPOLLOUT else 0
            self._multi.socket_action(descriptor, readable | writable)

    def _finish(self, phase: Phase) -> int:
        """Count finished requests, restart them, and return the number of idle handles."""
        idle = 0
        more = 1
        while more:
            more, succeeded, failed = self._multi.info_read()
            phase.failed += len(failed)
            for handle in succeeded:
                body = self._bodies[handle]
                phase.count(handle.getinfo(pycurl.RESPONSE_CODE), b"".join(body))
                body.clear()
            for handle in [*succeeded, *(entry[0] for entry in failed)]:
                self._multi.remove_handle(handle)
                if phase.goes_on():
                    self._multi.add_handle(handle)
                else:
                    idle += 1
        return idle

    def _watch(self, what: int, descriptor: int, multi: object, data: object) -> None:
        mask = select.EPOLLIN if what & pycurl.POLL_IN else 0
        mask |= select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        if what == pycurl.POLL_REMOVE:
            try:
                self._epoll.unregister(descriptor)
            except OSError:
                pass  # libcurl closed it first
            return
        try:
            self._epoll.register(descriptor, mask)
        except FileExistsError:
            self._epoll.modify(descriptor, mask)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.perf_counter() + milliseconds / 1000


transfers = Transfers()
transfers.measure(ARGUMENTS.warm_up)
transfers.measure(ARGUMENTS.seconds).report()
