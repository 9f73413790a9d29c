#!/bin/sh
# The browser tests drive a real Chromium: installs Debian's, or stops with one clear line.
set -eu
if command -v chromium > /dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing Debian's chromium for the browser tests"
  apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-liberation
else
  echo "The browser tests need Chromium; install it (on Debian: apt-get install chromium)" >&2
  exit 1
fi
