"""Read an order of about 900 bytes, and answer with its total."""

import json
from typing import Any

from benchmarks.programs.serving import serve


async def order(request: Any, response: Any) -> None:
    """Parse the body, set five fields, answer with JSON."""
    asked = json.loads(await request.read())
    total = sum(line["price"] * line["quantity"] for line in asked["lines"])
    answer = {"id": asked["id"], "lines": len(asked["lines"]), "total": total}
    body = json.dumps(answer).encode()
    response.set_header("content-type", "application/json")
    response.set_header("content-length", len(body))
    response.set_header("cache-control", "no-store")
    response.set_header("x-request-id", asked["id"])
    response.set_header("vary", "accept-encoding")
    response.end(body)


if __name__ == "__main__":
    serve(lambda server: server.on("request", order))
