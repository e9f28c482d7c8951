"""Stands between clients and the server and writes down what passes, one JSON object a line.

It listens without and with TLS and passes on to the same; its own certificate authority is written to a file. The line
that it prints when it is ready is a JSON object like the server's."""

import argparse
import base64
import datetime
import http.client
import ipaddress
import json
import os
import ssl
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-connection", "content-length", "expect"}


def certificates(ca_out):
    """A certificate for 127.0.0.1 and localhost, and the authority that vouches for it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wavetank test recorder")])

    def builder(subject, key):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=2))

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = builder(ca_name, ca_key).add_extension(x509.BasicConstraints(True, 0), True).add_extension(usage, True)
    ca = ca.add_extension(ca_id, False).sign(ca_key, hashes.SHA256())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = builder(leaf_name, leaf_key).add_extension(x509.SubjectAlternativeName(names), False)
    leaf = leaf.add_extension(x509.BasicConstraints(False, None), True)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), False)
    leaf = leaf.sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    with open(ca_out, "wb") as file:
        file.write(ca.public_bytes(pem))
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        file.write(leaf.public_bytes(pem))
    return file.name


class Recorder(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients hang up as they like; anything else is a mistake of this program."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def __init__(self, upstream, trust, out, lock):
        super().__init__(("127.0.0.1", 0), Exchange)
        self.upstream, self.trust, self.out, self.lock = urlsplit(upstream), trust, out, lock

    def connect(self):
        if self.upstream.scheme == "https":
            context = ssl.create_default_context(cafile=self.trust)
            return http.client.HTTPSConnection(self.upstream.netloc, timeout=120, context=context)
        return http.client.HTTPConnection(self.upstream.netloc, timeout=120)


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one piece: otherwise the client's delayed acknowledgment holds the second up.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def handle_method(self):
        body = self.body()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP | {"accept-encoding"}}
        if body or self.command in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        connection = self.server.connect()
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        finally:
            connection.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()
        self.note(body, answer, content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_method

    def note(self, body, answer, content):
        text = lambda data: base64.b64encode(data).decode()  # noqa: E731
        entry = {
            "client": self.headers.get("User-Agent"), "method": self.command, "path": self.path,
            "request_type": self.headers.get("Content-Type"), "request": text(body), "status": answer.status,
            "type": answer.getheader("Content-Type"), "answer": text(content),
        }
        with self.server.lock:
            self.server.out.write(json.dumps(entry) + "\n")
            self.server.out.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", required=True)
    parser.add_argument("--https", required=True)
    parser.add_argument("--trust", required=True, help="the authority of the server")
    parser.add_argument("--ca-out", required=True)
    parser.add_argument("--out", required=True)
    place = parser.parse_args()
    key = certificates(place.ca_out)
    with open(place.out, "a", encoding="utf-8") as out:
        lock = threading.Lock()
        plain, safe = Recorder(place.http, None, out, lock), Recorder(place.https, place.trust, out, lock)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(key)
        os.unlink(key)
        safe.socket = context.wrap_socket(safe.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=safe.serve_forever, daemon=True).start()
        address = lambda scheme, server: f"{scheme}://127.0.0.1:{server.server_address[1]}"  # noqa: E731
        ready = {"http": address("http", plain), "https": address("https", safe), "ca": place.ca_out}
        print(json.dumps(ready), flush=True)
        plain.serve_forever()


if __name__ == "__main__":
    main()
