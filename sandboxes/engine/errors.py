"""Docker's errors as the lab engine's callers know them (sandboxes/engine/__init__.py): translated here, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException, NotFound

from sandboxes.engine import EngineError, EngineUnreachable, NoSuchContainer


@contextmanager
def translated(*, gone_is_fine: bool = False) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        if not gone_is_fine:
            raise NoSuchContainer(str(error)) from error
    except APIError as error:
        if gone_is_fine and error.response is not None and error.response.status_code == 409:
            return  # its removal is already in progress
        if gone_is_fine and "active endpoints" in str(error.explanation):
            return  # other nodes are still on it; the reaper takes it when they are gone
        raise EngineError(str(error.explanation or error)) from error
    except (DockerException, requests.RequestException) as error:
        raise EngineUnreachable(str(error)) from error
