"""The sign-in page: light enough for a bad line, and usable before any script has come."""

import gzip

from playwright.sync_api import Page, Response, expect

from tests.browser.tabs import NewVisit

MOST_ZIPPED = 12_000
MOST_RAW = 30_000


def test_the_sign_in_page_is_light(new_visit: NewVisit) -> None:
    visit = new_visit()
    answers: list[Response] = []
    visit.page.on("response", lambda answer: answers.append(answer))
    visit.open("/sign-in")
    visit.page.wait_for_load_state("networkidle")
    bodies = {answer.url: answer.body() for answer in answers}
    assert [url for url in bodies if url.endswith("/sign-in")]
    assert [url for url in bodies if ".css" in url]
    assert [url for url in bodies if ".js" in url]
    raw = sum(len(body) for body in bodies.values())
    zipped = sum(len(gzip.compress(body, 6)) for body in bodies.values())
    sizes = {url: len(gzip.compress(body, 6)) for url, body in bodies.items()}
    print(f"The sign-in page in all: {raw} bytes, {zipped} gzipped: {sizes}")
    assert zipped <= MOST_ZIPPED, sizes
    assert raw <= MOST_RAW, {url: len(body) for url, body in bodies.items()}


def wait_until_painted(page: Page) -> None:
    """Ask from outside: the page's own policy allows no ``eval``, which waiting in it needs."""
    for _ in range(400):
        if page.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
            return
        page.wait_for_timeout(25)
    raise AssertionError("nothing was painted within ten seconds")


def test_the_sign_in_page_works_while_scripts_are_still_on_their_way(new_visit: NewVisit) -> None:
    visit = new_visit()
    person = visit.new_person()
    held = []
    visit.page.route("**/*.js*", lambda route: held.append(route))
    visit.page.goto("/sign-in", wait_until="commit")
    expect(visit.page.get_by_role("button", name="Sign in")).to_be_visible()
    wait_until_painted(visit.page)
    visit.fill("Email address", person.email)
    visit.fill("Password", person.password)
    visit.page.get_by_role("button", name="Sign in").click(no_wait_after=True)
    visit.page.wait_for_url("**/account", wait_until="commit")
    expect(visit.page.locator("h1")).to_have_text("Your account")
    assert held


def test_a_shown_password_is_hidden_again_before_it_is_sent(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.open("/sign-in")
    field = visit.page.get_by_label("Password", exact=True)
    field.fill("not the password at all")
    visit.page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    visit.page.evaluate("addEventListener('submit', event => event.preventDefault())")
    visit.page.get_by_role("button", name="Sign in").click()
    expect(field).to_have_attribute("type", "password")
