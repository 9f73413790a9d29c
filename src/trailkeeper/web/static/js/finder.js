// The form above a list sends itself when something is chosen, and keeps empty fields out of the
// address.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send]")) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.finder")) return;
  for (const field of event.target.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
});

// A page that comes back from the browser's memory is usable again.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form.finder :disabled")) field.disabled = false;
});
