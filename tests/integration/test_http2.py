#!/usr/bin/env python3
"""HTTP/2 of amphi-signaling, as programs of others speak it: curl, nghttp, h2load; what a peer that breaks the
rules gets. Unit tests (test_http2.c) go through the limits; here they hold behind TLS and sockets.

    tests/integration/test_http2.py [--build DIR] [unittest options]
"""

import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from signaling_server import BUILD, SignalingServer, WithTlsServer, make_certificate, read_to_end, status_of, tls_context

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, RST_STREAM, PING, GOAWAY, CONTINUATION, DATA, WINDOW_UPDATE = 4, 1, 3, 6, 7, 9, 0, 8
GET = b"\x82\x87\x84\x41\x09localhost"  # :method GET, :scheme https, :path /, :authority localhost


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def path_field(path):
    return b"\x04" + bytes([len(path)]) + path.encode()


def frames_of(data):
    found = []
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if len(data) < 9 + size:
            break  # the rest is still to come
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:9 + size]))
        data = data[9 + size:]
    return found


def send_and_read(connection, pieces, seconds):
    """Sends the pieces and reads all the while, in one thread (an SSLSocket must not be read and written at the same
    time by two), until the peer has ended the connection: (pieces sent, whether it has)."""
    connection.setblocking(False)
    pieces, sent, rest = iter(pieces), 0, b""
    wait = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            rest = rest or next(pieces, b"")
            if rest:
                rest = rest[connection.send(rest):]
                sent += not rest
                is_stuck = False
            else:
                is_stuck = True
        except wait:
            is_stuck = True
        except OSError:
            return sent, True
        try:
            if not connection.recv(65536):
                return sent, True
        except wait:
            if is_stuck:
                select.select([connection], [connection] if rest else [], [], 0.05)
        except OSError:
            return sent, True
    return sent, False


