"""The first journey as plain HTTP: register, prove a number, sign in with a code, undo it all."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Protocol

from tests.client import Answer, Browser
from tests.people import PASSWORD


class Post(Protocol):
    """Where messages arrive."""

    def new_code(self, to: str) -> str:
        """The code in the next message to a number or an address that holds one."""

    def new_link(self, to: str) -> str:
        """The path of the link in the next mail to an address that holds one."""


@dataclass
class Traveller:
    """Somebody at a browser, with a mailbox and a phone, and a second number to change to."""

    browser: Browser
    post: Post
    email: str
    number: str
    new_number: str

    def travel(self) -> None:
        """Every step, in order."""
        self.register()
        self.sign_in("/")
        self.see("/account", self.email, "Two-factor sign-in: off", "Phone number: none")
        self.add_the_number()
        self.change("/account/two-factor/enable", "Two-factor sign-in: on")
        self.sign_out()
        self.sign_in_with_a_text(remember_browser="y")
        self.sign_out()
        self.sign_in("/")
        browser_id = self.see("/account", "This browser").find(r"browsers/(\d+)/forget")
        self.change(f"/account/browsers/{browser_id}/forget", "The browser was forgotten.")
        self.sign_out()
        self.sign_in_with_a_mail()
        phone_id = self.change_the_number()
        self.change(f"/account/phones/{phone_id}/remove", "Phone number: none")
        self.change("/account/two-factor/disable", "Two-factor sign-in: off")

    def register(self) -> None:
        self.ask("/register", email=self.email, password=PASSWORD).leads_to("/confirm-email/sent")
        link = self.post.new_link(self.email)
        self.see(link, "Confirm my email address")
        self.ask(link).leads_to("/sign-in")
        self.see("/sign-in", "Your email address is confirmed. You can sign in now.")

    def sign_in(self, leads_to: str) -> None:
        self.ask("/sign-in", email=self.email, password=PASSWORD).leads_to(leads_to)

    def sign_out(self) -> None:
        self.ask("/sign-out", page="/account").leads_to("/sign-in")
        assert self.browser.get("/account").status == 303

    def add_the_number(self) -> None:
        shown = f"(201) 555-{self.number[-4:]}"
        self.ask("/account/phones/add", number=shown).leads_to("/account/phones/confirm")
        code = self.post.new_code(self.number)
        self.ask("/account/phones/confirm", code=code).leads_to("/account")
        self.see("/account", "The phone number was added.", f"+1 201-555-{self.number[-4:]}")

    def sign_in_with_a_text(self, **fields: str) -> None:
        self.sign_in("/two-factor")
        page = self.see("/two-factor", f"By text message to the number ending {self.number[-2:]}")
        way = page.find(r'value="(phone:\d+)"')
        self.ask("/two-factor", method=way).leads_to("/two-factor/verify")
        code = self.post.new_code(self.number)
        self.ask("/two-factor/verify", code=code, **fields).leads_to("/")

    def sign_in_with_a_mail(self) -> None:
        self.sign_in("/two-factor")
        self.ask("/two-factor", method="email").leads_to("/two-factor/verify")
        code = self.post.new_code(self.email)
        self.ask("/two-factor/verify", code=f"{code[:3]} {code[3:]}").leads_to("/")

    def change_the_number(self) -> str:
        phone_id = self.see("/account", self.number[-4:]).find(r"phones/(\d+)/change")
        change = f"/account/phones/{phone_id}/change"
        self.ask(change, number=self.new_number).leads_to("/account/phones/confirm")
        code = self.post.new_code(self.new_number)
        self.ask("/account/phones/confirm", code=code).leads_to("/account")
        page = self.see("/account", "The phone number was changed.", self.new_number[-4:])
        assert self.number[-4:] not in page.text
        return page.find(r"phones/(\d+)/change")

    def change(self, path: str, *words: str) -> None:
        self.ask(path, page="/account").leads_to("/account")
        self.see("/account", *words)

    def ask(self, path: str, *, page: str | None = None, **fields: str) -> "Step":
        """Post a form as a browser does."""
        return Step(self.browser.post(path, page=page, **fields))

    def see(self, path: str, *words: str) -> "Step":
        """Open a page that says all this."""
        step = Step(self.browser.get(path))
        assert step.answer.status == 200, step.answer
        for each in words:
            assert each in step.text, f"{each!r} is not on {path}:\n{step.text}"
        return step


@dataclass
class Step:
    """One answer, as far as the journey looks at it."""

    answer: Answer

    @property
    def text(self) -> str:
        """The words of the page, without its tags."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.answer.text)).split())

    def leads_to(self, path: str) -> None:
        """Fail unless it redirects there."""
        assert (self.answer.status, self.answer.location) == (303, path), self.text or self.answer

    def find(self, pattern: str) -> str:
        """The first group of the first match in the page's source."""
        found = re.search(pattern, self.answer.text)
        assert found, f"{pattern} is not in {self.answer!r}"
        return found.group(1)
