// <tk-narrow>: a field that narrows a list of checkboxes which is there already.

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

class Narrow extends HTMLElement {
  connectedCallback() {
    const label = this.querySelector(".field");
    const input = label.querySelector("input");
    label.hidden = false;
    input.addEventListener("input", () => this.narrow(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
      if (event.key === "ArrowDown") {
        event.preventDefault();
        this.querySelector(".action:not([hidden]) input")?.focus();
      }
    });
    this.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (!(event.key in steps) || event.target === input) return;
      event.preventDefault();
      const boxes = [...this.querySelectorAll(".action:not([hidden]) input")].filter(
        (box) => !box.closest("fieldset[hidden]"),
      );
      const next = boxes.indexOf(event.target) + steps[event.key];
      (boxes[next] ?? (next < 0 ? input : event.target)).focus();
    });
  }

  narrow(text) {
    const words = folded(text).split(/\s+/).filter(Boolean);
    let any = false;
    for (const group of this.querySelectorAll("fieldset")) {
      const name = folded(group.querySelector("legend").textContent);
      let shown = 0;
      for (const action of group.querySelectorAll(".action")) {
        const label = `${name} ${folded(action.textContent)}`;
        action.hidden = !words.every((word) => label.includes(word));
        shown += action.hidden ? 0 : 1;
      }
      group.hidden = !shown;
      any ||= shown > 0;
    }
    this.querySelector(".none").hidden = any;
  }
}

customElements.define("tk-narrow", Narrow);
