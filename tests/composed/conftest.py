"""Tests of a composed site that is up: `make compose-test` says where with TEST_SITE; without it none of them is collected."""

import os

from tests.browser.conftest import browser_type_launch_args, person, site

__all__ = ["browser_type_launch_args", "person", "site"]
collect_ignore_glob = [] if os.environ.get("TEST_SITE") else ["test_*.py"]
