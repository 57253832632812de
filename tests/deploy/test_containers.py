"""The Containerfile and the Kubernetes manifest: they match, and the command in them starts."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from typing import Any

import pytest
import yaml

from ..asgi.asking import ask
from ..asgi.servers.uvicorns import starting
from .files import DEPLOY

ROOT = DEPLOY.parent.parent
PROGRAM = ["http2", "serve"]


def instructions() -> list[tuple[str, str]]:
    """Return the Containerfile's lines, with continued lines joined and without comments."""
    text = (DEPLOY / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.split("\n"))]


def last(word: str) -> str:
    """Return the arguments of the last instruction with that name."""
    return [rest for name, rest in instructions() if name == word][-1]


def manifests() -> dict[str, Any]:
    """Return the objects of the Kubernetes manifest by their kind."""
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def container() -> Any:
    """Return the only container of a pod."""
    (only,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


def seconds_of(words: list[str]) -> int:
    """Return the graceful time limit in a command line."""
    return int(words[words.index("--timeout-graceful-shutdown") + 1])


def test_the_containerfile() -> None:
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM"
    # it is small: the compiler remains in the first stage
    assert words.count("FROM") == 2
    # signals arrive: there is no shell in between
    assert json.loads(last("ENTRYPOINT")) == PROGRAM
    assert last("STOPSIGNAL") == "SIGTERM"
    user = last("USER")
    assert user.isdigit()
    assert int(user) > 0
    assert words.index("USER") < words.index("ENTRYPOINT")
    command = json.loads(last("CMD"))
    assert last("EXPOSE") == command[command.index("--port") + 1]


def test_what_is_copied_into_the_container() -> None:
    """All copied files exist, and the build needs no others."""
    copied = []
    for word, rest in instructions():
        if word == "COPY":
            copied += rest.split()[:-1]
    for name in copied:
        assert (ROOT / name).exists(), name
    project = (ROOT / "pyproject.toml").read_text()
    for name in [
        "meson.build",
        *re.findall(r'^(?:readme = |license-files = \[)"(.*?)"', project, re.M),
    ]:
        assert name in copied
    for name in re.findall(r"subdir\('(.*?)'\)", (ROOT / "meson.build").read_text()):
        assert name.startswith("src")
    extras = re.findall(r"http2?\[(.*?)\]|'\.\[(.*?)\]'", (DEPLOY / "Containerfile").read_text())
    assert len({one or two for one, two in extras}) == 1


@pytest.mark.interop
@pytest.mark.row("beyond.deploy")
@pytest.mark.parametrize("source", ["Containerfile", "kubernetes.yaml"])
def test_the_command(source: str) -> None:
    """It starts, is probed as by Kubernetes, and ends with SIGTERM."""
    command = json.loads(last("CMD")) if source == "Containerfile" else list(container()["args"])
    for option, here in (("--port", "0"), ("--host", "127.0.0.1")):
        command[command.index(option) + 1] = here
    command += ["--app-dir", str(DEPLOY)]
    with starting([sys.executable, "-m", *PROGRAM, *command], "newest") as process:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container()[probe]["httpGet"]["path"]
            # the kubelet's version
            assert asyncio.run(ask(process.url, path=path, version="1.1")).status == 200
        assert asyncio.run(ask(process.url)).status == 200
        log = process.stop(signal.SIGTERM)
    assert "Finished server process" in log


def test_the_manifest() -> None:
    found = manifests()
    assert set(found) == {"Deployment", "Service"}
    deployment, service = found["Deployment"]["spec"], found["Service"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == service["selector"] == labels
    (port,) = container()["ports"]
    (served,) = service["ports"]
    assert served["targetPort"] == port["name"]
    assert served["appProtocol"] == "kubernetes.io/h2c"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container()[probe]["httpGet"]["port"] == port["name"]
    args = container()["args"]
    assert args[args.index("--port") + 1] == str(port["containerPort"])
    # it is the image of the Containerfile
    assert args == json.loads(last("CMD"))
    assert port["containerPort"] == int(last("EXPOSE"))


def test_the_pod_has_time_to_finish() -> None:
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    program, seconds = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    grace = int(seconds) + seconds_of(container()["args"])
    assert pod["terminationGracePeriodSeconds"] > grace
    assert pod["securityContext"]["runAsNonRoot"] is True
