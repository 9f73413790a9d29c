// The filter form sends itself when something is chosen, and keeps empty fields out of the URL.

export function apply(form) {
  form.requestSubmit();
}

// What the form asks for now, as parameters of another address.
export function addFilter(url, form) {
  for (const [name, value] of new FormData(form)) {
    if (value) url.searchParams.append(name, value);
  }
}

document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.form || field.form.id !== "filters") return;
  if (field.matches("[data-apply]")) apply(field.form);
  if (field.matches("[data-custom-field]")) {
    field.form.querySelector("[data-custom]").checked = true;
  }
});

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-search]") && !event.target.value) apply(event.target.form);
});

// With the pointer a range is chosen for good; with arrow keys one is only on the way.
document.addEventListener("click", (event) => {
  const radio = event.target.closest("input[type=radio][data-apply]");
  if (radio && event.detail > 0) radio.closest("details").open = false;
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "filters" && event.submitter) {
    for (const menu of event.target.querySelectorAll("details[open]")) menu.open = false;
  }
});

document.addEventListener("focusin", (event) => {
  const zones = document.getElementById("zones");
  if (event.target.name !== "tz" || !zones || zones.childElementCount) return;
  for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) {
    zones.append(new Option(name));
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  const data = event.detail.formData;
  const fields = [...data].filter(([, value]) => value !== "");
  const range = data.get("range");
  const dated = fields.some(([name]) => name === "from" || name === "to");
  const custom = range === "custom" && dated;
  for (const name of new Set(data.keys())) data.delete(name);
  for (const [name, value] of fields) {
    if (["from", "to", "tz"].includes(name) && !custom) continue;
    if (name === "range" && (value === "any" || value === "custom")) continue;
    data.append(name, value);
  }
});
