"""Challenges: what a code is made of, what is taken for it, and when it ends."""

import dataclasses
import hashlib
import hmac
import struct
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from app import create_app
from config import Config
from extensions import db, writing
from models import Challenge, User
from services import challenges, sealing
from services.challenges import Purpose, Reference
from services.errors_codes import (
    ChallengeClosed,
    ChallengeConsumed,
    CodeExpired,
    CodeIncorrect,
    CodeMissing,
    NothingSent,
)
from tests.challenges import check, code_of, enter, issue, row
from tests.people import NUMBER, load_user


@pytest.fixture
def ann(new_user: Callable[..., User]) -> User:
    return new_user(number=NUMBER, two_factor=True)


class TestTheCode:
    def test_it_is_rfc_4226_over_all_that_it_binds(self, ann: User, config: Config) -> None:
        reference = issue(ann, Purpose.ADD_PHONE, destination="+12015550188")
        challenge = row(reference)
        key = sealing.derive_key(b"gatepost security codes", config.secret_key)
        message = "|".join(
            (reference.seed, challenge.nonce.hex(), str(challenge.id), str(ann.id), "add_phone",
             "+12015550188")
        )  # fmt: skip
        mac = hmac.new(key, message.encode(), hashlib.sha256).digest()
        (number,) = struct.unpack(">I", mac[mac[-1] & 15 : (mac[-1] & 15) + 4])

        assert code_of(reference) == str((number & 0x7FFFFFFF) % 1_000_000).zfill(6)

    @pytest.mark.parametrize(
        "change",
        [
            {"nonce": b"0" * 16}, {"id": 99}, {"user_id": 99}, {"purpose": "confirm_identity"},
            {"destination": "+12015550177"},
        ],
    )  # fmt: skip
    def test_everything_it_binds_changes_it(self, ann: User, change: dict[str, object]) -> None:
        """Six digits may be equal by chance, twelve (two seeds) hardly ever."""
        reference = issue(ann)
        other = dataclasses.replace(reference, seed="f" * 32)
        before = code_of(reference), code_of(other)
        changed = row(reference)
        db.session.expunge(changed)
        for name, value in change.items():
            setattr(changed, name, value)

        after = (
            challenges.derive_code(changed, reference),
            challenges.derive_code(changed, other),
        )
        assert after != before

    def test_another_seed_is_another_code(self, ann: User) -> None:
        reference = issue(ann)
        codes = {
            challenges.derive_code(row(reference), Reference(reference.challenge_id, f"{n:032x}"))
            for n in range(50)
        }
        assert len(codes) > 40

    def test_another_secret_key_is_another_code(self, ann: User, config: Config) -> None:
        references = [issue(ann) for _ in range(3)]
        here = [code_of(reference) for reference in references]
        rows = [row(reference) for reference in references]
        other = create_app(
            dataclasses.replace(config, secret_key="another-key-0123456789-abcdefgh")
        )

        with other.app_context():
            for challenge in rows:
                challenge.key_id = next(iter(sealing.code_keys()))
            pairs = zip(rows, references, strict=True)
            there = [challenges.derive_code(challenge, ref) for challenge, ref in pairs]
            db.engine.dispose()
        assert here != there

    def test_it_is_always_six_digits(self, ann: User) -> None:
        challenge = row(issue(ann))
        codes = [
            challenges.derive_code(challenge, Reference(challenge.id, f"{n:032x}"))
            for n in range(300)
        ]
        assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)
        assert any(code.startswith("0") for code in codes)

    def test_neither_it_nor_the_seed_stands_in_the_row(self, ann: User) -> None:
        reference = issue(ann)
        columns = [str(getattr(row(reference), c.name)) for c in Challenge.__table__.columns]

        assert code_of(reference) not in columns
        assert not any(reference.seed in column for column in columns)

    def test_two_challenges_share_neither_seed_nor_nonce(self, ann: User) -> None:
        first, second = issue(ann), issue(ann)

        assert first.seed != second.seed
        assert len(first.seed) == 32
        assert row(first).nonce != row(second).nonce
        assert len(row(first).nonce) == 16


