#!/bin/sh
# Prints the path of a Python 3.11 or 3.12 that can make virtual environments; else one line that mends it.
# PYTHON=/path/to/python overrides the search.

fit() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

unable=
for candidate in ${PYTHON:-python3.11 python3.12 python3 \
    "$HOME"/.pyenv/versions/3.11.*/bin/python "$HOME"/.pyenv/versions/3.12.*/bin/python \
    "$HOME"/.local/share/uv/python/cpython-3.11*/bin/python3.11 "$HOME"/.local/share/uv/python/cpython-3.12*/bin/python3.12 \
    /opt/homebrew/opt/python@3.12/bin/python3.12 /usr/local/opt/python@3.12/bin/python3.12}; do
    fit "$candidate" || continue
    can_make_venv "$candidate" && { "$candidate" -c 'import sys; print(sys._base_executable)'; exit 0; }
    unable=${unable:-$candidate}
done

sudo=sudo; [ "$(id -u)" = 0 ] && sudo=
install="${sudo:+$sudo }apt-get update && ${sudo:+$sudo }apt-get install -y"
if [ -n "$unable" ]; then
    version=$("$unable" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$unable has no venv module; run: $install python$version-venv" >&2
elif [ "$(uname)" = Darwin ]; then
    echo "Python 3.11 or 3.12 is missing; run: brew install python@3.12" >&2
elif apt-cache show python3.11 >/dev/null 2>&1; then
    echo "Python 3.11 or 3.12 is missing; run: $install python3.11 python3.11-venv" >&2
elif apt-cache show python3.12 >/dev/null 2>&1; then
    echo "Python 3.11 or 3.12 is missing; run: $install python3.12 python3.12-venv" >&2
else
    echo "Python 3.11 or 3.12 is missing; run: $install pipx && pipx run uv python install 3.12" >&2
fi
exit 1
