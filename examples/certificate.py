"""Create a self-signed certificate for localhost, for development only.

``python examples/certificate.py FOLDER`` writes FOLDER/cert.pem and FOLDER/key.pem. The
other examples call `make_certificate`. Browsers and clients trust such a certificate only
if they are configured to; for a public server, get one from an authority such as
Let's Encrypt.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def make_certificate(folder: str | Path) -> tuple[Path, Path]:
    """Write ``cert.pem`` and ``key.pem`` into *folder*, which must exist; return their paths."""
    cert, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-sha256", "-days", "30",
         "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: certificate.py FOLDER")
    for path in make_certificate(sys.argv[1]):
        print(path)
