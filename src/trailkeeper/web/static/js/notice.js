// What to do when the server did not answer: say so, keep the old rows, offer to try again.

let retry = () => location.reload();

function show(message, element) {
  const notice = document.getElementById("notice");
  notice.querySelector("span").textContent = message;
  notice.hidden = false;
  retry = () => {
    if (element?.isConnected && element.matches("form")) element.requestSubmit();
    else if (element?.isConnected && element.matches("a[hx-get]")) element.click();
    else location.reload();
  };
}

document.getElementById("notice").querySelector("button").addEventListener("click", () => {
  document.getElementById("notice").hidden = true;
  retry();
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    show("The server does not answer. What you see may be out of date.", event.detail.elt);
  });
}

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status < 500 && status !== 403) return;
  if (status === 403) location.reload();
  else show("Something went wrong on the server.", event.detail.elt);
});

document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("notice").hidden = true;
});
