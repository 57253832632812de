"""An ASGI application, ``--app MODULE:NAME``, on this library's own server."""

import argparse
import importlib
import sys

import http2.asgi
from benchmarks.programs.serving import serve

parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--app", required=True)

if __name__ == "__main__":
    known, sys.argv[1:] = parser.parse_known_args()
    module, _, name = known.app.partition(":")
    application = getattr(importlib.import_module(module), name)
    serve(lambda server: None, on_request=http2.asgi.Handler(application))
