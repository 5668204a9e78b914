"""The pages of the signed-out doors, in every state."""

from models import PendingSignIn
from tests.browser.states import state
from tests.browser.visit import LONG_AGO, Visit, new_email
from tests.outbox import link_in
from tests.people import PASSWORD


@state()
def sign_in(visit: Visit) -> None:
    visit.open("/sign-in")


@state(422)
def sign_in_empty(visit: Visit) -> None:
    visit.open("/sign-in")
    visit.press("Sign in")


@state(422)
def sign_in_wrong_password(visit: Visit) -> None:
    person = visit.new_person()
    visit.open("/sign-in")
    visit.fill("Email address", person.email)
    visit.fill("Password", "not the password at all")
    visit.press("Sign in")


@state(422)
def sign_in_unconfirmed(visit: Visit) -> None:
    person = visit.new_registration()
    visit.open("/sign-in")
    visit.fill("Email address", person.email)
    visit.fill("Password", person.password)
    visit.press("Sign in")


@state(429)
def sign_in_too_often(visit: Visit) -> None:
    person = visit.new_person()
    for _ in range(5):
        visit.post("/sign-in", email=person.email, password="wrong wrong wrong")
    visit.open("/sign-in")
    visit.fill("Email address", person.email)
    visit.fill("Password", "wrong wrong wrong")
    visit.press("Sign in")


@state()
def sign_in_signed_out(visit: Visit) -> None:
    visit.sign_in(visit.new_person())
    visit.open("/account")
    visit.press("Sign out")


@state()
def sign_in_too_late(visit: Visit) -> None:
    person = visit.new_person(two_factor=True)
    visit.sign_in(person)
    visit.change(PendingSignIn, person, expires_at=LONG_AGO)
    visit.open("/two-factor/verify")


@state()
def register(visit: Visit) -> None:
    visit.open("/register")


@state(422)
def register_empty(visit: Visit) -> None:
    visit.open("/register")
    visit.press("Create account")


@state(422)
def register_mistaken(visit: Visit) -> None:
    visit.open("/register")
    visit.fill("Email address", "ann@example")
    visit.fill("Password", "too short")
    visit.press("Create account")


@state()
def register_sent(visit: Visit) -> None:
    visit.open("/register")
    visit.fill("Email address", new_email())
    visit.fill("Password", PASSWORD)
    visit.press("Create account")


@state()
def confirm_email(visit: Visit) -> None:
    email = new_email()
    visit.post("/register", email=email, password=PASSWORD)
    visit.open(link_in(visit.wait_for("mail", 1, email)[0]))


@state()
def confirm_email_done(visit: Visit) -> None:
    confirm_email(visit)
    visit.press("Confirm my email address")


@state()
def confirm_email_contested(visit: Visit) -> None:
    registered = visit.new_registration()
    visit.post("/register", email=registered.email, password=PASSWORD)
    link = link_in(visit.wait_for("mail", 1, registered.email)[0])
    visit.page.context.clear_cookies()
    visit.open(link)


@state()
def choose_first_password(visit: Visit) -> None:
    confirm_email_contested(visit)
    visit.press("Confirm my email address")


@state(422)
def confirm_email_link_invalid(visit: Visit) -> None:
    visit.open("/confirm-email/a-link-that-was-cut-short")
    visit.press("Confirm my email address")


@state()
def confirm_email_resend(visit: Visit) -> None:
    visit.open("/confirm-email/resend")


@state()
def confirm_email_sent_again(visit: Visit) -> None:
    visit.open("/confirm-email/resend")
    visit.fill("Email address", new_email())
    visit.press("Send link")


@state(422)
def confirm_email_resend_empty(visit: Visit) -> None:
    visit.open("/confirm-email/resend")
    visit.press("Send link")


@state()
def reset_password(visit: Visit) -> None:
    visit.open("/reset-password")


@state(422)
def reset_password_empty(visit: Visit) -> None:
    visit.open("/reset-password")
    visit.press("Send link")


@state()
def reset_password_sent(visit: Visit) -> None:
    visit.open("/reset-password")
    visit.fill("Email address", "nobody@example.org")
    visit.press("Send link")


@state()
def choose_password(visit: Visit) -> None:
    person = visit.new_person()
    visit.post("/reset-password", email=person.email)
    visit.open(link_in(visit.wait_for("mail", 1, person.email)[0]))


@state(422)
def choose_password_short(visit: Visit) -> None:
    choose_password(visit)
    visit.fill("New password", "short")
    visit.press("Save password")


@state()
def choose_password_done(visit: Visit) -> None:
    choose_password(visit)
    visit.fill("New password", "another battery, another staple")
    visit.press("Save password")


@state(422)
def choose_password_link_invalid(visit: Visit) -> None:
    visit.open("/reset-password/a-link-that-was-cut-short")


@state(404)
def nothing_there(visit: Visit) -> None:
    visit.open("/nothing-here")
