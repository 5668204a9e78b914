"""The decision alone: rules and facts in, a verdict out."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.gate import targets
from services.gate.facts import Facts
from services.gate.registry import AppRules
from services.gate.verdict import Demands, Outcome, Question, Reason, Verdict, decide
from tests.conftest import NINE_O_CLOCK

STAFF = 7
MINUTE = timedelta(minutes=1)
APP = AppRules(1, "Wiki", groups={STAFF: None})
ANN = Facts(
    scope="example.org", session_id=1, user_id=1, amr="pwd", second_factor_proved_at=NINE_O_CLOCK,
    opened_at=NINE_O_CLOCK, last_seen_at=NINE_O_CLOCK, expires_at=NINE_O_CLOCK + 60 * MINUTE,
    idle_seconds=3600, email="ann@example.org", name="Ann",
    two_factor_enabled=False, groups=(STAFF,), grants={},
)  # fmt: skip
WITH_CODE = ANN._replace(amr="pwd sms mfa", two_factor_enabled=True)
REMEMBERED = ANN._replace(two_factor_enabled=True, second_factor_proved_at=None)


def ask(
    app: AppRules | None = APP,
    person: Facts | None = ANN,
    *,
    url: str = "https://wiki.example.org/",
    after: timedelta = MINUTE,
    second_step_for_all: bool = False,
    **about: bool,
) -> tuple[Outcome, Reason]:
    target = targets.parse(url, allow_http=False)
    verdict: Verdict = decide(
        Question(target, **about),
        app,
        person,
        NINE_O_CLOCK + after,
        Demands(10 * MINUTE, second_step_for_all),
    )
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("app", "person", "answer"),
    [
        (None, ANN, (Outcome.UNKNOWN, Reason.UNKNOWN_APP)),
        (APP, None, (Outcome.SIGN_IN, Reason.NOT_SIGNED_IN)),
        (APP, ANN, (Outcome.ALLOWED, Reason.GROUP_GRANT)),
        (APP, ANN._replace(groups=()), (Outcome.FORBIDDEN, Reason.NO_GRANT)),
        (APP, ANN._replace(groups=(1,)), (Outcome.FORBIDDEN, Reason.NO_GRANT)),
        (
            replace(APP, for_everyone=True),
            ANN._replace(groups=()),
            (Outcome.ALLOWED, Reason.FOR_EVERYONE),
        ),
        (
            APP,
            ANN._replace(groups=(), grants={APP.id: None}),
            (Outcome.ALLOWED, Reason.OWN_GRANT),
        ),
        (
            APP,
            ANN._replace(groups=(), grants={APP.id: NINE_O_CLOCK + MINUTE}),
            (Outcome.FORBIDDEN, Reason.GRANT_OVER),
        ),
        (
            replace(APP, groups={STAFF: NINE_O_CLOCK + MINUTE}),
            ANN,
            (Outcome.FORBIDDEN, Reason.GRANT_OVER),
        ),
        (
            replace(APP, groups={STAFF: NINE_O_CLOCK + 2 * MINUTE}),
            ANN,
            (Outcome.ALLOWED, Reason.GROUP_GRANT),
        ),
    ],
)
def test_who_may_enter(
    app: AppRules | None, person: Facts | None, answer: tuple[Outcome, Reason]
) -> None:
    assert ask(app, person) == answer


@pytest.mark.parametrize(
    ("level", "person", "missing"),
    [
        ("two-factor", ANN, Reason.NO_SECOND_FACTOR),
        ("two-factor", ANN._replace(two_factor_enabled=True), Reason.NO_SECOND_FACTOR),
        ("two-factor", WITH_CODE, None),
        ("two-factor", REMEMBERED, None),
        ("recent-two-factor", WITH_CODE, None),
        ("recent-two-factor", REMEMBERED, Reason.NO_SECOND_FACTOR),
        ("recent-two-factor", ANN, Reason.NO_SECOND_FACTOR),
        ("a level of a later version", ANN, Reason.NO_SECOND_FACTOR),
    ],
)
def test_how_strongly_people_must_have_signed_in(
    level: str, person: Facts, missing: Reason | None
) -> None:
    outcome, reason = ask(replace(APP, level=level), person)

    assert (outcome, reason) == (
        (Outcome.STEP_UP, missing) if missing else (Outcome.ALLOWED, Reason.GROUP_GRANT)
    )


def test_a_second_factor_is_recent_for_ten_minutes() -> None:
    app = replace(APP, level="recent-two-factor")

    assert ask(app, WITH_CODE, after=10 * MINUTE - timedelta(seconds=1))[0] is Outcome.ALLOWED
    assert ask(app, WITH_CODE, after=10 * MINUTE) == (Outcome.STEP_UP, Reason.SECOND_FACTOR_OLD)


def test_a_copied_cookie_does_not_rise_when_its_owner_proves_a_second_factor() -> None:
    copied = WITH_CODE._replace(opened_at=NINE_O_CLOCK - MINUTE)

    assert ask(replace(APP, level="recent-two-factor"), copied)[0] is Outcome.STEP_UP


def test_where_all_need_a_second_step_a_browser_without_proof_was_remembered() -> None:
    person = ANN._replace(second_factor_proved_at=None)
    app = replace(APP, level="two-factor")

    assert ask(app, person, second_step_for_all=True)[0] is Outcome.ALLOWED
    assert ask(app, person)[0] is Outcome.STEP_UP


def test_who_may_not_enter_is_not_asked_for_a_code() -> None:
    assert ask(replace(APP, level="two-factor", groups={})) == (
        Outcome.FORBIDDEN, Reason.NO_GRANT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "own_cookie", "enters"),
    [
        ("example.org", False, True),
        ("wiki.example.org", False, True),
        ("example.org", True, False),
        ("https://wiki.example.org", True, True),
        ("https://wiki.example.org", False, True),
        ("https://other.example.org", False, False),
        ("https://wiki.example.org:8443", True, False),
        ("ki.example.org", False, False),
        ("example.net", False, False),
        ("", False, False),
    ],
)
def test_a_token_is_good_in_its_scope_only(scope: str, own_cookie: bool, enters: bool) -> None:
    answer = ask(replace(APP, own_cookie=own_cookie), ANN._replace(scope=scope))

    assert (answer[0] is Outcome.ALLOWED) is enters


PUBLIC = replace(APP, public_paths=("/health", "/static/*"))


@pytest.mark.parametrize("path", ["/health", "/health?x=/../a", "/static/a.css", "/static/"])
def test_public_paths_let_everybody_in(path: str) -> None:
    assert ask(PUBLIC, None, url=f"https://wiki.example.org{path}") == (
        Outcome.ALLOWED, Reason.PUBLIC_PATH,
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/", "/healthy", "/health/", "/static", "/static/../admin", "/static/..%2fadmin",
        "/static/%2e%2e/admin", "/static//admin", "/static/a;b", "/%73tatic/a", "/static/./a",
        "//static/a", "/static/a,/admin", "/static/a%00",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_public_path_is_none(path: str) -> None:
    assert ask(PUBLIC, None, url=f"https://wiki.example.org{path}")[0] is Outcome.SIGN_IN


def test_without_the_path_as_it_was_sent_none_is_public() -> None:
    answer = ask(PUBLIC, None, url="https://wiki.example.org/health", path_is_certain=False)

    assert answer[0] is Outcome.SIGN_IN


def test_an_app_learns_on_a_public_path_who_may_enter_and_of_nobody_else() -> None:
    target = targets.parse("https://wiki.example.org/health", allow_http=False)

    def person_told(person: Facts) -> Facts | None:
        moment: datetime = NINE_O_CLOCK
        return decide(Question(target), PUBLIC, person, moment, Demands(MINUTE)).person

    assert person_told(ANN) == ANN
    assert person_told(ANN._replace(groups=())) is None


def test_preflights_pass_only_where_the_app_says_so() -> None:
    assert ask(APP, None, is_preflight=True)[0] is Outcome.SIGN_IN
    assert ask(replace(APP, preflight_allowed=True), None, is_preflight=True) == (
        Outcome.ALLOWED, Reason.PREFLIGHT,
    )  # fmt: skip


def test_another_sites_page_cannot_change_anything() -> None:
    assert ask(is_cross_site_write=True) == (Outcome.FORBIDDEN, Reason.CROSS_SITE_WRITE)
    assert ask(replace(APP, cross_site_writes=True), is_cross_site_write=True)[0] is (
        Outcome.ALLOWED
    )


def test_a_post_from_elsewhere_to_a_public_path_comes_without_a_person() -> None:
    target = targets.parse("https://wiki.example.org/health", "POST", allow_http=False)
    question = Question(target, is_cross_site_write=True)
    verdict = decide(question, PUBLIC, ANN, NINE_O_CLOCK, Demands(MINUTE))

    assert (verdict.outcome, verdict.person) == (Outcome.ALLOWED, None)
