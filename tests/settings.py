"""The tests' settings: the real ones, on a Redis, a database and an engine of the tests' own."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

RUN = Path(tempfile.gettempdir()) / f"docker-intensivo-tests-{os.getpid()}"
POSTGRES = os.environ.get("TEST_DATABASE") == "postgres"
"""Whether the tests are about PostgreSQL: then only those that touch a database are run (`make test-postgres`)."""
os.environ["LAB_REDIS_URL"] = f"unix://{RUN}/redis.sock"
os.environ["LAB_DATABASE_URL"] = f"postgres://tests@{quote(str(RUN), safe='')}/postgres" if POSTGRES else f"sqlite:///{RUN}/unused.sqlite3"
os.environ.setdefault("LAB_SECRET_KEY", "tests")
os.environ["LAB_RECORDINGS_DIR"] = f"{RUN}/recordings"
os.environ["LAB_URL"] = "http://testserver"
for name, value in {
    "RATE_SIGNUP": "1000/minute",
    "RATE_LOGIN": "1000/minute",
    "RATE_START": "1000/minute",
    "POOL_MIN": "0",
    "POOL_MAX": "0",
}.items():
    os.environ[f"LAB_{name}"] = value

from labsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# What would be sent to a worker is kept by the `celery_box` fixture.
CELERY_TASK_ALWAYS_EAGER = False
