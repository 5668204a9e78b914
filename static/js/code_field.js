// The code page's field. A code that arrives whole (autofill, WebOTP, a paste) is submitted at once:
// one time only, never while somebody types, and never after an error (the form is not marked then).

const form = document.querySelector("form[data-code-form]");

const whole = (text) => /^[0-9]{6}$/.test(text.replace(/[\s-]/g, ""));

// A browser's autofill names no input type, or a replacement. A phone's keyboard offers the code from
// the message and inserts it like typed text, but whole; elsewhere that is a tool, not autofill.
const BROWSER_FILLS = ["", "insertReplacementText"];
const KEYBOARD_FILLS = ["insertText", "insertCompositionText"];

function filledIn(inputType = "") {
  if (BROWSER_FILLS.includes(inputType)) return true;
  return KEYBOARD_FILLS.includes(inputType) && matchMedia("(pointer: coarse)").matches;
}

if (form) {
  const field = form.querySelector('[autocomplete="one-time-code"]');
  const waiting = new AbortController();
  let before = field.value;
  let pasted = false;
  let submitted = false;

  const submitOnce = () => {
    if (submitted || !whole(field.value)) return;
    submitted = true;
    form.requestSubmit(form.querySelector("[type=submit]"));
  };

  field.addEventListener("paste", (event) => {
    pasted = whole(event.clipboardData?.getData("text") ?? "");
  });

  field.addEventListener("input", (event) => {
    const complete = pasted || (before === "" && filledIn(event.inputType) && whole(field.value));
    before = field.value;
    pasted = false;
    if (complete) submitOnce();
  });

  form.addEventListener("submit", () => {
    submitted = true;
    waiting.abort();
  });
  addEventListener("pagehide", () => waiting.abort());

  if (form.dataset.codeForm === "sms" && "OTPCredential" in window) {
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: waiting.signal })
      .then((credential) => {
        field.value = credential.code;
        submitOnce();
      })
      .catch(() => {});
  }
}
