// The search of the start page: what is typed stands in the address (#q=…), so that a link can be sent.
// What is found, and in which order: search.js. Without JavaScript the form stays hidden and the lists are there.
"use strict";

const FIRST = 20; // hits that are shown before all are asked for
const PAUSE = 120; // milliseconds after a key before the search runs
const part = (name) => document.getElementById(name);
let everything = false;
let timer = 0;

function askedInAddress() {
  const found = /^#q=(.*)$/s.exec(location.hash);
  try {
    return found ? decodeURIComponent(found[1].replace(/\+/g, " ")) : "";
  } catch {
    return ""; // a link cut in the middle of a sign
  }
}

function element(name, content, kind) {
  const made = document.createElement(name);
  made.textContent = content;
  if (kind) made.className = kind;
  return made;
}

function hit(name, told) {
  const link = document.createElement("a");
  const below = element("span", "", "meta");
  link.href = told.page;
  below.append(element("code", name), ` · ${told.told}`);
  link.append(element("span", told.label || name, "label"), below);
  const row = document.createElement("li");
  row.append(link);
  return row;
}

function counted(studies, found, shown) {
  const number = found.variables.length;
  const read = Object.entries(found.read_as).map(([word, meant]) =>
    meant.length ? `“${word}” stands nowhere; read as ${meant.join(", ")}.` : `“${word}” stands nowhere.`,
  );
  const first = studies.length ? [`${studies.length} stud${studies.length === 1 ? "y" : "ies"}.`] : [];
  if (!number) return [...first, "No variable found.", ...read].join(" ");
  const all = found.complete === number ? "" : `, ${found.complete} with every word`;
  const few = shown < number ? ` The first ${shown} are shown.` : "";
  return [...first, `${number} variable${number === 1 ? "" : "s"}${all}.${few}`, ...read].join(" ");
}

function show() {
  const asked = part("asked").value;
  const searching = Boolean(asked.trim());
  part("found").hidden = !searching;
  part("browse").hidden = searching;
  document.body.classList.toggle("searching", searching);
  if (!searching) {
    part("hits").replaceChildren();
    part("study-hits").replaceChildren();
    part("counted").textContent = "";
    return;
  }
  const found = searchVariables(catalogueIndex, asked);
  const studies = searchStudies(catalogueIndex, asked);
  const shown = found.variables.filter((name) => name in catalogueShown);
  const listed = everything ? shown : shown.slice(0, FIRST);
  part("hits").replaceChildren(...listed.map((name) => hit(name, catalogueShown[name])));
  part("study-hits").replaceChildren(...studies.map((name) => hit(name, catalogueStudies[name])));
  part("study-hits").hidden = !studies.length;
  part("counted").textContent = counted(studies, found, listed.length);
  part("more").hidden = listed.length === shown.length;
  part("more").textContent = `Show all ${shown.length}`;
}

function typed() {
  everything = false;
  const asked = part("asked").value.trim();
  history.replaceState(null, "", asked ? `#q=${encodeURIComponent(asked)}` : location.pathname.split("/").pop() || "./");
  show();
}

function walk(event) {
  const stops = [part("asked"), ...part("found").querySelectorAll("a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const next = stops[stops.indexOf(document.activeElement) + step];
  if (!step || !stops.includes(document.activeElement) || !next) return;
  event.preventDefault();
  next.focus();
}

function begin() {
  part("search").hidden = false;
  part("asked").value = askedInAddress();
  part("asked").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(typed, PAUSE);
  });
  part("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    typed();
    part("found").querySelector("a")?.focus();
  });
  part("more").addEventListener("click", () => {
    everything = true;
    show();
    part("hits").querySelectorAll("a")[FIRST]?.focus();
  });
  document.addEventListener("keydown", walk);
  addEventListener("hashchange", () => {
    part("asked").value = askedInAddress();
    everything = false;
    show();
  });
  show();
}

begin();
