// <tk-code>: a field for code. For JSON it says where the text is wrong, and puts it in order.

class Code extends HTMLElement {
  connectedCallback() {
    if (!this.hasAttribute("data-json")) return;
    this.field = this.querySelector("textarea");
    this.note = this.querySelector("[role=status]");
    const button = this.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => this.format());
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.check(), 400);
    });
  }

  check() {
    const text = this.field.value.trim();
    let wrong = "";
    try {
      if (text) JSON.parse(text);
    } catch (error) {
      wrong = error.message;
    }
    this.note.textContent = wrong;
    this.classList.toggle("is-wrong", wrong !== "");
    return wrong === "";
  }

  format() {
    if (!this.check() || !this.field.value.trim()) return;
    // Numbers that a script cannot hold exactly would come out changed.
    const before = this.field.value;
    const after = JSON.stringify(JSON.parse(before), null, 2);
    if (/\d{16,}|\d[eE]|\.\d{16,}/.test(before)) {
      this.note.textContent = "Left as it is: it has numbers that would lose digits.";
      return;
    }
    this.field.value = after;
    this.note.textContent = "In order.";
  }
}

customElements.define("tk-code", Code);
