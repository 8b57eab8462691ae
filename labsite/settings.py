"""Django's settings: what never changes, and what labsite.environment reads."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.utils.csp import CSP
from kombu.entity import Queue

from labsite.databases import configure
from labsite.environment import load
from sandboxes.preview import place

BASE_DIR = Path(__file__).resolve().parent.parent
ENV = load()

SECRET_KEY = ENV.secret_key
DEBUG = ENV.debug
ALLOWED_HOSTS = [urlsplit(origin).hostname or "" for origin in ENV.origins]
CSRF_TRUSTED_ORIGINS = ENV.origins
SECURE = ENV.url.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = f"{ENV.name}_session"
CSRF_COOKIE_NAME = f"{ENV.name}_csrf"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "channels",
    "django_htmx",
    "lessons",
    "sandboxes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "labsite.statics.Statics",
    "labsite.compression.CompressPages",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "labsite.urls"
ASGI_APPLICATION = "labsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "lessons.context.course",
            ]
        },
    }
]

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF, *(origin.replace("http", "ws", 1) for origin in ENV.origins)],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

if PREVIEW := place.parse(ENV.preview, url=ENV.url, origins=ENV.origins):
    SECURE_CSP["frame-src"] = [CSP.SELF, *PREVIEW.source]

DATABASES = {"default": configure(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "json",  # what versions before wrote otherwise is not looked at
        "OPTIONS": {"serializer": "labsite.cache.Serializer"},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # redis-py's default socket_timeout of 5 s would close every idle websocket (code 1011), and its default of 100
        # connections ends in errors when a class leaves at once: each websocket says goodbye to three groups.
        "CONFIG": {"hosts": [{"address": ENV.redis_url, "socket_timeout": None, "max_connections": 4096}], "prefix": ENV.name},
    }
}

CELERY_BROKER_URL = ENV.redis_url.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = ENV.check_timeout + 30
CELERY_TASK_SOFT_TIME_LIMIT = ENV.check_timeout + 10
# A task whose worker was killed comes back only after this: just above the hard limit.
CELERY_VISIBILITY_TIMEOUT = CELERY_TASK_TIME_LIMIT + 15
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_VISIBILITY_TIMEOUT,
    "global_keyprefix": f"{ENV.name}:",
    "queue_order_strategy": "sorted",
}
# Taken in the order of their names: a check, which takes a moment and somebody looks at; machines and the rest; what nobody
# waits for.
CELERY_TASK_QUEUES = [Queue(name) for name in ("asked", "celery", "later")]  # type: ignore[no-untyped-call]
CELERY_TASK_ROUTES = {"sandboxes.tasks.run_check": {"queue": "asked"}, "sandboxes.tasks.examine_programs": {"queue": "later"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "lessons.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "lessons.accounts.SignupForm",
    "login": "lessons.accounts.LoginForm",
    "change_password": "lessons.accounts.ChangePasswordForm",
    "reset_password_from_key": "lessons.accounts.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_VALIDATORS = "lessons.accounts.username_validators"
ACCOUNT_USERNAME_BLACKLIST = ["library", "curso", "lab", "admin", "root", "espejo", "registro"]
ACCOUNT_RATE_LIMITS = {
    "login": f"{ENV.rate_login.replace('minute', 'm').replace('hour', 'h')}/ip",
    "signup": f"{ENV.rate_signup.replace('minute', 'm').replace('hour', 'h')}/ip",
}

LANGUAGE_CODE = "es"
LANGUAGES = [("es", "Español")]
TIME_ZONE = "Europe/Madrid"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from where the sources are, with the finders: no collectstatic, no second copy on disk.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(colors=False),
            ],
            "foreign_pre_chain": [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso")],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "django.request": {"level": "ERROR"}},
}
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
