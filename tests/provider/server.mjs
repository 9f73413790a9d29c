// A real OpenID provider for the tests: node server.mjs PORT REDIRECT_URI
// Whoever logs in becomes the user with that e-mail address; the password does not matter.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "trailkeeper",
      client_secret: "provider-marker: with 100% & odd characters",
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: true, // then the address stands in the userinfo answer only
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["for tests only"] },
  async findAccount(_context, id) {
    return {
      accountId: id,
      claims: () => ({
        sub: id,
        email: id,
        email_verified: !id.startsWith("unverified"),
        name: `Provider's ${id}`,
      }),
    };
  },
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
