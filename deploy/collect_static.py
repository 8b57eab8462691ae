"""Gathers the static files of the project and of its libraries in the folder that the proxy serves."""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command

os.environ |= {"DJANGO_SETTINGS_MODULE": "labsite.settings", "LAB_SECRET_KEY": "static", "LAB_DATABASE_URL": "sqlite://:memory:"}
sys.path.insert(0, os.getcwd())
settings.STATIC_ROOT = sys.argv[1]
django.setup()
call_command("collectstatic", interactive=False, verbosity=0)
