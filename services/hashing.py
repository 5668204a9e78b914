"""Password hashes: Argon2id in a small pool, so that a crowd cannot eat the memory.

Every thread that hashes keeps its memory (19 MiB by default), and each hash
takes a core for its time: so few threads, and a bounded wait for one. Never call
this inside a database transaction.
"""

import unicodedata
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from extensions import settings
from services.errors import ServiceBusy

T = TypeVar("T")


def hash_password(password: str) -> str:
    """The Argon2id hash to store (RFC 9106). Raises ``ServiceBusy``."""
    return _wait_for(_pool(settings().hash_threads).submit(_hasher().hash, _normalize(password)))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; takes as long where there is none.

    Raises ``ServiceBusy``.
    """
    future = _pool(settings().hash_threads).submit(
        _verify, stored or _dummy(), _normalize(password)
    )
    return _wait_for(future) and stored is not None


def is_same(one: str, other: str) -> bool:
    """Whether two passwords would have the same hash."""
    return _normalize(one) == _normalize(other)


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)


def _normalize(password: str) -> bytes:
    """NFC: the same password, whatever the keyboard (SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode()


def _verify(stored: str, password: bytes) -> bool:
    try:
        return PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _wait_for(future: "Future[T]") -> T:
    try:
        return future.result(timeout=settings().hash_wait_seconds)
    except WaitedTooLong as error:
        future.cancel()
        raise ServiceBusy from error


def _hasher() -> PasswordHasher:
    return _hasher_with(settings().argon2_memory_kib, settings().argon2_passes)


@lru_cache
def _hasher_with(memory_kib: int, passes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)


def _dummy() -> str:
    return _dummy_with(settings().argon2_memory_kib, settings().argon2_passes)


@lru_cache
def _dummy_with(memory_kib: int, passes: int) -> str:
    return _hasher_with(memory_kib, passes).hash(b"nobody's password")


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="hash")


def warm_up() -> None:
    """Make the dummy hash beforehand, so that the first unknown address takes no longer."""
    _dummy()
