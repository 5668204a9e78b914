"""The pages for developers: the outbox with every code and link, and the style guide."""

from flask.testing import FlaskClient

from tests.outbox import Outbox, code_in
from tests.page import open_page
from tests.people import NUMBER, make_person
from tests.steps import ask_for_code


def test_the_outbox_shows_every_message_with_its_code_and_link(
    client: FlaskClient, outbox: Outbox
) -> None:
    with client.application.app_context():
        ann = make_person(number=NUMBER, two_factor=True)
    assert "Nothing yet." in open_page(client, "/dev/outbox").main
    ask_for_code(client, ann)
    open_page(client, "/reset-password").submit("Send link", email=ann.email)
    text, mail = outbox.newest("sms", NUMBER), outbox.newest("mail", ann.email)

    page = open_page(client, "/dev/outbox")
    assert code_in(text) in page.main
    assert page.links["Open link"] in mail["text"]
    assert NUMBER in page.main


def test_the_style_guide_shows_every_component(client: FlaskClient) -> None:
    response = client.get("/dev/styleguide")

    assert response.status_code == 200
    for word in ("Buttons", "Fields", "Banners"):
        assert word.lower() in response.text.lower()


def test_they_need_no_login(client: FlaskClient) -> None:
    assert client.get("/dev/outbox").status_code == 200


def test_a_message_cannot_become_part_of_the_page(client: FlaskClient, outbox: Outbox) -> None:
    with client.application.app_context():
        make_person("ann@example.org", name="<script>alert(1)</script>")
    page = open_page(client, "/register")
    page.submit(
        "Create account", email="ann@example.org", password="four words nobody guesses",
        name="<script>alert(1)</script>",
    )  # fmt: skip
    outbox.deliver()

    assert "<script>alert" not in open_page(client, "/dev/outbox").html
