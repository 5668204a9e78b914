// The code page's field. A code that arrives whole (autofill, WebOTP, a paste) is submitted at once:
// one time only, never while somebody types, and never after an error (the form is not marked then).

const LENGTH = 6;
const form = document.querySelector("form[data-code-form]");

const digits = (text) => text.replace(/[\s-]/g, "");
const whole = (text) => new RegExp(`^[0-9]{${LENGTH}}$`).test(digits(text));

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
    const arrived = before === "" && !/^(delete|history)/.test(event.inputType ?? "");
    const complete = pasted || (arrived && whole(field.value));
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
