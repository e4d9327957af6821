// Judges the cases with the guide's JavaScript; its folder stands in NODE_PATH.
const { verify } = require("verify.js");
const { verifyV1a } = require("verify_v1a.js");

function judge({ asymmetric, secrets, headers, body, now }) {
  try {
    (asymmetric ? verifyV1a : verify)(secrets, headers, Buffer.from(body, "base64"), now);
  } catch (reason) {
    return reason.message;
  }
  return "ok";
}

console.log(JSON.stringify(JSON.parse(require("node:fs").readFileSync(0)).map(judge)));
