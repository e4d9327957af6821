"""A receiver of webhooks: python3 receiver.py, with WEBHOOK_SECRET set (two while a rotation lasts, by a space)."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from verify import Refused, verify

SECRETS = os.environ["WEBHOOK_SECRET"].split()
# Yours is a table with a unique column, written in one transaction with the queue.
seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """Checks, remembers, answers; the work comes after."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))  # the raw bytes, before any parsing
        try:
            verify(SECRETS, self.headers, body)
        except Refused as reason:
            self.answer(401, str(reason))
            return
        event_id = self.headers["webhook-id"]
        if event_id not in seen:
            queue(json.loads(body))
            seen.add(event_id)
        self.answer(200, "thank you")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


def queue(event: dict[str, object]) -> None:
    """Put the event where a worker finds it: do not make Kith wait for your work."""
    print(event["type"], event["id"], flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
