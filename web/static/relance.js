// What htmx does not: keep quiet while nobody looks, mark what is new, say it aloud, and bring the focus back.
// Pages work without this file, and without htmx.
"use strict";

const versions = new WeakMap(); // of the parts marked `data-poll`, as the server last told them

function isPoll(request) {
  return request.sourceElement.matches("[data-poll]");
}

document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail.ctx;
  if (!isPoll(request)) return;
  if (document.hidden) event.preventDefault();
  const version = versions.get(request.sourceElement);
  if (version) request.request.headers["If-None-Match"] = version;
});

document.addEventListener("htmx:after:request", (event) => {
  const request = event.detail.ctx;
  setOffline(request.response.status >= 500);
  const version = request.response.headers.get("ETag");
  if (isPoll(request) && version) versions.set(request.sourceElement, version);
});

document.addEventListener("htmx:error", () => setOffline(true));

function setOffline(is) {
  for (const notice of document.querySelectorAll(".offline")) notice.hidden = !is;
}

// Rows that a poll brings, and that were not there before, are marked for a moment.
document.addEventListener("htmx:before:swap", (event) => {
  const request = event.detail.ctx;
  if (isPoll(request)) request.known = new Set(Array.from(document.querySelectorAll("[id]"), (one) => one.id));
});

document.addEventListener("htmx:after:swap", (event) => {
  const { known } = event.detail.ctx;
  const live = document.querySelector("[data-live]");
  const summary = document.querySelector("[data-summary]")?.dataset.summary;
  if (live && summary && live.textContent !== summary) live.textContent = summary;
  if (!known) return;
  for (const one of document.querySelectorAll("[data-poll] [id]")) one.classList.toggle("fresh", !known.has(one.id));
});

// A button that was pressed says that it works, until its answer is there.
function setBusy(request, is) {
  const button = request.sourceElement.matches("form.act") && request.sourceElement.querySelector("button");
  if (button) button.ariaBusy = is ? "true" : null;
}

document.addEventListener("htmx:before:request", (event) => setBusy(event.detail.ctx, true));
document.addEventListener("htmx:finally:request", (event) => setBusy(event.detail.ctx, false));

// Where not all days fit, the chart begins a little before today.
function showToday() {
  const days = document.querySelector(".days ol");
  const today = days?.querySelector("[aria-current], .today")?.closest("li");
  if (today && days.scrollLeft === 0) days.scrollLeft = today.offsetLeft - days.clientWidth / 4;
}

document.addEventListener("DOMContentLoaded", showToday);
document.addEventListener("htmx:after:settle", showToday);

// The focus goes to a mail that was opened, back to where it was opened from, and to what is said of an act
// whose button is gone.
let shown = document.querySelector("#pane")?.dataset.send;

document.addEventListener("htmx:after:settle", (event) => {
  if (event.detail.task.sourceElement?.matches("[data-poll]")) return;
  const pane = document.querySelector("#pane");
  const opener = document.getElementById(`open-${shown}`);
  if (pane && pane.dataset.send !== shown) {
    show(document.getElementById(`open-${pane.dataset.send}`)); // beside the mail, the list takes another form
    focusOn(document.querySelector("#pane-title"));
  } else if (!pane && shown) {
    show(opener);
    focusOn(opener ?? document.querySelector("#list"));
  }
  else if (document.activeElement === document.body) focusOn(document.querySelector(".told"));
  shown = pane?.dataset.send;
});

function show(element) {
  element?.closest("tr").scrollIntoView({ block: "nearest" });
}

function focusOn(element) {
  element?.focus({ preventScroll: window.matchMedia("(min-width: 60.01rem)").matches });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.many[open], details.confirm[open]")) menu.open = false;
  document.documentElement.classList.add("no-tips"); // until the next move
});

for (const move of ["mousemove", "focusin"]) {
  document.addEventListener(move, () => document.documentElement.classList.remove("no-tips"));
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.many[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
