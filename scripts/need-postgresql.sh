#!/bin/sh
# Many tests run on a real PostgreSQL server, which they start themselves: finds one (14 or later),
# installs Debian's, or stops with one clear line. No server is started or configured here.
set -eu
for folder in ${TRAILKEEPER_TEST_PGBIN:-} /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/bin /usr/local/bin \
  /opt/homebrew/opt/postgresql@*/bin; do
  if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing Debian's postgresql for the tests"
  # Debian would otherwise make and start a server of its own.
  mkdir -p /etc/postgresql-common/createcluster.d
  [ -e /etc/postgresql-common/createcluster.d/trailkeeper-tests.conf ] ||
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/trailkeeper-tests.conf
  apt-get update -q && apt-get install -y -q --no-install-recommends postgresql
else
  echo "The tests need PostgreSQL 14 or later; install it (on Debian: apt-get install postgresql)," \
    "or name the folder of its programs in TRAILKEEPER_TEST_PGBIN" >&2
  exit 1
fi
