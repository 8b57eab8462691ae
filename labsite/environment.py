"""The platform's settings as the environment gives them: one typed place, each variable with its meaning.

docs/configuracion.md documents every field (a test compares them); a wrong value stops the start by its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from labsite import addresses
from labsite.databases import with_password
from sandboxes.preview import place

CommaSeparated = Annotated[list[str], NoDecode]
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]*/(minute|hour)$", description="N/minute o N/hour")]
COURSES = Path(__file__).resolve().parent.parent / "lessons" / "content"


class Environment(BaseSettings):
    """LAB_* variables. Durations in seconds unless the name says otherwise; sizes in MiB."""

    model_config = SettingsConfigDict(env_prefix="LAB_", extra="ignore")

    secret_key: str = Field(min_length=1)
    debug: bool = False
    name: str = Field(default="lab", pattern=r"^[a-z][a-z0-9]{0,11}$", description="de 1 a 12 letras minúsculas y cifras")
    url: str = "http://127.0.0.1:8000"
    bind: str = "127.0.0.1:8000"
    allowed_origins: CommaSeparated = []
    tls_cert: str = ""
    tls_key: str = ""
    database_url: str = "sqlite:///lab.sqlite3"
    database_password: str = ""
    redis_url: str = "unix:///run/docker-intensivo/lab/redis.sock"
    redis_password: str = ""
    engine_url: str = "unix:///run/docker-intensivo/lab/engine.sock"
    sandbox_image: str = "docker-intensivo/sandbox:latest"
    seeded_image: str = "docker-intensivo/seeded:latest"
    storage: Literal["btrfs", "ext4"] = "btrfs"
    internet: bool = False
    egress_socket: str = "/run/docker-intensivo/lab/egress.sock"
    ca_cert: str = ""
    registry_keys: str = ""
    registry_store: str = ""
    mirror_log: str = ""
    endings_dir: str = ""
    registry_quota: int = Field(default=1024, ge=1)
    course: str = "docker-intensivo"
    course_dir: str = ""
    demo_accounts: bool = True
    signup: Literal["abierto", "codigo", "cerrado"] = "abierto"
    rate_signup: Rate = "20/hour"
    rate_login: Rate = "30/minute"
    rate_start: Rate = "20/minute"
    sandboxes_max: int = Field(default=40, ge=1)
    sandbox_idle: int = Field(default=30 * 60, ge=60)
    sandbox_warning: int = Field(default=5 * 60, ge=10)
    sandbox_cap: int = Field(default=4 * 3600, ge=600)
    start_timeout: int = Field(default=60, ge=5)
    check_timeout: int = Field(default=60, ge=5)
    keep_days: int = Field(default=3, ge=0)
    keep_max: int = Field(default=100, ge=0)
    checkpoint_max: int = Field(default=1024, ge=0)
    pool_min: int = Field(default=1, ge=0)
    pool_max: int = Field(default=10, ge=0)
    memory_reserve: int = Field(default=1024, ge=0)
    terminals_max: int = Field(default=16, ge=1)
    preview: str = ""
    terminal_rate: int = Field(default=2000, ge=50)
    transfer_max: int = Field(default=32, ge=1)
    events_max: int = Field(default=2000, ge=100)
    recording: Literal["siempre", "opcional", "nunca"] = "opcional"
    recordings_dir: str = "/var/lib/docker-intensivo/lab/data/recordings"
    recordings_days: int = Field(default=30, ge=0)
    recordings_total: int = Field(default=2048, ge=1)
    recording_max: int = Field(default=5, ge=1, le=50)

    @field_validator("course")
    @classmethod
    def _check_own_course(cls, value: str) -> str:
        if not (COURSES / value / "curso.yaml").is_file():
            there = ", ".join(sorted(file.parent.name for file in COURSES.glob("*/curso.yaml")))
            raise ValueError(f"no hay ningún curso «{value}» en lessons/content; hay: {there}")
        return value

    @field_validator("course_dir")
    @classmethod
    def _check_course(cls, value: str) -> str:
        if value and not (Path(value) / "curso.yaml").is_file():
            raise ValueError(f"en «{value}» no hay ningún curso: falta su curso.yaml, o no se puede leer")
        return value.rstrip("/")

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("url", "allowed_origins")
    @classmethod
    def _check_origin(cls, value: str | list[str]) -> str | list[str]:
        for origin in [value] if isinstance(value, str) else value:
            addresses.check_origin(origin)
        return value

    @field_validator(*addresses.SERVICES)
    @classmethod
    def _check_service(cls, value: str, info: ValidationInfo) -> str:
        addresses.check_service(str(info.field_name), value)
        return value

    @model_validator(mode="after")
    def _check_preview(self) -> Environment:
        try:
            place.parse(self.preview, url=self.url, origins=self.origins)
        except ValueError as error:
            raise ValueError(f"LAB_PREVIEW: {error}") from error
        return self

    @model_validator(mode="after")
    def _complete_urls(self) -> Environment:
        self.database_url = with_password(self.database_url, self.database_password)
        self.redis_url = with_password(self.redis_url, self.redis_password)
        return self

    @property
    def origins(self) -> list[str]:
        """Every origin that pages of the platform may come from, scheme, host and port."""
        return list(dict.fromkeys(_as_browsers_say(origin) for origin in [self.url, *self.allowed_origins]))


def _as_browsers_say(origin: str) -> str:
    """An origin without the port that its scheme has anyway, which no browser sends."""
    parts = urlsplit(origin.rstrip("/").lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def load() -> Environment:
    """Read LAB_ENV_FILE, if set, and the environment (which wins); raises ImproperlyConfigured in Spanish.

    LAB_X_FILE is a file that holds what LAB_X is to be, as secrets are given to containers."""
    for name, value in _file_settings(os.environ.get("LAB_ENV_FILE", "")).items():
        os.environ.setdefault(name, value)
    try:
        return Environment(**_secret_files())
    except ValidationError as error:
        wrong = "; ".join(_fault(item) for item in error.errors())
        raise ImproperlyConfigured(f"Configuración incorrecta. {wrong}. Consulta docs/configuracion.md.") from error


_FAULTS = {
    "missing": "falta",
    "string_too_short": "no puede estar vacía",
    "literal_error": "«{input}» no vale; ha de ser {expected}",
    "bool_parsing": "«{input}» no vale; ha de ser true o false",
    "int_parsing": "«{input}» no es un número entero",
    "greater_than_equal": "{input} es poco; {ge} como mínimo",
    "less_than_equal": "{input} es demasiado; {le} como máximo",
    "string_pattern_mismatch": "«{input}» no vale; ha de ser {form}",
}
"""What pydantic calls a fault, in the operator's words."""


