// <tk-submit>: sends the form around it at once; its button is for browsers without scripts.

class Submit extends HTMLElement {
  connectedCallback() {
    this.closest("form").submit();
  }
}

customElements.define("tk-submit", Submit);
