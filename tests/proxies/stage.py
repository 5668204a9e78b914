"""The stage of the proxies' tests: a portal that knows apps, an app that tells what it received,
and a proxy between them that runs on generated lines.
"""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlencode, urlsplit

from services import apps, groups
from services.app_drafts import AppDraft
from services.audit import OPERATOR
from tests.people import Person
from tests.proxies.kinds import Prepared
from tests.proxies.visitor import NAVIGATION, PORTAL, Answer, Visitor
from tests.scene import Scene
from tests.standins.certificate import Certificate

WIKI, WIKI_ABROAD = "https://wiki.example.org", "https://wiki.example.net"
VAULT, BOARD = "https://vault.example.org", "https://board.example.org"
ORIGINS = (WIKI, WIKI_ABROAD, VAULT, BOARD)
HOSTS = tuple(urlsplit(origin).netloc for origin in ORIGINS)
SETTINGS = {
    "GATEPOST_BASE_URL": f"https://{PORTAL}",
    "GATEPOST_APP_DOMAINS": "example.org,example.net",
}
EDITORS = "editors"


def set_up_apps(scene: Scene) -> None:
    """The apps: a wiki for editors in two domains, a vault behind a code, an open board."""
    with scene.app.app_context():
        groups.create(EDITORS, OPERATOR)
        wiki = AppDraft("Wiki", (WIKI, WIKI_ABROAD), public_paths=("/public/*",))
        vault = AppDraft("Vault", (VAULT,), level="recent-two-factor", for_everyone=True)
        board = AppDraft("Board", (BOARD,), preflight_allowed=True, for_everyone=True)
        for draft, named in ((wiki, (EDITORS,)), (vault, ()), (board, ())):
            apps.add(draft, OPERATOR, named)


@dataclass
class Stage:
    """One proxy in front of the apps, and everybody who plays."""

    kind: str
    scene: Scene
    proxy: Prepared
    certificate: Certificate

    def visitor(self) -> Visitor:
        """A browser that nobody has seen yet."""
        return Visitor(self.certificate, self.proxy.port, int(self.scene.url.rpartition(":")[2]))

    def editor(self, **about: bool) -> Person:
        """A person who may read the wiki."""
        person = self.scene.person(name="Änn Öst", **about)
        with self.scene.app.app_context():
            groups.add(groups.find_by_name(EDITORS).id, person.email, OPERATOR)
        return person

    def leave_editors(self, person: Person) -> None:
        """Take a person out of the group again."""
        with self.scene.app.app_context():
            groups.remove(groups.find_by_name(EDITORS).id, person.id, OPERATOR)

    def enter(self, visitor: Visitor, person: Person, url: str) -> Answer:
        """Open an address in an app, sign in at the portal on the way; ends in the app."""
        page = visitor.follow(visitor.get(url))
        page = visitor.follow(submit(visitor, page, email=person.email, password=person.password))
        return self.prove(visitor, person, page) if person.phone_id else page

    def prove(self, visitor: Visitor, person: Person, page: Answer) -> Answer:
        """Have a code sent by text, from the page that asks where to, and enter it."""
        page = visitor.follow(submit(visitor, page, method=f"phone:{person.phone_id}"))
        code = self.scene.new_code(self.scene.number_of(person))
        return visitor.follow(submit(visitor, page, code=code))

    def signed_in(self, url: str = f"{WIKI}/") -> tuple[Visitor, Person]:
        """An editor's browser that is in."""
        visitor, person = self.visitor(), self.editor()
        assert self.enter(visitor, person, url).identity("Remote-User") == person.email
        return visitor, person


def submit(visitor: Visitor, page: Answer, **fields: str) -> Answer:
    """Post a page's form to where the page is."""
    found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', page.body)
    assert found, f"{page.url} has no form: {page.status}\n{page.body[:3000]!r}"
    body = urlencode({"csrf_token": unescape(found[1].decode()), **fields}).encode()
    headers = {
        **NAVIGATION, "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin", "Origin": f"https://{PORTAL}",
    }  # fmt: skip
    return visitor.send("POST", page.url, headers=headers, body=body)
