// <tk-title>: a heading that is edited in place. Enter saves, Escape cancels.

class Title extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.link = this.querySelector("[data-edit]");
    if (!this.form) return;
    this.heading = this.querySelector("h1");
    this.input = this.form.elements.name;
    this.heading.classList.add("can-edit");
    for (const part of [this.heading, this.link]) {
      part.addEventListener("click", (event) => {
        if (String(getSelection())) return;
        event.preventDefault();
        this.edit(true);
      });
    }
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.edit(false);
      this.link.focus();
    });
    this.form.addEventListener("focusout", (event) => {
      if (!this.form.contains(event.relatedTarget)) this.edit(false);
    });
    this.form.addEventListener("submit", (event) => {
      if (this.input.value.trim() !== this.input.defaultValue) return;
      event.preventDefault();
      this.edit(false);
      this.link.focus();
    });
  }

  edit(on) {
    this.form.hidden = !on;
    this.heading.hidden = on;
    this.link.hidden = on;
    if (on) this.input.select();
    else this.input.value = this.input.defaultValue;
  }
}

customElements.define("tk-title", Title);
