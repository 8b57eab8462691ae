#!/bin/sh
# Resolves the Python and JavaScript sets anew. No registry's host name goes into a lock.
set -eu
uv=${LAB_STATE:-/var/lib/docker-intensivo}/tools/uv/bin/uv
compile="$uv pip compile --quiet --universal --generate-hashes --no-header --python .venv/bin/python"
$compile pyproject.toml -o requirements.lock
$compile pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
npm install --package-lock-only --ignore-scripts
packages=sandboxes/images/packages
"$uv" pip compile --quiet --generate-hashes --no-header --python-version 3.13 --python-platform linux $packages/ruedas.in -o $packages/ruedas.txt
