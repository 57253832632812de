"""HTTP/2 for Gunicorn: ``gunicorn -k http2.gunicorn.Http2Worker app:app``."""

from __future__ import annotations

from typing import Any

from uvicorn_worker import UvicornWorker

__all__ = ["Http2Worker"]


class Http2Worker(UvicornWorker):  # type: ignore[misc] # the base class has no types
    """A `uvicorn_worker.UvicornWorker` that serves HTTP/2 and HTTP/1.1."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as in the base class
        **UvicornWorker.CONFIG_KWARGS,
        "http": "http2.uvicorn:Http2Protocol",
    }
