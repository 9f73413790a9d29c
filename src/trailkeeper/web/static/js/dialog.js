// A link with data-dialog leads to a page that asks something. Here its form is shown over this
// page instead; it is sent as it would be from there.

let dialog;
let opener;

function made() {
  if (dialog) return dialog;
  dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.innerHTML =
    '<header><h2 id="dialog-title" tabindex="-1"></h2><button type="button" class="button quiet only-icon" aria-label="Close">✕</button></header><div class="dialog-body"></div>';
  dialog.querySelector("header button").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-cancel]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => opener?.isConnected && opener.focus());
  document.body.append(dialog);
  return dialog;
}

async function show(link) {
  opener = link.closest("details[data-menu]")?.querySelector("summary") ?? link;
  const response = await fetch(link.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const sheet = page.getElementById("sheet");
  if (!response.ok || !sheet) {
    location.href = link.href;
    return;
  }
  const box = made();
  box.querySelector("h2").textContent = sheet.dataset.title;
  box.querySelector(".dialog-body").replaceChildren(...document.adoptNode(sheet).childNodes);
  const menu = link.closest("details[data-menu]");
  if (menu) menu.open = false;
  box.showModal();
  const first = box.querySelector("input[autofocus], input:checked");
  (first ?? box.querySelector("h2")).focus();
  if (first?.type === "text") first.select();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link).catch(() => (location.href = link.href));
});
