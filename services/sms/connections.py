"""The HTTP connections of a text gateway: watched by the deadline, never stale.

Loaded by name with the first text, because requests is slow to load. Knows no
provider; must not decide what an error means for a person.
"""

import socket
import ssl
import time
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)

from services import deadline

_IDLE_SECONDS = 30.0
"""A connection that lay idle longer may have been dropped on the way without a word; the next
text would vanish in it and have to be called unknown."""


class _Watched(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        try:
            deadline.watch(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            deadline.watch(cast(socket.socket, self.sock))
        super().request(*args, **kwargs)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class WatchedAdapter(HTTPAdapter):
    """Carries requests over connections that the thread's deadline can cut; retries nothing."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)
        self._used_at = 0.0

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        connect, read = timeout
        waits = (deadline.shorten(connect), deadline.shorten(read))
        if time.monotonic() - self._used_at > _IDLE_SECONDS:
            self.close()
        self._used_at = time.monotonic()
        return super().send(request, stream, waits, verify, cert, proxies)


def never_connected(error: Exception) -> bool:
    """Whether the request certainly never left, because there was no connection to carry it."""
    if isinstance(error, deadline.DeadlineReached | requests.ConnectTimeout):
        return True
    return isinstance(
        _reason(error), NewConnectionError | NameResolutionError | ConnectTimeoutError
    )


def certificate_refused(error: Exception) -> bool:
    """Whether the server's certificate was not believed, so that nothing was sent to it."""
    cause: BaseException | None = (
        _reason(error) if isinstance(error, requests.exceptions.SSLError) else None
    )
    return isinstance(cause, Exception) and any(
        isinstance(part, ssl.SSLCertVerificationError) for part in (cause, *cause.args)
    )


def _reason(error: Exception) -> BaseException | None:
    """What urllib3 says beneath a requests exception; a proxy's own trouble is looked through."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return reason.original_error if isinstance(reason, ProxyError) else reason
