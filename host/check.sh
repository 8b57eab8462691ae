#!/bin/sh
# Format, lint, types, migrations, import contracts, templates, scripts.
set -eu
# Not the lab's own settings: root must not make its database.
unset LAB_ENV_FILE
export LAB_SECRET_KEY=check LAB_DATABASE_URL=sqlite://:memory:
bin=.venv/bin
$bin/ruff format --check --quiet .
$bin/ruff check --quiet .
$bin/mypy
$bin/lint-imports --no-logo >/tmp/lint-imports.$$ || { cat /tmp/lint-imports.$$; rm -f /tmp/lint-imports.$$; exit 1; }
rm -f /tmp/lint-imports.$$
$bin/python manage.py makemigrations --check --dry-run -v 0
$bin/python manage.py check --fail-level WARNING -v 0
$bin/djlint --quiet --lint templates
node_modules/.bin/eslint static/js esbuild.mjs
echo "check: todo en orden"
