#!/bin/sh
# Serves ./data; makes a demo workspace in it first if there is none.
set -eu
port=${1:-8484}
bin=.venv/bin/trailkeeper
data=data
email=owner@example.com
if [ ! -e "$data/trailkeeper.db" ]; then
  mkdir -p "$data"
  chmod 700 "$data"
  (umask 077 && .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(12))' > "$data/owner-password")
  "$bin" init --data "$data" --workspace Demo --owner-email "$email" \
    --owner-name "Olivia Hart" --owner-password-file "$data/owner-password" > /dev/null
  "$bin" import --data "$data" --workspace Demo --format n8n \
    src/trailkeeper/sources/demo/n8nEventLog.jsonl
  "$bin" demo --data "$data" --workspace Demo --owner-password-file "$data/owner-password"
fi
echo
echo "  Log in at  http://127.0.0.1:$port/login"
echo "  as         $email"
if [ -e "$data/owner-password" ]; then
  echo "  password   $(cat "$data/owner-password")   (kept in $data/owner-password)"
fi
echo
exec "$bin" serve --data "$data" --port "$port"
