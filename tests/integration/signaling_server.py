"""One amphi-signaling without a relay, on a free port and an empty data directory, for the tests of what it
does with bytes: raw sockets, a small WebSocket client. Standard library only."""

import base64
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from stack import free_port, take_build_option  # noqa: E402, F401

BUILD = take_build_option()


class SignalingServer:
    def __init__(self, build, *options, bind="127.0.0.1", web_root=None, scheme="http"):
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-test-")
        self.data = os.path.join(self.folder.name, "data")
        self.port = free_port()
        self.bind, self.scheme = bind, scheme
        self.origin = f"{scheme}://localhost:{self.port}"
        self.log_path = os.path.join(self.folder.name, "signaling.log")
        self.command = [
            os.path.join(build, "bin", "amphi-signaling"), "--bind", bind, "--port", str(self.port), "--data", self.data,
            "--web-root", web_root or os.path.join(ROOT, "client-demo", "web"), "--modules-root",
            os.path.join(ROOT, "client-demo", "node_modules"), *options]
        self.process = None
        self.start()

    def start(self):
        log = open(self.log_path, "ab")
        # A sanitizer's quarantine would count as memory of ours.
        environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment)
        log.close()
        deadline = time.monotonic() + 15
        while True:
            if self.process.poll() is not None:
                raise RuntimeError("amphi-signaling ended: " + self.log())
            try:
                self.connect().close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    self.process.kill()
                    raise RuntimeError("not ready: " + self.log()) from None
                time.sleep(0.02)
        with open(os.path.join(self.data, "api_key"), encoding="ascii") as key:
            self.api_key = key.read().strip()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        """The exit code; a sanitizer's finding is one of its own."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "did not stop on SIGTERM"
        self.last_log = self.log()
        self.folder.cleanup()
        return code

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4096

    def processor_share(self, seconds):
        """What share of a processor it uses for the next `seconds`."""
        def ticks():
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        before = ticks()
        time.sleep(seconds)
        return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds

    # --- HTTP

    def connect(self, timeout=10):
        host = "127.0.0.1" if self.bind == "localhost" else self.bind
        return socket.create_connection((host, self.port), timeout=timeout)

    def exchange(self, data, timeout=10, connection=None):
        """Sends bytes, returns everything that comes until the server closes (b"" for a reset)."""
        connection = connection or self.connect(timeout)
        with connection:
            try:
                connection.sendall(data)
            except OSError:
                pass
            return read_to_end(connection)

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body), one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def api(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.api_key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, text = self.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        return status, json.loads(text) if text else None

    def is_well(self):
        """Answers requests; without a relay it says 503 and means it."""
        status, _, body = self.request("GET", "/healthz")
        return status == 503 and json.loads(body)["store"] is True

    def invite(self, role="learner", name=""):
        _, made = self.api("POST", "/classes", {"title": "Essai"})
        _, invite = self.api("POST", f"/classes/{made['class_id']}/invites", {"role": role, "name": name})
        return invite["token"]


class WithServer(unittest.TestCase):
    """One server for all tests of a class; it is well after each of them, and ends well."""
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = SignalingServer(BUILD, *cls.options)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        if code != 0:
            raise AssertionError(f"amphi-signaling ended with {code}: {cls.server.last_log[-3000:]}")

    def tearDown(self):
        self.assertTrue(self.server.is_well(), "the server is no longer well")


class WithTlsServer(unittest.TestCase):
    """The same behind TLS, with a certificate for localhost that it made itself."""
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="amphi-tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.cert, cls.key = make_certificate(cls.folder.name)
        cls.server = SignalingServer(BUILD, "--cert", cls.cert, "--key", cls.key, scheme="https")

    @classmethod
    def tearDownClass(cls):
        WithServer.tearDownClass.__func__(cls)


def make_certificate(folder):
    """The paths of a certificate for localhost and of its key. Written over where there are some."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                    "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def read_to_end(connection, limit=1 << 22):
    received = b""
    try:
        while len(received) < limit:
            more = connection.recv(65536)
            if not more:
                break
            received += more
    except ConnectionError:
        pass
    return received


def status_of(response):
    """The status of the first response in these bytes; 0 when there is none."""
    line = response.split(b"\r\n", 1)[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[0] == b"HTTP/1.1" else 0


def frame(opcode, payload=b"", final=True, masked=True, reserved=0, length=None):
    """One WebSocket frame as a client sends it, or as it should not."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    size = len(payload) if length is None else length
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    mask = b"\x12\x34\x56\x78"
    return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """Just enough of RFC 6455 to see exactly what the server does."""

    def __init__(self, server, origin="own", protocol="amphi.v1", path="/ws", extra="", connection=None):
        self.socket = connection or server.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{server.port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if origin:
            lines.append("Origin: " + (server.origin if origin == "own" else origin))
        if protocol:
            lines.append("Sec-WebSocket-Protocol: " + protocol)
        self.socket.sendall(("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            more = self.socket.recv(4096)
            if not more:
                break
            self.buffer += more
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = status_of(self.head)

    def send(self, data):
        self.socket.sendall(data)

    def send_json(self, value):
        self.send(frame(TEXT, json.dumps(value).encode()))

    def _read(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def receive(self):
        """(opcode, payload) of the next frame; EOFError when the server has closed."""
        first, second = self._read(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self._read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._read(8))[0]
        return first & 0x0F, self._read(size)

    def receive_json(self):
        while True:
            opcode, payload = self.receive()
            if opcode == TEXT:
                return json.loads(payload)

    def receive_answer(self):
        """The next answer to a request; events are passed over."""
        while True:
            message = self.receive_json()
            if "to" in message:
                return message

    def close_code(self):
        """Reads on to the close frame: its code, or None when the socket just ended."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if payload else 1005
        except (EOFError, ConnectionError):
            return None

    def close(self):
        self.socket.close()


def tls_context(ca, *protocols):
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(protocols or ["http/1.1"])
    return context
