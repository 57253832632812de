"""Answers with a file: ``--file PATH``."""

import argparse
import sys
from typing import Any

from benchmarks.programs.serving import serve

parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--file", required=True)


def main() -> None:
    """Serve the file of the command line."""
    known, sys.argv[1:] = parser.parse_known_args()

    def send(stream: Any, headers: Any) -> None:
        stream.respond_with_file(known.file, {"content-type": "application/octet-stream"})

    serve(lambda server: server.on("stream", send))


if __name__ == "__main__":
    main()
