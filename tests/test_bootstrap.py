"""The first minute of a newcomer: a fit Python is found, or one line tells the command that brings it."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def find_python(python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROJECT / "scripts" / "bootstrap" / "find_python.sh"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHON": python},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_find_python__one_that_fits__its_path():
    done = find_python(sys.executable)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).exists()


def test_find_python__none_that_fits__one_line_with_the_command():
    done = find_python("/bin/false")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "run: " in done.stderr


def test_find_python__without_venv_module__one_line_with_the_package(tmp_path):
    crippled = tmp_path / "python"
    crippled.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    crippled.chmod(0o755)
    done = find_python(str(crippled))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"python3.{sys.version_info.minor}-venv" in done.stderr
