"""A mail server and a web server of this machine that keep what they are handed."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Postbox:
    """What a mail server took: who it was for, what it said, and how it came."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    answer: str = "250 taken"  # to a message handed in
    refused: set[str] = field(default_factory=set)


class _Session(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA, QUIT."""

    server: _Server

    def handle(self) -> None:
        box, to, tls = self.server.box, list[str](), self.server.tls_at_once
        self.say("220 here")
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            match word.upper():
                case "EHLO":
                    offered = ["250-here", "250-AUTH PLAIN"]
                    self.say(
                        "\r\n".join([*offered, *(["250-STARTTLS"] if self.server.trust else []), "250 OK"])
                    )
                case "STARTTLS":
                    assert self.server.trust
                    self.say("220 go on")
                    self.request = self.server.trust.wrap_socket(self.request, server_side=True)
                    self.setup()
                    tls = True
                case "AUTH":
                    box.logins.append(base64.b64decode(rest.split()[1]).decode())
                    self.say("235 known" if box.logins[-1] == "\0omics\0secret" else "535 unknown")
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    to.append(address)
                    self.say("550 nobody" if address in box.refused else "250 fine")
                case "DATA":
                    self.say("354 speak")
                    said = b"".join(iter(self.rfile.readline, b".\r\n"))
                    if box.answer.startswith("250"):
                        box.mails.append(message_from_bytes(said, policy=policy.default))
                        box.recipients.append(to)
                        box.encrypted.append(tls)
                    self.say(box.answer)
                    to = []
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    box: Postbox
    trust: ssl.SSLContext | None = None
    tls_at_once = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter."""


@contextmanager
def mail_server(
    certificate: Path | None = None, *, tls_at_once: bool = False, port: int = 0
) -> Iterator[Postbox]:
    """Take mail at 127.0.0.1; with a certificate by STARTTLS, or by TLS from the first byte."""
    with _Server(("127.0.0.1", port), _Session) as server:
        server.box = Postbox(server.server_address[1])
        if certificate:
            server.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.trust.load_cert_chain(certificate)
            if tls_at_once:
                server.socket = server.trust.wrap_socket(server.socket, server_side=True)
                server.tls_at_once = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.box
        server.shutdown()
        thread.join()


@dataclass
class Hook:
    """What a web server was handed, and the status with which it answers."""

    url: str
    taken: list[Any] = field(default_factory=list)
    status: int = 200


@contextmanager
def web_server() -> Iterator[Hook]:
    """Take JSON at 127.0.0.1; a redirect leads to the same server, at /elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.taken.append((self.path, json.loads(body)))
            self.send_response(hook.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Hook(f"http://127.0.0.1:{server.server_address[1]}/token-in-the-path")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


def certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1, key and all in one file, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
