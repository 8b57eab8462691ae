#!/bin/sh
# Starts Redis; its password goes in by standard input, so that no list of processes shows it.
set -eu
secret=/run/secrets/redis_password
[ -s "$secret" ] || { echo "Error: falta la clave de Redis ($secret): «sudo make compose-up» la crea." >&2; exit 1; }
exec redis-server - <<CONF
bind * -::*
protected-mode yes
requirepass $(cat "$secret")
dir /srv/redis
save 60 1
maxmemory 256mb
maxmemory-policy noeviction
CONF
