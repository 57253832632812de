"""Types of the arguments of request handlers: a server may have an application's own classes."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from ..common.listening import Listener2
from .request import Http2ServerRequest, ServerRequest
from .response import Http2ServerResponse, ServerResponse

Request = TypeVar("Request", bound=ServerRequest, contravariant=True)
Response = TypeVar("Response", bound=ServerResponse, contravariant=True)
RequestHandler: TypeAlias = Listener2[Http2ServerRequest, Http2ServerResponse]
OwnRequestHandler: TypeAlias = Listener2[Request, Response]
