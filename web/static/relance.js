// Keeps every part marked `data-refresh` (a number of seconds) in step with the server.
// Pages work without this file: they are then as old as their last loading.
"use strict";

for (const part of document.querySelectorAll("[data-refresh]")) keepInStep(part);

function keepInStep(part) {
  const offline = document.querySelector(".offline");
  const live = document.querySelector("[data-live]");
  let version = part.dataset.version;

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, {
        headers: { "HX-Request": "true", "If-None-Match": version },
      });
      if (answer.status !== 200 && answer.status !== 304) throw new Error(answer.statusText);
      offline.hidden = true;
      if (answer.status === 200) {
        replace(part, await answer.text());
        version = answer.headers.get("ETag");
        announce(part, live);
      }
    } catch {
      offline.hidden = false;
    }
  }

  async function refreshForEver() {
    await refresh();
    setTimeout(refreshForEver, 1000 * part.dataset.refresh);
  }
  setTimeout(refreshForEver, 1000 * part.dataset.refresh);
  document.addEventListener("visibilitychange", refresh);
  part.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

// The focus stays on the same row, and rows that were not there before are marked.
function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const known = new Set(Array.from(part.querySelectorAll("[id]"), (element) => element.id));
  part.innerHTML = html; // by our own templates, escaped there
  for (const element of part.querySelectorAll("[id]")) {
    element.classList.toggle("fresh", !known.has(element.id));
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function announce(part, live) {
  const summary = part.querySelector("[data-summary]")?.dataset.summary;
  if (live && summary && live.textContent !== summary) live.textContent = summary;
}
