"""How long an answer takes tells nothing about whether an address has an account.

On a portal whose hash costs far more than all the rest: who leaves it out for some
addresses, or does it twice for others, is seen on the noisiest machine.
"""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from extensions import change_rows, writing
from models import User
from tests.client import Answer, Browser
from tests.scene import FREE_HAND, Scene

Ask = Callable[[Browser, str], Answer]
ROUNDS = 10
APART = 1.6
"""The most that the quickest of interleaved rounds may lie apart, beyond what is noise."""
NOISE_SECONDS = 0.05


def sign_in(browser: Browser, email: str) -> Answer:
    return browser.post("/sign-in", email=email, password="not the right password")


def register(browser: Browser, email: str) -> Answer:
    return browser.post("/register", email=email, password="seven purple kettles on a roof")


def reset(browser: Browser, email: str) -> Answer:
    return browser.post("/reset-password", email=email)


def resend(browser: Browser, email: str) -> Answer:
    return browser.post("/confirm-email/resend", email=email)


@pytest.fixture(scope="module")
def slow(open_portal: Callable[..., Scene]) -> Scene:
    """A portal with an expensive hash."""
    hashes = {"GATEPOST_ARGON2_MEMORY_KIB": "19456", "GATEPOST_ARGON2_PASSES": "12"}
    limits = ("PASSWORD_FAILS_PER_5_MINUTES", "RESETS_PER_HOUR", "RESETS_PER_DAY",
              "CONFIRMATIONS_PER_HOUR")  # fmt: skip
    wide = {f"GATEPOST_{limit}": "1000" for limit in limits}
    return open_portal(workers=1, **{**FREE_HAND, **hashes, **wide})


@pytest.fixture(scope="module")
def addresses(slow: Scene) -> dict[str, str]:
    """One address of each kind."""
    people = {kind: slow.person() for kind in ("known", "without a password", "disabled")}
    people["unconfirmed"] = slow.registration()
    people["known, registered again"] = slow.registration(slow.person().email)
    with slow.app.app_context(), writing() as session:
        for kind, values in (
            ("without a password", {"password_hash": None}),
            ("disabled", {"disabled_at": User.created_at}),
        ):
            change_rows(session, update(User).where(User.id == people[kind].id).values(values))
    return {"unknown": "nobody@example.org"} | {k: p.email for k, p in people.items()}


@pytest.mark.parametrize("ask", [sign_in, register, reset, resend], ids=lambda ask: ask.__name__)
def test_every_kind_of_address_takes_as_long(
    slow: Scene, addresses: dict[str, str], ask: Ask
) -> None:
    times: dict[str, list[float]] = {kind: [] for kind in addresses}
    for number in range(ROUNDS):
        for kind, email in addresses.items():
            if kind == "unknown":
                email = f"{ask.__name__}{number}@example.org"
            answer = ask(slow.browser(), email)
            assert answer.status in {303, 422}, answer
            times[kind].append(answer.seconds)
    quick = {kind: min(seconds) for kind, seconds in times.items()}
    least, most = min(quick.values()), max(quick.values())
    assert most - least < NOISE_SECONDS or most / least < APART, quick
