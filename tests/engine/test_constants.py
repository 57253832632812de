"""The constants have exactly Node's names and values."""

import json

import pytest

from http2 import constants

from ..support.paths import DATA

NODE = json.loads((DATA / "node_http2.json").read_text())["constants"]


@pytest.mark.row("module.constants", "rule.names")
def test_names_and_values_are_those_of_node() -> None:
    ours = {name: value for name, value in vars(constants).items() if name.isupper()}
    del ours["ERROR_CODE_NAMES"]
    assert len(NODE) == 240
    assert ours == NODE
    assert {name: type(value) for name, value in ours.items()} == {
        name: type(value) for name, value in NODE.items()
    }


def test_error_code_names() -> None:
    assert list(constants.ERROR_CODE_NAMES) == list(range(14))
    for number, name in constants.ERROR_CODE_NAMES.items():
        assert getattr(constants, name) == number
