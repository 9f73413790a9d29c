// <tk-choose>: a field that names one asset or, with data-several, some: an ARIA combobox that the
// server fills while one types.

const PAUSE_MS = 120;
let count = 0;

class Choose extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.several = this.hasAttribute("data-several");
    this.input = this.querySelector("input[type=text]");
    this.input.removeAttribute("name");
    this.input.placeholder = "Search by name";
    this.list = document.createElement("ul");
    this.list.id = `choose-${++count}`;
    this.list.className = "options choose-options";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Found");
    this.append(this.list);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
    ]) {
      this.input.setAttribute(name, value);
    }
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
    });
    this.input.addEventListener("focus", () => this.load());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  get values() {
    return [...this.querySelectorAll(".picked input:checked")].map((box) => box.value);
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const url = new URL(this.dataset.src, location.href);
    const text = this.input.value.trim();
    url.searchParams.set("text", text);
    try {
      const response = await fetch(url, { signal: this.request.signal });
      if (!response.ok) throw new Error(String(response.status));
      this.show(await response.text());
      this.shownFor = text;
    } catch (error) {
      if (error.name !== "AbortError") this.close();
    }
  }

  show(html) {
    if (document.activeElement !== this.input) return;
    this.list.innerHTML = html;
    for (const [at, option] of this.options.entries()) {
      option.id = `${this.list.id}-${at}`;
      option.setAttribute("aria-selected", String(this.values.includes(option.dataset.value)));
    }
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.move(this.input.value.trim() && this.options.length ? 0 : -1);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const { options } = this;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && options.length && !this.list.hidden) {
      this.move((this.active + steps[event.key] + options.length) % options.length);
    } else if (event.key === "ArrowDown") {
      this.load();
    } else if (event.key === "Enter") {
      // An Enter that chose nothing must not send a form that is half filled in.
      this.enter();
    } else if (event.key === "Escape" && !this.list.hidden) {
      this.close();
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  }

  async enter() {
    const text = this.input.value.trim();
    clearTimeout(this.timer);
    // Who types fast means what the text finds, not what is shown still.
    if (text && text !== this.shownFor) await this.load();
    const option = this.options[this.active];
    if (option && !this.list.hidden) this.take(option);
  }

  move(index) {
    this.active = index;
    for (const [at, option] of this.options.entries()) {
      option.classList.toggle("is-active", at === index);
    }
    const active = this.options[index];
    if (active) {
      this.input.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  take(option) {
    const { value } = option.dataset;
    const there = [...this.querySelectorAll(".picked input")].find((box) => box.value === value);
    if (!this.several) for (const old of this.querySelectorAll(".picked")) old.remove();
    if (there && this.several) there.checked = !there.checked;
    else this.input.before(this.picked(option, value));
    this.input.value = "";
    this.close();
  }

  picked(option, value) {
    const label = document.createElement("label");
    label.className = "picked";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.name = this.dataset.name;
    box.value = value;
    box.checked = true;
    const name = document.createElement("bdi");
    name.textContent = option.querySelector("bdi").textContent;
    const kind = document.createElement("span");
    kind.className = "muted";
    kind.textContent = option.querySelector("small").textContent.toLowerCase();
    label.append(box, " ", option.querySelector(".icon").cloneNode(true), name, " ", kind);
    return label;
  }
}

customElements.define("tk-choose", Choose);
