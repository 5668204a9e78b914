// "Send again" counts down what the server asks to wait. The seconds stand on the button; a screen
// reader hears the start and the end alone. The button stays focusable, and without this script the
// server says the same.

const button = document.querySelector("[data-resend-in]");

if (button) {
  const note = document.querySelector("[data-resend-note]");
  const words = button.textContent;
  const end = performance.now() + Number(button.dataset.resendIn) * 1000;
  const announcement = note.textContent;
  let timer;

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left > 0) {
      button.textContent = button.dataset.counting.replace("{time}", clock(left));
      return;
    }
    clearInterval(timer);
    button.textContent = words;
    button.removeAttribute("aria-disabled");
    note.textContent = button.dataset.ready;
  };

  button.form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled")) event.preventDefault();
  });
  button.setAttribute("aria-disabled", "true");
  note.classList.add("unseen");
  note.textContent = "";
  setTimeout(() => { if (button.getAttribute("aria-disabled")) note.textContent = announcement; }, 500);
  timer = setInterval(tick, 1000);
  tick();
}
