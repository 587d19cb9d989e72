#!/bin/sh
# Set up .venv from one lock file, or bring it up to date: tools/install.sh requirements.lock
# With uv where there is one, else with Python's own venv and pip.
set -eu
lock=$1

is_new_enough() {
    # Asking for the version runs it: a pyenv shim can be there and refuse.
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for python in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$python"; then
            return 0
        fi
    done
    python=
}

has_uv() { command -v uv >/dev/null; }

give_up() {
    echo "$1" >&2
    exit 1
}

make_venv() {
    rm -rf .venv # absent, half made, or of a Python that is gone
    find_python
    if has_uv && uv venv --quiet --python "${python:->=3.11}" .venv; then
        return 0
    fi
    [ -n "$python" ] || give_up "Relance needs Python 3.11 or newer and finds none: install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), or install uv, which brings one."
    # Debian packs what puts pip into a venv apart; pip itself can be there all the same.
    "$python" -m venv .venv >/dev/null 2>&1 || "$python" -m venv --without-pip --clear .venv
}

pip_install() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        .venv/bin/python -m pip install --disable-pip-version-check --no-input $quiet "$@"
    elif find_python && "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip --python .venv/bin/python install --disable-pip-version-check --no-input $quiet "$@"
    else
        give_up "Python's venv and pip are missing: install them (Debian, Ubuntu: apt install python3-venv), or install uv."
    fi
}

uv_install() {
    uv pip install --python .venv/bin/python $quiet "$@"
}

install_with() {
    "$1" --require-hashes -r "$lock" && "$1" --no-deps --no-build-isolation -e .
}

quiet=--quiet
if [ -t 1 ]; then quiet=; fi # a person wants to see that it moves

echo "Setting up .venv from $lock …"
is_new_enough .venv/bin/python || make_venv
# uv does not know the indexes that pip is configured for: where it fails, pip may not.
if ! { has_uv && install_with uv_install; }; then
    install_with pip_install
fi
