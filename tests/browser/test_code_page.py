"""The code page: what it sends, when it submits by itself, and what it tells while one waits."""

import re

import pytest
from playwright.sync_api import APIResponse, Route, expect

from tests.browser.at_code_page import AtCodePage
from tests.browser.tabs import NewVisit
from tests.browser.visit import Visit
from tests.outbox import code_in


@pytest.fixture
def at_code_page(visit: Visit) -> AtCodePage:
    return AtCodePage(visit)


def test_a_reload_sends_nothing_and_keeps_the_page(at_code_page: AtCodePage) -> None:
    code = at_code_page.code
    for _ in range(3):
        at_code_page.page.reload()
        expect(at_code_page.page.locator("h1")).to_have_text("Enter your security code")
    at_code_page.visit.open("/two-factor")
    at_code_page.page.go_back()
    assert len(at_code_page.visit.messages("sms", at_code_page.number)) == 1
    assert at_code_page.posts == []
    at_code_page.visit.post("/two-factor/verify", code=code)
    assert at_code_page.sign_ins() == 1


def test_a_pasted_code_with_a_space_is_submitted_once(at_code_page: AtCodePage) -> None:
    code = at_code_page.code
    at_code_page.paste(f"{code[:3]} {code[3:]}")
    at_code_page.page.wait_for_url("**/account")
    assert len(at_code_page.posts) == 1
    assert at_code_page.sign_ins() == 1


def test_a_paste_that_is_no_code_is_left_to_the_person(at_code_page: AtCodePage) -> None:
    at_code_page.paste("12345")
    expect(at_code_page.field).to_have_value("12345")
    at_code_page.page.wait_for_timeout(300)
    assert at_code_page.posts == []


def test_typing_never_submits(at_code_page: AtCodePage) -> None:
    at_code_page.field.press_sequentially(at_code_page.code)
    at_code_page.page.wait_for_timeout(300)
    assert at_code_page.posts == []
    at_code_page.page.keyboard.press("Enter")
    at_code_page.page.wait_for_url("**/account")


def test_nothing_is_submitted_by_itself_after_an_error(at_code_page: AtCodePage) -> None:
    at_code_page.paste("000000")
    expect(at_code_page.page.locator("#code-error")).to_contain_text("4 tries left")
    at_code_page.field.fill("")
    at_code_page.paste("111111")
    at_code_page.page.wait_for_timeout(300)
    assert len(at_code_page.posts) == 1


def test_an_error_is_read_out_and_leads_to_the_field(at_code_page: AtCodePage) -> None:
    page = at_code_page.page
    at_code_page.visit.fill("Security code", "12 34")
    at_code_page.visit.press("Submit")
    assert page.title().startswith("Error: Enter your security code")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(at_code_page.field).to_have_value("12 34")
    expect(at_code_page.field).to_have_attribute("aria-invalid", "true")
    said = "The code has 6 digits. 4 tries left."
    expect(page.locator("#code-error")).to_contain_text(said)
    summary.get_by_role("link", name=said).click()
    expect(at_code_page.field).to_be_focused()


def test_autofill_submits_once(at_code_page: AtCodePage) -> None:
    code = at_code_page.code
    at_code_page.field.evaluate(
        """(field, code) => {
            field.value = code;
            field.dispatchEvent(new Event("input", { bubbles: true }));
            field.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        code,
    )
    at_code_page.page.wait_for_url("**/account")
    assert len(at_code_page.posts) == 1


def test_a_double_click_on_submit_signs_in_once(at_code_page: AtCodePage) -> None:
    at_code_page.visit.fill("Security code", at_code_page.code)
    at_code_page.page.get_by_role("button", name="Submit").dblclick()
    at_code_page.page.wait_for_url("**/account")
    assert len(at_code_page.posts) == 1
    assert at_code_page.sign_ins() == 1


def test_a_click_while_the_code_is_on_its_way_sends_nothing(new_visit: NewVisit) -> None:
    at_code_page = AtCodePage(new_visit())
    page = at_code_page.page
    on_its_way: list[Route] = []
    page.route("**/two-factor/verify", lambda route: on_its_way.append(route))
    at_code_page.visit.fill("Security code", at_code_page.code)
    submit = at_code_page.submit_by_mouse()
    page.mouse.click(*submit)
    page.wait_for_timeout(300)
    page.mouse.click(*submit)
    page.wait_for_timeout(300)
    assert len(at_code_page.posts) == len(on_its_way) == 1
    on_its_way[0].continue_()
    page.wait_for_url("**/account")
    assert at_code_page.sign_ins() == 1


def test_a_second_submit_without_javascript_undoes_nothing(new_visit: NewVisit) -> None:
    """The first has signed in, but its answer is late; the browser takes the second one's."""
    at_code_page = AtCodePage(new_visit(java_script_enabled=False))
    page = at_code_page.page
    late: list[APIResponse] = []

    def answer_late(route: Route) -> None:
        if at_code_page.sign_ins():
            route.continue_()
        else:
            late.append(route.fetch(max_redirects=0))

    page.route("**/two-factor/verify", answer_late)
    at_code_page.visit.fill("Security code", at_code_page.code)
    submit = at_code_page.submit_by_mouse()
    page.mouse.click(*submit)
    while not late:
        page.wait_for_timeout(50)
    assert late[0].status == 303
    page.mouse.click(*submit)
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.locator("h1")).to_have_text("Your account")
    assert len(at_code_page.posts) == 2
    assert at_code_page.sign_ins() == 1


