"""Ports that the street chooses before anything listens there."""

import socket

import pytest

from scripts.street.processes import PortTaken, choose_port


def test_choose_port__many_of_any__each_once():
    chosen = [choose_port(0, "APP_PORT") for _ in range(500)]
    assert len(set(chosen)) == 500


def test_choose_port__taken__refused_with_the_option_to_set():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(PortTaken, match=r"is taken; stop the program .* or choose another with APP_PORT="):
            choose_port(listener.getsockname()[1], "APP_PORT")
