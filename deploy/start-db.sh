#!/bin/sh
# Starts PostgreSQL on /srv/db; the first time it makes the cluster, the role of the site and its database.
set -eu
major=$(basename "$(dirname "$(readlink -f /opt/postgresql)")")
data=/srv/db/$major
secret=/run/secrets/database_password
[ -s "$secret" ] || { echo "Error: falta la clave de la base de datos ($secret): «sudo make compose-up» la crea." >&2; exit 1; }

for other in /srv/db/[0-9]*; do
    [ -e "$other" ] && [ "$other" != "$data" ] && [ ! -e "$data" ] && {
        echo "Error: los datos son de PostgreSQL $(basename "$other") y este es el $major: cópialos como dice docs/despliegue.md." >&2
        exit 1
    }
done

if [ ! -e "$data/PG_VERSION" ]; then
    rm -rf "$data.new"
    initdb -D "$data.new" --username=lab_root --auth-local=peer --auth-host=reject --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    # On its socket, whoever runs this is its root; over the network, only the site's role on the site's database.
    cat >"$data.new/pg_hba.conf" <<HBA
local all lab_root peer map=root
host lab lab all scram-sha-256
HBA
    echo "root lab lab_root" >"$data.new/pg_ident.conf"
    pg_ctl -D "$data.new" -w -s -o "-c listen_addresses= -c unix_socket_directories=/run/postgresql" start
    psql -h /run/postgresql -U lab_root -d postgres -q -v ON_ERROR_STOP=1 <<SQL
\\set password \`cat $secret\`
CREATE ROLE lab LOGIN PASSWORD :'password';
CREATE DATABASE lab OWNER lab;
SQL
    pg_ctl -D "$data.new" -w -s -m fast stop
    mv "$data.new" "$data"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql -c max_connections=100
