#!/bin/sh
# Raises a lab of the benchmarks' own and measures starts: cold (no pool), warm (a full pool), growth.
set -eu
export LAB_BIND=127.0.0.1:8009 LAB_SUBNET_OCTET=128 LAB_RATE_START=100000/minute LAB_SANDBOXES_MAX=200 LAB_KEEP_MAX=200 LAB_DEMO_ACCOUNTS=false
bench() { sh host/bootstrap.sh up --name labbench --with-site --exec .venv/bin/python -m bench.start "$@"; }
LAB_POOL_MIN=0 LAB_POOL_MAX=0 bench cold "${COLD:---crowds=1,10,50}"
LAB_POOL_MIN=50 LAB_POOL_MAX=50 bench warm "${WARM:---crowds=1,10,50}"
LAB_POOL_MIN=0 LAB_POOL_MAX=0 bench growth "${GROWTH:---crowds=1,10,50,100}"
