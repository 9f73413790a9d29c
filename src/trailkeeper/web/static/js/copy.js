// <tk-copy>: a button that copies a text of the page, or a link to it.

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers give no clipboard to pages on plain http.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

class Copy extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const label = button.querySelector("span");
    const before = label.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(this.text);
      label.textContent = "Copied";
      setTimeout(() => (label.textContent = before), 2000);
    });
  }

  get text() {
    const { link, from } = this.dataset;
    if (link) return new URL(link, location.href).href;
    const source = from ? document.getElementById(from) : this.querySelector("pre");
    return source.textContent;
  }
}

customElements.define("tk-copy", Copy);
