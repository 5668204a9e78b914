// Buttons that copy: a code, a link or a proxy's lines, one press away from the clipboard.

const SAID_FOR = 2000;

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.textContent;
  const heard = button.nextElementSibling;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = heard.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = words;
      heard.textContent = "";
    }, SAID_FOR);
  });
}
