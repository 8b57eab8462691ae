#!/bin/sh
# Raises a lab of the benchmarks' own and measures the terminal beside its peers. docs/rendimiento.md says where they come from.
set -eu
export LAB_BIND="${LAB_BIND:-127.0.0.1:8009}" LAB_SUBNET_OCTET="${LAB_SUBNET_OCTET:-128}" LAB_RATE_START=100000/minute LAB_SANDBOXES_MAX=200
export LAB_KEEP_DAYS=0 LAB_DEMO_ACCOUNTS=false LAB_POOL_MIN=1 LAB_POOL_MAX=2
export LAB_URL="http://$LAB_BIND"
exec sh host/bootstrap.sh up --name "${LAB_NAME:-labbench}" --with-site --exec .venv/bin/python -m bench.terminal "$@"
