"""apisecctl: help and mistakes in the words of the command."""

import os

from harness import Store


def test_program_is_a_real_binary():
    """The build tree's program runs in place and is no script."""
    with open(Store.program, "rb") as program:
        assert program.read(4) == b"\x7fELF"


def test_no_command_is_a_usage_error():
    result = Store.call()
    assert result.rc == 2
    assert result.out == "" and result.err != ""


def test_unknown_noun_is_a_usage_error(folder):
    result = Store(folder.path("store"), folder.path("state")).run("frobnicate", "all")
    assert result.rc == 2
    assert result.out == "" and result.err != ""
    assert not os.path.exists(folder.path("store"))
