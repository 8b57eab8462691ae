#!/usr/bin/env python
"""Django's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
    # Files made here (SQLite's journal) stay writable by the lab's group, whoever runs the command.
    os.umask(0o002)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
