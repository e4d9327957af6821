// The same for an endpoint that signs with a key pair.
const crypto = require("node:crypto");
const { signedContent } = require("./verify.js");

// Throws unless the owner of one of the public keys signed this body (a Buffer) a moment ago.
function verifyV1a(keys, headers, body, now = Date.now() / 1000) {
  const content = signedContent(headers, body, now);
  const given = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
  for (const key of keys) {
    const x = Buffer.from(key.replace(/^whpk_/, ""), "base64").toString("base64url");
    const jwk = { kty: "OKP", crv: "Ed25519", x };
    const publicKey = crypto.createPublicKey({ key: jwk, format: "jwk" });
    if (given.some((one) => crypto.verify(null, content, publicKey, Buffer.from(one.slice(4), "base64")))) return;
  }
  throw new Error("no signature fits");
}

module.exports = { verifyV1a };
