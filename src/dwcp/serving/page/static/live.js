// Keeps the page as the server is, part by part, without a reload. What is unfolded or focused stays so.
"use strict";

const EVERY_MS = 2000;
const SLOWEST_MS = 10000;
const TIMEOUT_MS = 5000;

const content = document.getElementById("content");
const state = document.getElementById("state");
const moment = document.getElementById("moment");
let lastSeen = new Date();
let failures = 0;
let timer = 0;

function parts(root) {
  return new Map([...root.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
}

function exchange(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const before = parts(content);
  const after = parts(fresh);
  if (before.size !== after.size || [...after.keys()].some((name) => !before.has(name))) {
    const unfolded = new Map([...content.querySelectorAll("details")].map((one) => [one.id, one.open]));
    for (const one of fresh.querySelectorAll("details")) {
      one.open = unfolded.get(one.id) ?? one.open;
    }
    content.replaceChildren(...fresh.childNodes);
    return;
  }
  for (const [name, part] of after) {
    const standing = before.get(name);
    if (standing.innerHTML !== part.innerHTML) {
      standing.replaceChildren(...part.childNodes);
    }
  }
}

function clock(date) {
  return `${date.toISOString().slice(11, 19)} UTC`;
}

function tell(words, connected) {
  if (state.textContent !== words) {
    state.textContent = words;
  }
  document.body.classList.toggle("lost", !connected);
  moment.textContent = clock(lastSeen);
}

async function update() {
  window.clearTimeout(timer);
  try {
    const answer = await fetch(content.dataset.source, {
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status === 401) {
      // Signed out meanwhile: the server leads to the form.
      location.reload();
      return;
    }
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    exchange(await answer.text());
    failures = 0;
    lastSeen = new Date();
    tell("Live, as of ", true);
  } catch {
    failures += 1;
    tell("Not connected since ", false);
  }
  if (!document.hidden) {
    timer = window.setTimeout(update, Math.min(EVERY_MS * 1.5 ** Math.max(0, failures - 1), SLOWEST_MS));
  }
}

function unfold() {
  const aim = document.getElementById(location.hash.slice(1));
  if (aim instanceof HTMLDetailsElement) {
    aim.open = true;
  }
}

document.addEventListener("visibilitychange", () => document.hidden || update());
window.addEventListener("online", update);
window.addEventListener("hashchange", unfold);
unfold();
update();
