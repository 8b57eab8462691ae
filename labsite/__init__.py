"""Wiring of the platform: settings, URLs, ASGI, Celery. No behaviour lives here."""

from labsite.celery import app as celery_app

__all__ = ["celery_app"]
