#!/bin/sh
# Raises a lab of the benchmarks' own and measures grading: a check run in a worker's hands, and fifty students at once.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Where the lab's user can read it.
cp -r bench/course "$folder" && chmod -R a+rX "$folder"
export LAB_BIND=${LAB_BIND:-127.0.0.1:8009} LAB_SUBNET_OCTET=${LAB_SUBNET_OCTET:-128} LAB_DEMO_ACCOUNTS=false LAB_POOL_MIN=0 LAB_POOL_MAX=0
export LAB_RATE_START=100000/minute LAB_SANDBOXES_MAX=200 LAB_COURSE_DIR="$folder/course"
sh host/bootstrap.sh up --name "${LAB:-labbench}" --with-site --exec sh -c ".venv/bin/python -m bench.grade && .venv/bin/python -m bench.crowd $*"
