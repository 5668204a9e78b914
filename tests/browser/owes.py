"""What every page owes, where only a browser can tell: axe, widths, sizes, the keyboard.

Each check fails with what it found and where.
"""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

WINDOW: ViewportSize = {"width": 1280, "height": 800}
ZOOMED_TWICE: ViewportSize = {"width": 640, "height": 400}
"""What a page sees of a window of 1280 by 800 at 200 %."""
NARROW: ViewportSize = {"width": 320, "height": 640}

TARGET = 44
TEXT = 16

# target-size is new in WCAG 2.2, and off in axe unless asked for.
_ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
_COLOUR_RULES = {"runOnly": ["color-contrast", "link-in-text-block"]}


def check_words(page: Page, *, failed: bool) -> None:
    """One h1 that begins the title (after "Error: " where there is one), unique ids, labels."""
    headings = page.locator("h1").all_inner_texts()
    assert len(headings) == 1, headings
    error = "Error: " if failed and page.locator("[role=alert]").count() else ""
    assert page.title().startswith(f"{error}{headings[0]} – "), (page.title(), headings)
    twice = page.evaluate(
        """() => [...document.querySelectorAll("[id]")].map(e => e.id)
            .filter((id, i, all) => all.indexOf(id) !== i)"""
    )
    assert not twice, f"ids that stand twice: {twice}"
    unlabelled = page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
            .filter(e => ![...e.labels].some(label => label.textContent.trim()))
            .map(e => e.outerHTML)"""
    )
    assert not unlabelled, f"inputs without a label: {unlabelled}"


def check_axe(page: Page) -> None:
    """No violation of any of axe's rules; in the dark those count that look at colours."""
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(_RUN_AXE, _ALL_RULES)
    assert not violations, "\n".join(violations)
    page.emulate_media(color_scheme="dark")
    violations = page.evaluate(_RUN_AXE, _COLOUR_RULES)
    assert not violations, "\n".join(["in the dark:", *violations])
    page.emulate_media(color_scheme="light")


def check_sizes(page: Page) -> None:
    """Text of 16 px or more, and 44 px of height to press, but for links inside a sentence."""
    page.set_viewport_size(WINDOW)
    small = page.evaluate(_SMALL_TEXT, TEXT)
    assert not small, f"text below {TEXT} px: {small}"
    low = page.evaluate(_LOW_TARGETS, TARGET)
    assert not low, f"targets below {TARGET} px: {low}"


def check_widths(page: Page) -> None:
    """Nothing reaches beyond the window's edge at 200 % zoom and at 320 px."""
    for size in (ZOOMED_TWICE, NARROW):
        page.set_viewport_size(size)
        width, beyond = page.evaluate(_BEYOND)
        assert width <= size["width"], f"{width} of {size['width']} px: {beyond}"
        assert not beyond, f"beyond {size['width']} px: {beyond}"
    page.set_viewport_size(WINDOW)


def check_keyboard(page: Page) -> None:
    """Tab reaches all that can be pressed or typed into, and shows where it is."""
    wanted = page.evaluate(_FOLLOW_FOCUS)
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
    unseen, missed = page.evaluate("[focusUnseen, [...focusWanted].map(describe)]")
    assert not unseen, f"nothing shows that the focus is on {unseen}"
    assert not missed, f"not reached by Tab: {missed}"


_RUN_AXE = """async options => {
  const results = await axe.run(document, { resultTypes: ["violations"], ...options });
  return results.violations.flatMap(violation => violation.nodes.map(
    node => `${violation.id}: ${violation.help}: ${node.html}: ${node.failureSummary}`));
}"""

_SMALL_TEXT = """least => {
  const small = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < least) small.push(`${size} px: ${walker.currentNode.data.trim()}`);
  }
  return small;
}"""

_LOW_TARGETS = """least => {
  const found = [];
  for (const element of document.querySelectorAll("a, button, input, textarea, summary")) {
    if (!element.checkVisibility() || element.matches(".skip, [type=hidden]")) continue;
    const label = element.matches("[type=radio], [type=checkbox]") ? element.labels[0] : element;
    const height = label.getBoundingClientRect().height;
    // WCAG 2.5.8 lets a link be as high as its line where it stands in a sentence.
    const inSentence = element.matches("a") && getComputedStyle(element).display === "inline"
      && element.parentElement.textContent.trim() !== element.textContent.trim();
    if (height < least - 0.5 && !inSentence) found.push(`${height} px: ${element.outerHTML}`);
  }
  return found;
}"""

_BEYOND = """() => {
  const width = document.documentElement.clientWidth;
  const beyond = [...document.body.querySelectorAll("*")]
    .filter(e => e.checkVisibility() && !e.closest(".unseen"))
    .filter(e => e.getBoundingClientRect().right > width + 0.5)
    .map(e => e.outerHTML.slice(0, 200));
  return [document.documentElement.scrollWidth, beyond];
}"""

_FOLLOW_FOCUS = """() => {
  window.focusWanted = new Set();
  window.focusUnseen = [];
  window.describe = element => element.outerHTML.slice(0, 200);
  const able = "a[href], button, input:not([type=hidden]), textarea, summary, [tabindex='0']";
  for (const element of document.querySelectorAll(able)) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    // Tab stops once at a group of radio buttons: at the chosen one, or else at the first.
    const group = [...document.querySelectorAll(`[type=radio][name="${element.name}"]`)];
    const stop = group.find(radio => radio.checked) ?? group[0];
    if (element.type !== "radio" || element === stop) focusWanted.add(element);
  }
  const shows = element => getComputedStyle(element).outlineStyle !== "none"
    && parseFloat(getComputedStyle(element).outlineWidth) >= 2;
  document.addEventListener("focusin", ({ target }) => {
    focusWanted.delete(target);
    const drawn = target.type === "radio" ? target.nextElementSibling : target;
    if (!shows(drawn)) focusUnseen.push(describe(target));
  });
  document.activeElement.blur();
  // A date is typed in parts, and Tab stops at each: month, day, year, calendar.
  return focusWanted.size + 3 * document.querySelectorAll("[type=date]").length;
}"""
