// On every page: focus to what went wrong, "Show" on passwords, and one submit per press.
// Nothing here is needed for a page to work.

// The summary has autofocus; where a browser gives that to form fields alone, it is done here.
const summary = document.querySelector("[data-focus]");
if (summary) requestAnimationFrame(() => document.activeElement === document.body && summary.focus());

for (const button of document.querySelectorAll("[data-show]")) {
  const input = document.getElementById(button.dataset.show);
  const words = { text: button.textContent, label: button.getAttribute("aria-label") };
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hideText : words.text;
    button.setAttribute("aria-label", shown ? button.dataset.hideLabel : words.label);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Browsers keep what was typed in a text field, and offer it again: never send a shown password.
  input.form.addEventListener("submit", () => show(false));
}

const LONGEST_WAIT = 8000;

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(release, LONGEST_WAIT, form);
});

// Back to a page that the browser kept: its buttons must work again.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
});
