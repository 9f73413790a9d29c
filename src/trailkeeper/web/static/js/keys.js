// One key each for what is done often. Nothing here takes a key from a field or from the browser.
import { close, isOpen, links, step } from "./log.js";

const help = () => document.getElementById("help");

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable], summary, .popover, pre");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (help()?.open) return;
  if (event.key === "Escape" && event.target.matches("[data-search]")) {
    event.target.blur();
    return;
  }
  if (typing(event.target)) return;
  if (!act(event)) return;
  event.preventDefault();
});

function act(event) {
  const search = document.querySelector("[data-search]");
  const onPage = event.target === document.body || event.target.closest("#rows, #pane h2");
  const inList = onPage && links().length > 0;
  if (event.key === "/" && search) search.select();
  else if (event.key === "?" && help()) help().showModal();
  else if (event.key === "Escape" && isOpen()) close();
  else if (event.key === "j" || (event.key === "ArrowDown" && inList)) step(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && inList)) step(-1);
  else return false;
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) help().showModal();
});
