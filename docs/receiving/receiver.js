// A receiver of webhooks: node receiver.js, with WEBHOOK_SECRET set (two while a rotation lasts, by a space).
const http = require("node:http");
const { verify } = require("./verify.js");

const SECRETS = process.env.WEBHOOK_SECRET.split(" ");
// Yours is a table with a unique column, written in one transaction with the queue.
const seen = new Set();

http
  .createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks); // the raw bytes, before any parsing
      try {
        verify(SECRETS, request.headers, body);
      } catch (reason) {
        response.writeHead(401).end(reason.message);
        return;
      }
      const id = request.headers["webhook-id"];
      if (!seen.has(id)) {
        queue(JSON.parse(body));
        seen.add(id);
      }
      response.writeHead(200).end("thank you");
    });
  })
  .listen(process.env.PORT || 9000, "127.0.0.1");

// Puts the event where a worker finds it: do not make Kith wait for your work.
function queue(event) {
  console.log(event.type, event.id);
}
