#!/bin/sh
# Starts Redis; the digest of its password goes in by standard input, so that no list of processes shows it. Who has the
# password may use what there is, and not the server: no configuration, modules, replicas or end;
# nor does it write to another server, or read what is not a value but a dump of one.
set -eu
secret=/run/secrets/redis_password
[ -s "$secret" ] || { echo "Error: falta la clave de Redis ($secret): «sudo make compose-up» la crea." >&2; exit 1; }
digest=$(printf %s "$(cat "$secret")" | sha256sum | cut -d' ' -f1)
exec redis-server - <<CONF
bind * -::*
protected-mode yes
user default on #$digest ~* &* +@all -@admin -migrate -restore -restore-asking
dir /srv/redis
save 60 1
maxmemory 256mb
maxmemory-policy noeviction
CONF
