#!/bin/sh
# Starts nginx with the limit of uploads that the site has.
set -eu
for secret in tls_certificate tls_key; do
    [ -r "/run/secrets/$secret" ] || {
        echo "Error: no se puede leer /run/secrets/$secret: «sudo make compose-up» lo crea, o da LAB_TLS_CERT y LAB_TLS_KEY." >&2
        exit 1
    }
done
sed "s/@LAB_TRANSFER_MAX@/$((${LAB_TRANSFER_MAX:-32} + 1))/" /etc/nginx/nginx.conf >/tmp/nginx.conf
exec nginx -e stderr -c /tmp/nginx.conf -g 'daemon off;'
