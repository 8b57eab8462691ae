#!/bin/sh
# Raises a lab of its own and abuses it: sh bench/abuse.sh [--sandboxes 50] [--seconds 60]
set -eu
export LAB_BIND="${LAB_BIND:-127.0.0.1:8009}" LAB_SUBNET_OCTET="${LAB_SUBNET_OCTET:-128}" LAB_RATE_START=100000/minute LAB_SANDBOXES_MAX=200
export LAB_KEEP_MAX=200 LAB_DEMO_ACCOUNTS=false LAB_POOL_MIN="${LAB_POOL_MIN:-0}" LAB_POOL_MAX="${LAB_POOL_MAX:-0}"
exec sh host/bootstrap.sh up --name "${LAB_NAME:-labbench}" --with-site --exec .venv/bin/python -m bench.abuse "$@"
