#!/usr/bin/env python
"""Django's command line."""

import os
import sys

AUTHORS = {"new_lesson", "new_exercise", "lint_course", "check_schema", "preview"}
"""Commands about a course's files alone: they need no lab, and hence none of its settings."""

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
    if sys.argv[1:2] and sys.argv[1] in AUTHORS and not {"LAB_ENV_FILE", "LAB_SECRET_KEY_FILE"} & set(os.environ):
        os.environ.setdefault("LAB_SECRET_KEY", "sin laboratorio")
        os.environ.setdefault("LAB_DATABASE_URL", "sqlite://:memory:")
    # Files made here (SQLite's journal) stay writable by the lab's group, whoever runs the command.
    os.umask(0o002)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
