"""A Django project with the usual kinds of views, in one file."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import django
from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path

log: list[str] = []
tasks: set[asyncio.Task[None]] = set()


async def hello(request: HttpRequest) -> HttpResponse:
    """An async view: reads the query and a cookie, sets two cookies."""
    name = request.GET.get("name", "")
    told = {"name": name, "cookie": request.COOKIES.get("a"), "secure": request.is_secure()}
    response = JsonResponse(told)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def blocking(request: HttpRequest) -> HttpResponse:
    """A plain view, which runs in a thread."""
    return HttpResponse("from a thread")


async def upload(request: HttpRequest) -> HttpResponse:
    """A form with a file."""
    file = request.FILES["file"]
    content = file.read()
    sha = hashlib.sha256(content).hexdigest()
    return JsonResponse(
        {"title": request.POST["title"], "name": file.name, "size": len(content), "sha": sha}
    )


async def consume(request: HttpRequest) -> HttpResponse:
    """Read a body that is not a form."""
    return JsonResponse({"size": len(request.body)})


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Return a response of unknown length."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%03d," % number

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def events(request: HttpRequest) -> StreamingHttpResponse:
    """Send server-sent events without an end."""

    async def pieces() -> AsyncIterator[str]:
        try:
            number = 0
            while True:
                yield f"data: {number}\n\n"
                number += 1
                await asyncio.sleep(0.01)
        finally:
            log.append("events ended")

    return StreamingHttpResponse(pieces(), content_type="text/event-stream")


async def background(request: HttpRequest) -> HttpResponse:
    """Do work after the response."""

    async def work() -> None:
        await asyncio.sleep(0)
        log.append("background")

    task = asyncio.create_task(work())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return HttpResponse("later")


async def what_was_done(request: HttpRequest) -> HttpResponse:
    """Return what the other views have recorded."""
    return JsonResponse(log, safe=False)


async def broken(request: HttpRequest) -> HttpResponse:
    """Raise an exception."""
    raise KeyError("of mine")


async def where(request: HttpRequest) -> HttpResponse:
    """A view behind an include."""
    return HttpResponse(f"{request.path} {request.build_absolute_uri()}")


class Tag:
    """An async middleware class."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[Any]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        """Add a header to the response."""
        response = await self.get_response(request)
        response["x-tag"] = request.path
        return response


urlpatterns = [
    path("hello", hello),
    path("blocking", blocking),
    path("upload", upload),
    path("consume", consume),
    path("stream", stream),
    path("events", events),
    path("background", background),
    path("log", what_was_done),
    path("broken", broken),
    path("mounted/", include([path("inner", where)])),
]

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests",
    MIDDLEWARE=[f"{__name__}.Tag", "django.middleware.gzip.GZipMiddleware"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=10_000_000,
    LOGGING_CONFIG=None,
)
django.setup()
logging.getLogger("django").setLevel(logging.CRITICAL)

app = get_asgi_application()
