#!/bin/sh
# Stops with one clear line unless this Python can make a virtual environment.
set -eu
python=$1
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "Trailkeeper needs Python 3.11 or newer; '$python' is not. Name another: make PYTHON=/path/to/python3" >&2
  exit 1
fi
if "$python" -c 'import ensurepip, venv' 2> /dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing Debian's python3-venv"
  apt-get update -q && apt-get install -y -q python3-venv
else
  echo "This Python has no venv module; install it (on Debian: apt-get install python3-venv)" >&2
  exit 1
fi
