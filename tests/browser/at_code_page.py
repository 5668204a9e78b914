"""A person who has asked for a code and looks at the page that waits for it."""

from playwright.sync_api import Locator
from sqlalchemy import func, select

from extensions import db
from models import LoginSession
from services.clock import now
from tests.browser.visit import Visit, new_number
from tests.outbox import code_in
from tests.people import Person


class AtCodePage:
    """The person, the page, and every address that it has posted to since."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.number = new_number()
        self.person: Person = visit.new_person(number=self.number, two_factor=True)
        self.posts: list[str] = []
        self.page.on("request", lambda r: self.posts.append(r.url) if r.method == "POST" else None)
        visit.sign_in(self.person)
        visit.open("/two-factor")
        visit.press("Send code")
        self.posts.clear()

    @property
    def code(self) -> str:
        return code_in(self.visit.wait_for("sms", 1, self.number)[-1])

    @property
    def field(self) -> Locator:
        return self.page.get_by_label("Security code")

    def paste(self, text: str) -> None:
        """As from another app."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.field.click()
        self.page.keyboard.press("Control+V")

    def submit_by_mouse(self) -> tuple[float, float]:
        """Where to click on Submit, for clicks that wait for nothing."""
        box = self.page.get_by_role("button", name="Submit").bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def sign_ins(self) -> int:
        """In how many browsers this person is signed in."""
        query = select(func.count()).where(
            LoginSession.user_id == self.person.id, LoginSession.expires_at > now()
        )
        with self.visit.app.app_context():
            return db.session.scalar(query) or 0