class TestEntering:
    def test_the_right_code_is_used_up_once(self, ann: User) -> None:
        reference = issue(ann)
        code = code_of(reference)
        enter(ann, reference, code)

        assert row(reference).consumed_at
        with pytest.raises(ChallengeConsumed):
            check(ann, reference, code)

    @pytest.mark.parametrize("shape", ["{0} {1}", "{0}-{1}", "  {0}{1}  ", "{0} - {1}"])
    def test_spaces_and_hyphens_are_forgiven(self, ann: User, shape: str) -> None:
        reference = issue(ann)
        code = code_of(reference)

        enter(ann, reference, shape.format(code[:3], code[3:]))

    @pytest.mark.parametrize("code", ["", "   "])
    def test_an_empty_field_costs_nothing(self, ann: User, code: str) -> None:
        reference = issue(ann)
        with pytest.raises(CodeMissing):
            check(ann, reference, code)

        assert row(reference).tries == 0

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda code: code[:5], "6 digits"),
            (lambda code: code + "0", "6 digits"),
            (lambda code: "abcdef", "digits only"),
            (lambda code: code[:5] + "x", "digits only"),
            (lambda code: code.translate({48 + n: 0x0660 + n for n in range(10)}), "digits only"),
            (lambda code: code.translate({48 + n: 0xFF10 + n for n in range(10)}), "digits only"),
            (lambda code: f"+{code}", "digits only"),
            (lambda code: code[:3] + "\n" + code[3:], "digits only"),
            (lambda code: f"{code}\0", "digits only"),
        ],
    )
    def test_anything_malformed_is_a_counted_wrong_code(
        self, ann: User, make: Callable[[str], str], words: str
    ) -> None:
        reference = issue(ann)
        with pytest.raises(CodeIncorrect) as caught:
            check(ann, reference, make(code_of(reference)))

        assert caught.value.tries_left == 4
        assert words in str(caught.value)
        assert row(reference).tries == 1

    def test_a_code_that_was_never_sent_cannot_be_entered(self, ann: User) -> None:
        with pytest.raises(NothingSent):
            check(ann, None, "123456")

    def test_the_seed_of_another_browser_is_no_use(self, ann: User) -> None:
        reference = issue(ann)
        mine = Reference(reference.challenge_id, "0" * 32)
        wrong = code_of(mine)
        if wrong == code_of(reference):
            pytest.skip("equal by chance: one in a million")

        enter(ann, mine, wrong)
        with pytest.raises(ChallengeConsumed):
            check(ann, reference, code_of(reference))

    @pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.SIGN_IN])
    def test_a_code_of_one_purpose_is_nothing_for_another(
        self, ann: User, purpose: Purpose
    ) -> None:
        reference = issue(ann)
        with pytest.raises(ChallengeClosed):
            check(ann, reference, code_of(reference), purpose)

        assert row(reference).tries == 0

    def test_a_code_of_one_person_is_nothing_for_another(
        self, ann: User, new_user: Callable[..., User]
    ) -> None:
        bob = new_user("bob@example.org")
        reference = issue(ann)
        with pytest.raises(ChallengeClosed):
            check(bob, reference, code_of(reference))

        assert row(reference).tries == 0

    def test_every_change_of_a_credential_ends_it(self, ann: User) -> None:
        reference = issue(ann)
        code = code_of(reference)
        with writing() as session:
            session.execute(update(User).values(epoch=User.epoch + 1))

        with pytest.raises(ChallengeClosed):
            check(load_user(ann.id), reference, code)

    def test_a_change_between_check_and_use_ends_it(self, ann: User) -> None:
        reference = issue(ann)
        challenge = check(ann, reference, code_of(reference))
        with writing() as session:
            session.execute(update(User).values(epoch=User.epoch + 1))

        with pytest.raises(ChallengeConsumed), writing() as session:
            challenges.use_up(session, ann, challenge)


class TestItsTime:
    def test_it_works_for_600_seconds_and_not_one_more(
        self, ann: User, clock: time_machine.Traveller
    ) -> None:
        first, second = issue(ann), issue(ann)
        codes = code_of(first), code_of(second)

        clock.shift(599)
        enter(ann, first, codes[0])
        clock.shift(1)
        with pytest.raises(CodeExpired):
            check(ann, second, codes[1])

    @pytest.mark.settings(GATEPOST_CODE_SECONDS="60")
    def test_its_life_is_a_setting(self, ann: User, clock: time_machine.Traveller) -> None:
        reference = issue(ann)
        assert challenges.seconds_left(row(reference)) == 60

        clock.shift(60)
        assert challenges.seconds_left(row(reference)) == 0
        with pytest.raises(CodeExpired):
            check(ann, reference, code_of(reference))

    def test_a_new_one_ends_the_older_of_the_same_browser_only(self, ann: User) -> None:
        mine, elsewhere = issue(ann), issue(ann)
        issue(ann, replaces=mine)

        with pytest.raises(ChallengeClosed):
            check(ann, mine, code_of(mine))
        enter(ann, elsewhere, code_of(elsewhere))

    def test_a_new_one_ends_none_of_another_purpose(self, ann: User) -> None:
        mine = issue(ann, Purpose.CONFIRM_IDENTITY)
        issue(ann, Purpose.SIGN_IN, replaces=mine)

        enter(ann, mine, code_of(mine), Purpose.CONFIRM_IDENTITY)

    def test_a_new_one_ends_none_of_another_person(
        self, ann: User, new_user: Callable[..., User]
    ) -> None:
        mine = issue(ann)
        issue(new_user("bob@example.org"), replaces=mine)

        enter(ann, mine, code_of(mine))

    def test_it_outlives_a_new_secret_key_while_the_old_one_is_kept(
        self, ann: User, config: Config
    ) -> None:
        reference = issue(ann)
        code = code_of(reference)
        rotated = dataclasses.replace(
            config,
            secret_key="another-key-0123456789-abcdefgh",
            secret_key_fallbacks=(config.secret_key,),
        )
        with create_app(rotated).app_context():
            person = load_user(ann.id)
            newer = issue(person)
            assert row(newer).key_id != row(reference).key_id
            enter(person, reference, code)
            db.session.remove()
            db.engine.dispose()

    def test_it_ends_when_its_key_is_given_up(self, ann: User, config: Config) -> None:
        reference = issue(ann)
        other = create_app(
            dataclasses.replace(config, secret_key="another-key-0123456789-abcdefgh")
        )
        with other.app_context():
            person = load_user(ann.id)
            with pytest.raises(ChallengeClosed):
                check(person, reference, "123456")
            db.session.remove()
            db.engine.dispose()


def test_an_expired_challenge_is_not_found_live(ann: User, clock: time_machine.Traveller) -> None:
    reference = issue(ann)
    session = db.session()
    assert challenges.find_live(session, ann, Purpose.SIGN_IN, reference)

    clock.shift(timedelta(seconds=600))
    assert challenges.find_live(session, ann, Purpose.SIGN_IN, reference) is None
    assert challenges.find(session, ann, Purpose.SIGN_IN, reference)
