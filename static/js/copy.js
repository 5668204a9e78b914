// The development outbox: a code or a link, one press away from the clipboard.

const SAID_FOR = 2000;

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.querySelector("[data-copy-text]");
  const before = words.textContent;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, SAID_FOR);
  });
}
