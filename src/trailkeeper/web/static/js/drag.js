// A row or a folder that is dragged onto a folder moves there: this sends the form that "Move to…"
// sends. Whoever does not use a pointer has that.

const form = () => document.getElementById("drop");
let dragged = null;

const source = (target) => target.closest?.("[data-move]");
const place = (target) => target.closest?.("[data-folder]");

function fits(onto) {
  return dragged && onto && onto.dataset.folder !== dragged.dataset.folder;
}

function lit(onto) {
  for (const other of document.querySelectorAll(".drop-here")) {
    if (other !== onto) other.classList.remove("drop-here");
  }
  onto?.classList.add("drop-here");
}

function say(text) {
  const line = document.getElementById("drop-says");
  if (line) line.textContent = text;
}

if (form()) {
  document.addEventListener("pointerdown", (event) => {
    const row = source(event.target);
    if (row) row.draggable = true;
  });
  document.addEventListener("dragstart", (event) => {
    dragged = source(event.target);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    dragged.classList.add("is-dragged");
    document.documentElement.classList.add("dragging");
    say(`${dragged.dataset.name}: drop it on a folder`);
  });
  document.addEventListener("dragover", (event) => {
    const onto = place(event.target);
    if (!fits(onto)) return lit(null);
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    lit(onto);
  });
  document.addEventListener("drop", (event) => {
    const onto = place(event.target);
    if (!fits(onto)) return;
    event.preventDefault();
    const sent = form();
    sent.action = dragged.dataset.move;
    sent.elements.folder_id.value = onto.dataset.folder;
    sent.submit();
  });
  document.addEventListener("dragend", () => {
    dragged?.classList.remove("is-dragged");
    document.documentElement.classList.remove("dragging");
    dragged = null;
    lit(null);
  });
}