def test_back_and_forward_after_signing_in_stay_signed_in(at_code_page: AtCodePage) -> None:
    page = at_code_page.page
    at_code_page.visit.fill("Security code", at_code_page.code)
    at_code_page.visit.press("Submit")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Your account")
    page.go_forward()
    expect(page.locator("h1")).to_have_text("Your account")
    assert len(at_code_page.visit.messages("sms", at_code_page.number)) == 1
    assert at_code_page.sign_ins() == 1


def test_send_again_counts_down_and_then_works(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.page.clock.install()
    at_code_page = AtCodePage(visit)
    page = at_code_page.page
    button = page.locator("[data-resend-in]")
    expect(button).to_have_text(re.compile(r"Send again in 0:(30|2\d)"))
    expect(button).to_have_attribute("aria-disabled", "true")
    page.clock.fast_forward(1000)
    note = page.locator("[data-resend-note]")
    expect(note).to_have_text(re.compile(r"You can ask for the code again in \d+ seconds\."))
    button.click(force=True)  # it says that it is disabled, and is not
    assert at_code_page.posts == []
    said = note.inner_text()
    page.clock.fast_forward(9000)
    expect(button).to_have_text(re.compile(r"Send again in 0:(20|1\d)"))
    assert note.inner_text() == said, "a screen reader must not hear every second"
    page.clock.fast_forward(30000)
    expect(button).to_have_text("Send again")
    expect(note).to_have_text("You can ask for the code again now.")
    assert button.get_attribute("aria-disabled") is None


def test_send_again_sends_the_same_code_again(at_code_page: AtCodePage) -> None:
    first = at_code_page.code
    at_code_page.visit.let_waits_end()
    at_code_page.page.reload()
    at_code_page.visit.press("Send again")
    expect(at_code_page.page.locator("main")).to_contain_text("We have sent the code again.")
    messages = at_code_page.visit.wait_for("sms", 2, at_code_page.number)
    assert code_in(messages[-1]) == first


def test_webotp_is_asked_for_and_given_up_without_a_word(at_code_page: AtCodePage) -> None:
    """Chromium has it and no phone beside it: nothing may be thrown or logged."""
    assert at_code_page.page.evaluate("'OTPCredential' in window")
    at_code_page.visit.fill("Security code", at_code_page.code)
    at_code_page.visit.press("Submit")
    assert at_code_page.sign_ins() == 1


def test_a_code_that_webotp_brings_is_submitted_once(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.page.add_init_script(WEBOTP)
    at_code_page = AtCodePage(visit)
    assert visit.page.evaluate("asked") == [["sms"]]
    visit.page.evaluate("code => bring(code)", at_code_page.code)
    visit.page.wait_for_url("**/account")
    assert len(at_code_page.posts) == 1


def test_webotp_is_not_waited_for_once_the_form_is_sent(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.page.add_init_script(WEBOTP)
    at_code_page = AtCodePage(visit)
    at_code_page.page.evaluate("addEventListener('submit', event => event.preventDefault())")
    at_code_page.page.get_by_role("button", name="Submit").click()
    assert visit.page.evaluate("signal.aborted")


WEBOTP = """
    window.asked = [];
    window.OTPCredential ??= class {};
    navigator.credentials.get = options => {
        asked.push(options.otp.transport);
        window.signal = options.signal;
        return new Promise(resolve => { window.bring = code => resolve({ code }); });
    };
"""
"""A phone's part of WebOTP, which no desktop browser has."""
