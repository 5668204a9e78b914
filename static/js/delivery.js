// Where the message is now: asks less and less often, stops when there is nothing more to learn,
// and after a while without news says what else can be done.

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15000;
const GROWTH = 1.5;
const NO_NEWS = 20000;
const GIVE_UP = 600000;

const place = document.querySelector(".delivery[data-poll]");

if (place) {
  const words = place.querySelector("[data-text]");
  const started = performance.now();
  let wait = FIRST_WAIT;
  let late = setTimeout(sayLate, NO_NEWS);

  function sayLate() {
    const more = document.createElement("p");
    more.className = "delivery-late";
    more.textContent = place.dataset.late;
    place.append(more);
  }

  function show(news) {
    if (news.status !== place.dataset.status) {
      place.dataset.status = news.status;
      clearTimeout(late);
      place.querySelector(".delivery-late")?.remove();
      if (!news.done) late = setTimeout(sayLate, NO_NEWS);
    }
    if (words.textContent !== news.text) words.textContent = news.text;
  }

  // A redirect leads to the sign-in page: the step has ended, here or in another tab.
  function isOver(answer) {
    const refused = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
    return refused || answer.type === "opaqueredirect";
  }

  async function ask() {
    if (document.hidden) return next();
    try {
      const answer = await fetch(place.dataset.poll, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (isOver(answer)) return clearTimeout(late);
      if (answer.ok) {
        const news = await answer.json();
        show(news);
        if (news.done) return clearTimeout(late);
      }
    } catch {
      // Offline for a moment: the next question may be answered.
    }
    next();
  }

  function next() {
    if (performance.now() - started > GIVE_UP) return;
    setTimeout(ask, wait);
    wait = Math.min(wait * GROWTH, LONGEST_WAIT);
  }

  next();
}
