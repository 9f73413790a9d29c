// How many activities each choice of a menu would show, under the rest of the filter.
import { addFilter } from "./filters.js";

async function count(menu) {
  const url = new URL("/audit/counts", location.href);
  addFilter(url, menu.closest("form"));
  try {
    const response = await fetch(url);
    if (response.ok) show(menu, await response.json());
  } catch {
    // The menu works without its counts.
  }
}

function show(menu, counts) {
  for (const name of ["action", "target_type"]) {
    const more = counts.sampled.includes(name) ? "+" : "";
    for (const field of menu.querySelectorAll(`input[name=${name}]`)) {
      const shown = countOf(field.parentElement);
      const found = counts[name][field.value];
      shown.textContent = found ? found.toLocaleString("en") + more : "";
      field.setAttribute("aria-description", `${shown.textContent || "no"} activities`);
      field.parentElement.classList.toggle("is-none", !found && !more);
    }
  }
}

function countOf(label) {
  const there = label.querySelector(".count");
  if (there) return there;
  const made = document.createElement("small");
  made.className = "count";
  // The field describes itself by it; its name stays that of the choice.
  made.setAttribute("aria-hidden", "true");
  (label.querySelector("span") ?? label).append(made);
  return made;
}

for (const menu of document.querySelectorAll("#filters details[data-counts]")) {
  menu.addEventListener("toggle", () => menu.open && count(menu));
  menu.addEventListener("change", () => count(menu));
}
