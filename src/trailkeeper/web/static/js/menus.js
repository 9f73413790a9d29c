// Menus are details elements: they open without scripts. Here they also close by themselves.

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!menu.matches?.("details[data-menu]") || !menu.open) return;
    for (const other of openMenus()) if (other !== menu) other.open = false;
    const field = menu.querySelector(
      "label:not([hidden]) > input[type=text]:not([name]), input[type=radio]:checked",
    );
    field?.focus();
  },
  true,
);

document.addEventListener("pointerdown", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopImmediatePropagation();
  }
});
