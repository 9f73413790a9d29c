// <tk-passkey>: makes or uses a passkey and sends it with the form that is around it.
// Its data-options are what the browser has to be asked, as JSON; data-kind is create or get.

class Passkey extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    this.note = this.querySelector("[role=status]");
    if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
      this.say("This browser knows no passkeys.");
      return;
    }
    button.hidden = false;
    button.addEventListener("click", () => this.ask());
  }

  async ask() {
    const form = this.closest("form");
    if (!form.reportValidity()) return;
    const options = JSON.parse(this.dataset.options);
    try {
      const credential =
        this.dataset.kind === "create"
          ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
            })
          : await navigator.credentials.get({
              publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
            });
      form.elements.response.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      const there = error.name === "InvalidStateError";
      this.say(there ? "This passkey is there already." : "No passkey was taken. Try again.");
    }
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }
}

customElements.define("tk-passkey", Passkey);
