"""A request with 20 fields, of which two are read, and a response with 15."""

from typing import Any

from benchmarks.programs.serving import serve

FIELDS = {
    "content-type": "application/json",
    "cache-control": "private, max-age=60",
    "content-language": "en",
    "etag": '"686897696a7c876b7e"',
    "last-modified": "Mon, 05 Oct 2026 10:00:00 GMT",
    "vary": "accept-encoding, cookie",
    "link": "</style.css>; rel=preload; as=style",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "content-security-policy": "default-src 'self'; img-src https: data:",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "geolocation=(), camera=()",
    "server": "example",
}


def answer(request: Any, response: Any) -> None:
    """Read two fields of the request, and answer with its number and 14 other fields."""
    if not request.headers["authorization"].startswith("Bearer "):
        response.write_head(401)
        response.end()
        return
    response.write_head(
        200, headers=FIELDS | {"x-request-id": request.headers.get("x-request-id", "")}
    )
    response.end(b"Hello World")


if __name__ == "__main__":
    serve(lambda server: server.on("request", answer))