class Http2(WithTlsServer):
    def url(self, path):
        return f"https://localhost:{self.server.port}{path}"

    def curl(self, *arguments):
        """Status line and headers in small letters, body."""
        done = subprocess.run(["curl", "-s", "-i", "--cacert", self.cert, *arguments], stdout=subprocess.PIPE, timeout=30, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return head.decode().lower(), body

    def open(self, timeout=10):
        connection = tls_context(self.cert, "h2").wrap_socket(self.server.connect(timeout=timeout), server_hostname="localhost")
        self.assertEqual(connection.selected_alpn_protocol(), "h2")
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
        return connection

    def assert_alive(self):
        head, _ = self.curl("--http2", self.url("/"))
        self.assertTrue(head.startswith("http/2 200"), head)

    def test_a_file_is_the_same_by_both_versions(self):
        heads, bodies = zip(*(self.curl(version, "--compressed", self.url("/app.js")) for version in ("--http2", "--http1.1")))
        self.assertEqual(bodies[0], bodies[1])
        lines = [{line for line in head.split("\r\n")[1:] if not line.startswith(("date:", "connection:"))} for head in heads]
        self.assertTrue(heads[0].startswith("http/2 200") and heads[1].startswith("http/1.1 200"))
        self.assertEqual(lines[0], lines[1])
        etag = re.search(r"etag: (\S+)", heads[0]).group(1)
        head, body = self.curl("--http2", "--compressed", "-H", f"If-None-Match: {etag}", self.url("/app.js"))
        self.assertTrue(head.startswith("http/2 304") and body == b"", head)

    def test_the_api_answers_with_bodies_in_both_ways(self):
        with open(os.path.join(self.server.data, "api_key"), encoding="ascii") as key:
            bearer = f"Authorization: Bearer {key.read().strip()}"
        head, body = self.curl("--http2", "-H", bearer, "-H", "Content-Type: application/json", "-d", '{"title": "Essai"}', self.url("/api/v1/classes"))
        self.assertTrue(head.startswith("http/2 201"), head)
        class_id = json.loads(body)["class_id"]
        head, body = self.curl("--http2", "-H", bearer, self.url(f"/api/v1/classes/{class_id}/participants"))
        self.assertEqual(json.loads(body)["participants"], [])
        head, _ = self.curl("--http2", "-X", "DELETE", "-H", bearer, self.url(f"/api/v1/classes/{class_id}"))
        self.assertTrue(head.startswith("http/2 20"), head)

    def test_refusals_have_their_status(self):
        with tempfile.NamedTemporaryFile() as large:
            large.write(bytes(65537))
            large.flush()
            for arguments, status in ((["-d", "{}", self.url("/api/v1/classes")], 401), ([self.url("/nowhere")], 404), ([self.url("/ws")], 426),
                                      (["-X", "PUT", self.url("/")], 405), (["-H", "x: " + "a" * 9000, self.url("/")], 431),
                                      (["--path-as-is", self.url("/../etc/passwd")], 400), (["--data-binary", "@" + large.name, self.url("/api/v1/classes")], 413)):
                head, _ = self.curl("--http2", *arguments)
                self.assertTrue(head.startswith(f"http/2 {status}"), (arguments[:1], head))

    def test_the_whole_page_comes_over_one_connection(self):
        done = subprocess.run(["nghttp", "-n", "-a", "-s", "--no-verify-peer", self.url("/")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(b" 200 ", done.stdout)
        self.assertNotIn(b" 404 ", done.stdout)

    def test_a_hundred_requests_at_a_time_are_all_answered(self):
        done = subprocess.run(["h2load", "-n", "4000", "-c", "4", "-m", "100", self.url("/classroom.js")], stdout=subprocess.PIPE, timeout=120, check=False)
        self.assertIn(b"4000 succeeded, 0 failed, 0 errored", done.stdout)

    def test_resets_pings_and_continuations_without_end_end_that_connection_only(self):
        def resets():
            for stream in range(1, 4000, 2):
                yield frame(HEADERS, 5, stream, GET) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")

        def pings():
            for _ in range(5000):
                yield frame(PING, 0, 0, b"12345678")

        def continuations():
            yield frame(HEADERS, 1, 1, b"\x82")
            for _ in range(5000):
                yield frame(CONTINUATION, 0, 1, b"\x84")

        def bad_windows():  # each makes the server reset a stream
            for stream in range(1, 4000, 2):
                yield frame(HEADERS, 5, stream, GET) + frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\0")

        for flood in (resets, pings, continuations, bad_windows):
            connection = self.open()
            sent, is_ended = send_and_read(connection, flood(), seconds=15)
            self.assertTrue(is_ended, f"{flood.__name__}: still open after {sent}")
            connection.close()
        self.assert_alive()

    def test_who_reads_nothing_costs_little_memory_and_is_let_go(self):
        before = self.server.resident_bytes()
        connections = []
        for _ in range(20):
            connection = self.open()
            connection.sendall(frame(SETTINGS, 0, 0, b"\0\x04\x7f\xff\xff\xff") + frame(WINDOW_UPDATE, 0, 0, b"\x7f\0\0\0") +
                               b"".join(frame(HEADERS, 5, 2 * i + 1, b"\x82\x87\x41\x09localhost" + path_field("/modules/uplot/dist/uPlot.esm.js")) for i in range(100)))
            connections.append(connection)
        time.sleep(2)
        self.assertLess(self.server.resident_bytes() - before, 20 * 1024 * 1024)
        self.assert_alive()
        for connection in connections:
            connection.close()

    def test_bytes_after_tls_has_ended_are_not_kept_and_the_connection_is_closed(self):
        for protocol in ("h2", "http/1.1"):
            received, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = tls_context(self.cert, protocol).wrap_bio(received, out, server_hostname="localhost")
            connection = self.server.connect(timeout=5)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    connection.sendall(out.read())
                    received.write(connection.recv(65536))
            with self.assertRaises(ssl.SSLWantReadError):
                tls.unwrap()  # says goodbye, would wait for the server's
            connection.sendall(out.read())
            before, sent, begun = self.server.resident_bytes(), 0, time.monotonic()
            with self.assertRaises(OSError):
                while time.monotonic() < begun + 8:
                    connection.sendall(bytes(65536))
                    sent += 65536
            connection.close()
            self.assertLess(self.server.resident_bytes() - before, 8 * 1024 * 1024, f"{protocol}: {sent} bytes sent")

    def test_at_the_end_requests_are_answered_and_the_peer_is_told(self):
        server = SignalingServer(BUILD, "--cert", self.cert, "--key", self.key, scheme="https")
        connection = tls_context(self.cert, "h2").wrap_socket(server.connect(timeout=10), server_hostname="localhost")
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, GET))
        received = b""
        while not any(kind == DATA and flags & 1 for kind, flags, *_ in frames_of(received)):
            received += connection.recv(65536)
        server.process.send_signal(signal.SIGTERM)
        kinds = [kind for kind, *_ in frames_of(received + read_to_end(connection))]
        connection.close()
        self.assertIn(GOAWAY, kinds)
        self.assertEqual(server.stop(), 0)

    def test_a_websocket_stands_beside_it_over_http_1_1(self):
        with tls_context(self.cert, "http/1.1").wrap_socket(self.server.connect(), server_hostname="localhost") as connection:
            connection.sendall((f"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: {self.server.origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: amphi.v1\r\n\r\n").encode())
            self.assertEqual(status_of(connection.recv(65536)), 101)



class WhoReadsNothing(unittest.TestCase):
    """Asks for a file that no socket buffer holds, reads none of it, and goes on talking."""

    def check(self, server, connection, request, more):
        connection.sendall(request)
        time.sleep(1)
        self.assertLess(server.processor_share(1), 0.2, "while it is silent")
        connection.sendall(more)
        self.assertLess(server.processor_share(2), 0.2, "after it has said more")
        begun = time.monotonic()
        while not self.is_gone(server) and time.monotonic() < begun + 40:
            time.sleep(0.5)
        self.assertTrue(self.is_gone(server), "still open after 40 s")

    @staticmethod
    def is_gone(server):
        return len(os.listdir(f"/proc/{server.process.pid}/fd")) == server.idle_descriptors

    def run_with(self, options, begin):
        with tempfile.TemporaryDirectory(prefix="amphi-large-") as root:
            with open(os.path.join(root, "large.txt"), "wb") as large:
                large.write(os.urandom(8 * 1024 * 1024))
            server = SignalingServer(BUILD, *options, web_root=root, scheme="https" if options else "http")
            try:
                if not options:
                    self.assertEqual(len(server.request("GET", "/large.txt")[2]), 8 * 1024 * 1024)
                time.sleep(0.3)
                server.idle_descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(10)
                connection.connect(("127.0.0.1", server.port))
                connection, request, more = begin(connection)
                self.check(server, connection, request, more)
                connection.close()
            finally:
                self.assertEqual(server.stop(), 0)

    def test_without_tls(self):
        self.run_with([], lambda connection: (connection, b"GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n", b"G"))

    def test_over_http_2(self):
        with tempfile.TemporaryDirectory(prefix="amphi-http2-") as folder:
            cert, key = make_certificate(folder)

            def begin(connection):
                request = (PREFACE + frame(SETTINGS, 0, 0, b"\0\x04\x7f\xff\xff\xff") + frame(WINDOW_UPDATE, 0, 0, b"\x7f\0\0\0") +
                           frame(HEADERS, 5, 1, b"\x82\x87\x41\x09localhost" + path_field("/large.txt")))
                return tls_context(cert, "h2").wrap_socket(connection, server_hostname="localhost"), request, frame(PING, 0, 0, bytes(8))
            self.run_with(["--cert", cert, "--key", key], begin)


if __name__ == "__main__":
    unittest.main()
