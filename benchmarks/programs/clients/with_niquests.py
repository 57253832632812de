"""niquests: one multiplexed connection, batches of concurrent requests.

The synchronous session with ``gather`` is the fastest of niquests' ways to do this, and the one
that stays on a single connection.
"""

from typing import Any

import niquests

from benchmarks.programs.clients.clienting import Phase, arguments

ARGUMENTS = arguments()


def measure(session: Any, seconds: float) -> Phase:
    """Send one batch after another for ``seconds``."""
    phase = Phase(seconds)
    while phase.goes_on():
        responses = [session.get(ARGUMENTS.url) for _ in range(ARGUMENTS.concurrency)]
        session.gather(*responses)
        for response in responses:
            phase.count(response.status_code, response.content)
    return phase


with niquests.Session(multiplexed=True, disable_http1=True) as session:
    measure(session, ARGUMENTS.warm_up)
    measure(session, ARGUMENTS.seconds).report()
