// Says whether a webhook is genuine, with Node alone.
const crypto = require("node:crypto");

const TOLERANCE_SECONDS = 300;

// Throws unless one of the secrets signed this body (a Buffer) a moment ago.
function verify(secrets, headers, body, now = Date.now() / 1000) {
  const content = signedContent(headers, body, now);
  const given = headers["webhook-signature"].split(" ").map((one) => Buffer.from(one));
  for (const secret of secrets) {
    const expected = Buffer.from("v1," + crypto.createHmac("sha256", keyOf(secret)).update(content).digest("base64"));
    if (given.some((one) => one.length === expected.length && crypto.timingSafeEqual(one, expected))) return;
  }
  throw new Error("no signature fits");
}

// Returns what was signed; throws where a header is missing, or the time is not about now.
function signedContent(headers, body, now) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!id || !timestamp || !headers["webhook-signature"]) throw new Error("a header is missing");
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) {
    throw new Error("the timestamp is not about now");
  }
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
}

// Returns the bytes of a secret; an empty one would let everybody sign.
function keyOf(secret) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length < 24) throw new Error("the webhook secret is empty or cut off");
  return key;
}

module.exports = { verify, signedContent };
