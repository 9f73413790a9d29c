// <tk-picker>: an ARIA combobox with a list of several, filled by the server while typing.
import { addFilter, apply } from "./filters.js";

const PAUSE_MS = 120;

class Picker extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.name = this.dataset.name;
    this.input = this.querySelector("input[type=text]");
    this.input.removeAttribute("name");
    this.chosen = new Map();
    for (const label of this.querySelectorAll(".picked")) {
      this.chosen.set(label.querySelector("input").value, label.textContent.trim());
      label.remove();
    }
    this.list = document.createElement("ul");
    this.list.id = `${this.name}-options`;
    this.list.className = "options";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-multiselectable", "true");
    this.list.setAttribute("aria-label", this.querySelector("label span").textContent);
    this.fields = document.createElement("span");
    this.append(this.list, this.fields);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
    ]) {
      this.input.setAttribute(name, value);
    }
    this.keep();

    const menu = this.closest("details");
    menu.addEventListener("toggle", () => {
      this.input.setAttribute("aria-expanded", String(menu.open));
      if (menu.open) this.load();
      else this.input.value = "";
    });
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.toggle(option);
    });
    // The field keeps the focus, so that typing goes on after a click.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    menu.addEventListener("change", (event) => {
      if (event.target.name === "target_type") this.load();
    });
  }

  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const url = new URL(this.dataset.src, location.href);
    const text = this.input.value.trim();
    if (this.hasAttribute("data-counted")) addFilter(url, this.closest("form"));
    url.searchParams.set("text", text);
    for (const value of this.chosen.keys()) url.searchParams.append("chosen", value);
    if (!this.hasAttribute("data-counted")) {
      for (const type of this.closest("details").querySelectorAll("[name=target_type]:checked")) {
        url.searchParams.append("target_type", type.value);
      }
    }
    try {
      const response = await fetch(url, {
        signal: this.request.signal,
        headers: { "HX-Request": "true" },
      });
      if (!response.ok) throw new Error(String(response.status));
      this.show(await response.text(), text);
    } catch (error) {
      if (error.name !== "AbortError") this.say("The list could not be loaded.");
    }
  }

  show(html, text) {
    this.list.innerHTML = html;
    if (!text) {
      const there = new Set(this.options.map((option) => option.dataset.value));
      for (const [value, label] of this.chosen) {
        if (!there.has(value)) this.list.prepend(this.pickedOption(value, label));
      }
    }
    this.move(text && this.options.length ? 0 : -1);
  }

  pickedOption(value, label) {
    const option = document.createElement("li");
    option.role = "option";
    option.id = `${this.name}-picked-${[...this.chosen.keys()].indexOf(value)}`;
    option.dataset.value = value;
    option.setAttribute("aria-selected", "true");
    const text = document.createElement("span");
    text.className = "option-text";
    const name = document.createElement("bdi");
    name.textContent = label;
    text.append(name);
    option.append(text);
    return option;
  }

  say(message) {
    const line = document.createElement("li");
    line.className = "none muted";
    line.role = "presentation";
    line.textContent = message;
    this.list.replaceChildren(line);
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  key(event) {
    const { options } = this;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && options.length) {
      const next = this.active + steps[event.key];
      this.move((next + options.length) % options.length);
    } else if (event.key === "Enter") {
      if (options[this.active]) this.toggle(options[this.active]);
    } else {
      return;
    }
    event.preventDefault();
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

  toggle(option) {
    const { value } = option.dataset;
    const chosen = !this.chosen.has(value);
    if (chosen) this.chosen.set(value, option.querySelector("bdi").textContent);
    else this.chosen.delete(value);
    option.setAttribute("aria-selected", String(chosen));
    this.keep();
    apply(this.closest("form"));
  }

  keep() {
    this.fields.replaceChildren(
      ...[...this.chosen.keys()].map((value) => {
        const field = document.createElement("input");
        field.type = "hidden";
        field.name = this.name;
        field.value = value;
        return field;
      }),
    );
  }
}

customElements.define("tk-picker", Picker);
