// The listing and the pane beside it: opening, stepping, closing, and their place in the history.

const pane = () => document.getElementById("pane");
export const isOpen = () => !!pane()?.closest("aside") && !pane().hidden;
export const links = () => [...document.querySelectorAll("#rows .row-open")];
export const current = () =>
  links().find((link) => link.hasAttribute("aria-current")) ??
  links().find((link) => link.closest(".row").contains(document.activeElement));

function withoutOpen(href) {
  const url = new URL(href, location.href);
  url.searchParams.delete("open");
  return url.pathname + url.search;
}

// The text lies above the row's link, so that it can be selected; a plain click opens all the same.
function linkOfText(target) {
  if (target.closest("a, button") || String(getSelection())) return null;
  return target.closest("#rows .row")?.querySelector(".row-open");
}

let listing = withoutOpen(location.href);

function go(href, replace) {
  // The state marks entries that htmx restores from the server on the way back.
  if (!history.state?.htmx) history.replaceState({ htmx: true }, "", location.href);
  history[replace ? "replaceState" : "pushState"]({ htmx: true }, "", href);
}

function mark(link) {
  for (const other of links()) {
    other.toggleAttribute("aria-current", other === link);
    if (other === link) other.setAttribute("aria-current", "true");
    other.closest(".row").classList.toggle("is-open", other === link);
  }
}

export async function open(link, { replace = false, focus = true, silent = false } = {}) {
  mark(link);
  if (!silent) go(link.href, replace);
  await htmx.ajax("GET", link.dataset.pane, {
    source: pane(),
    target: "#pane",
    select: "#pane > *",
    swap: "innerHTML show:none",
  });
  if (!link.hasAttribute("aria-current")) return;
  pane().hidden = false;
  pane().scrollTop = 0;
  dress();
  link.closest(".row").scrollIntoView({ block: "nearest" });
  if (focus) pane().querySelector("h2")?.focus();
}

export function close({ silent = false } = {}) {
  const link = current();
  pane().hidden = true;
  mark(null);
  if (!silent) go(listing, false);
  link?.focus();
}

export function step(by) {
  const all = links();
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : at + by];
  if (!next) {
    if (by > 0) document.querySelector("#more a")?.click();
    return;
  }
  if (isOpen()) open(next, { replace: true, focus: false });
  else next.focus();
  next.closest(".row").scrollIntoView({ block: "nearest" });
}

function dress() {
  const inListing = links().length > 0;
  for (const tool of document.querySelectorAll("[data-step]")) tool.hidden = !inListing;
  for (const tool of document.querySelectorAll("[data-clock-switch], [data-help]")) {
    tool.hidden = false;
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  const link = event.target.closest(".row-open") ?? linkOfText(event.target);
  const closer = event.target.closest("aside [data-close]");
  const stepper = event.target.closest("[data-step]");
  if (link && window.htmx && pane()) open(link);
  else if (link) location.assign(link.href);
  else if (closer) close();
  else if (stepper) step(Number(stepper.dataset.step));
  else return;
  event.preventDefault();
});

// Back and forward between an open and a closed pane of one listing need no new listing.
window.addEventListener(
  "popstate",
  (event) => {
    if (!isListing() || withoutOpen(location.href) !== listing) return;
    const id = new URLSearchParams(location.search).get("open");
    const link = links().find((one) => new URL(one.href).searchParams.get("open") === id);
    if (id && !link) return;
    event.stopImmediatePropagation();
    if (link) open(link, { silent: true, focus: false });
    else if (isOpen()) close({ silent: true });
  },
  true,
);

const isListing = () => !!document.getElementById("results");

for (const name of ["htmx:pushedIntoHistory", "htmx:historyRestore"]) {
  document.addEventListener(name, () => {
    listing = withoutOpen(location.href);
    dress();
  });
}

// More rows of a day that is there already go under its heading.
document.addEventListener("htmx:load", (event) => {
  const day = event.detail.elt;
  dress();
  if (!day.matches?.("section.day")) return;
  const before = day.previousElementSibling;
  const first = day.querySelector(".row-open");
  if (before?.matches("section.day") && before.dataset.day === day.dataset.day) {
    before.querySelector("ol").append(...day.querySelectorAll("li.row"));
    day.remove();
  }
  if (document.activeElement === document.body) first?.focus({ preventScroll: true });
});

dress();