def _fault(item: ErrorDetails) -> str:
    """One fault, by its variable; who looks at several at once names it itself. No secret's value is in any."""
    words = {name: str(value).replace(" or ", " o ") for name, value in item.get("ctx", {}).items()}
    known = _FAULTS.get(item["type"])
    field = Environment.model_fields.get(str(item["loc"][0])) if item["loc"] else None
    words["form"] = (field.description if field else None) or words.get("pattern", "")
    said = known.format(input=item["input"], **words) if known else item["msg"].removeprefix("Value error, ")
    variable = ".".join(map(str, item["loc"])).upper()
    return f"LAB_{variable}: {said}" if variable else said


def _secret_files() -> dict[str, Any]:
    """What the files of LAB_X_FILE hold, without the end of their last line."""
    given: dict[str, Any] = {}
    for field in Environment.model_fields:
        variable = f"LAB_{field.upper()}"
        path = os.environ.get(f"{variable}_FILE", "")
        if not path:
            continue
        if os.environ.get(variable):
            raise ImproperlyConfigured(f"Configuración incorrecta. {variable} y {variable}_FILE dicen lo mismo: quita uno.")
        try:
            given[field] = Path(path).read_text().rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = _UNREADABLE.get(type(error), "no es texto" if isinstance(error, UnicodeDecodeError) else str(error.strerror))
            raise ImproperlyConfigured(
                f"Configuración incorrecta. {variable}_FILE: no se puede leer «{path}» ({reason}). "
                "Es un secreto, que crea «make compose-up». Consulta docs/configuracion.md."
            ) from error
    return given


_UNREADABLE: dict[type[Exception], str] = {
    FileNotFoundError: "no existe",
    PermissionError: "no hay permiso",
    IsADirectoryError: "es una carpeta",
    NotADirectoryError: "parte de ese camino no es una carpeta",
}


def _file_settings(path: str) -> dict[str, str]:
    if not path:
        return {}
    lines = (line for line in Path(path).read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}
