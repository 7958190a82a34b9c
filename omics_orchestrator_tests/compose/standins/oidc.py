"""A stand-in for oauth2-proxy: who has the cookie of a group may pass, anybody else is sent to the sign-in page."""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Gate(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        group = (self.headers.get("Cookie") or "").removeprefix("group=")
        allowed = self.path.partition("allowed_groups=")[2].split(",")
        status = 401 if not group else 202 if group in allowed else 403
        self.send_response(200 if self.path.startswith("/oauth2/start") else status)
        if status == 202:
            self.send_header("X-Auth-Request-User", "olga")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    settings = Path(sys.argv[1].removeprefix("--config=")).read_text()
    (port,) = re.findall(r'http_address = "0\.0\.0\.0:(\d+)"', settings)
    ThreadingHTTPServer(("", int(port)), Gate).serve_forever()
