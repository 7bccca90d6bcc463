"""./run --turn: TLS on one port is the page and the relay behind TLS; coturn, as configured, sends to the media relay
and to nothing else, whatever an address looks like.

    python3 tests/integration/test_turn.py
"""

import base64
import hashlib
import hmac
import ipaddress
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

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import ROOT, free_port, take_build_option  # noqa: E402

COOKIE = 0x2112A442
ALLOCATE, CREATE_PERMISSION, CHANNEL_BIND = 3, 8, 9
FORBIDDEN = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.0.0.1", "10.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "8.8.8.8", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fe80::1", "fc00::1", "fd00::9", "ff02::1", "2001:db8::1", "2001:4860:4860::8888"]


def own_addresses():
    listing = subprocess.run(["ip", "-j", "addr", "show", "scope", "global"], capture_output=True, check=True).stdout
    return [a["local"] for link in json.loads(listing) for a in link["addr_info"] if "local" in a]


class Turn:
    """A TURN client over TLS, as far as permissions."""

    def __init__(self, port, secret, family=4, username=None, password=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5))
        self.username = username or f"{int(time.time()) + 600}:17"
        self.password = password or base64.b64encode(hmac.new(secret, self.username.encode(), hashlib.sha1).digest()).decode()
        self.key, self.realm, self.nonce = b"", b"", b""
        self.family = family

    def close(self):
        self.socket.close()

    @staticmethod
    def attribute(kind, value):
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    def request(self, method, attributes):
        """(True, {}) or (False, error code)."""
        transaction = os.urandom(12)
        body = attributes
        if self.key:
            body += self.attribute(0x0006, self.username.encode()) + self.attribute(0x0014, self.realm) + self.attribute(0x0015, self.nonce)
            head = struct.pack("!HHI", method, len(body) + 24, COOKIE) + transaction
            body += self.attribute(0x0008, hmac.new(self.key, head + body, hashlib.sha1).digest())
        self.socket.sendall(struct.pack("!HHI", method, len(body), COOKIE) + transaction + body)
        head = self.read(20)
        answer, at, found = self.read(struct.unpack("!H", head[2:4])[0]), 0, {}
        while at + 4 <= len(answer):
            kind, size = struct.unpack("!HH", answer[at:at + 4])
            found[kind] = answer[at + 4:at + 4 + size]
            at += 4 + size + -size % 4
        good = struct.unpack("!H", head[:2])[0] & 0x0110 == 0x0100
        self.nonce = found.get(0x0015, self.nonce)
        self.realm = found.get(0x0014, self.realm)
        return good, None if good else found[0x0009][2] * 100 + found[0x0009][3]

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionResetError("closed")
            data += part
        return data

    def allocate(self, transport=17):
        ask = self.attribute(0x0019, bytes([transport, 0, 0, 0])) + (self.attribute(0x0017, b"\2\0\0\0") if self.family == 6 else b"")
        refused = self.request(ALLOCATE, ask)
        assert refused == (False, 401), refused
        self.key = hashlib.md5(f"{self.username}:{self.realm.decode()}:{self.password}".encode()).digest()
        return self.request(ALLOCATE, ask)

    def peer(self, address, port):
        ip = ipaddress.ip_address(address)
        mask = struct.pack("!I", COOKIE)
        packed = bytes(a ^ b for a, b in zip(ip.packed, mask + bytes(12)))  # the transaction id is added by caller for IPv6
        return ip, packed, port ^ (COOKIE >> 16)

    def permit(self, address, port=40000, method=CREATE_PERMISSION):
        """The peer address is written with a transaction of its own, so it is sent by hand."""
        ip = ipaddress.ip_address(address)
        transaction = os.urandom(12)
        mask = struct.pack("!I", COOKIE) + transaction
        value = bytes([0, 1 if ip.version == 4 else 2]) + struct.pack("!H", port ^ (COOKIE >> 16)) + \
            bytes(a ^ b for a, b in zip(ip.packed, mask))
        body = self.attribute(0x0012, value) + (self.attribute(0x000C, b"\x40\x01\0\0") if method == CHANNEL_BIND else b"")
        body += self.attribute(0x0006, self.username.encode()) + self.attribute(0x0014, self.realm) + self.attribute(0x0015, self.nonce)
        head = struct.pack("!HHI", method, len(body) + 24, COOKIE) + transaction
        body += self.attribute(0x0008, hmac.new(self.key, head + body, hashlib.sha1).digest())
        self.socket.sendall(head[:2] + struct.pack("!H", len(body)) + head[4:] + body)
        answer = self.read(20)
        rest = self.read(struct.unpack("!H", answer[2:4])[0])
        if struct.unpack("!H", answer[:2])[0] & 0x0110 == 0x0100:
            return 200
        at = rest.index(b"\0\x09")
        return rest[at + 6] * 100 + rest[at + 7]


class RunWithTurn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="amphi-turn-")
        cls.data = os.path.join(cls.folder.name, "data")
        cls.port, cls.turn_port = free_port(), free_port(count=2)
        cls.addresses = own_addresses()
        cls.output = open(os.path.join(cls.folder.name, "run.log"), "w+", encoding="utf-8")
        cls.program = subprocess.Popen([os.path.join(ROOT, "run"), "--data", cls.data, "--port", str(cls.port), "--media-port",
                                    str(free_port(socket.SOCK_DGRAM, 4)), "--turn", "--turn-port", str(cls.turn_port)],
                                   stdout=cls.output, stderr=cls.output)
        deadline = time.monotonic() + 240
        while not os.path.exists(os.path.join(cls.data, "run.json")):
            if cls.program.poll() is not None or time.monotonic() > deadline:
                cls.output.seek(0)
                raise RuntimeError(cls.output.read())
            time.sleep(0.1)
        with open(os.path.join(cls.data, "turn", "secret"), "rb") as secret:
            cls.secret = secret.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.program.send_signal(signal.SIGTERM)
        cls.program.wait(20)
        cls.output.close()
        cls.folder.cleanup()

    def turn(self, **more):
        client = Turn(self.turn_port, self.secret, **more)
        self.addCleanup(client.close)
        return client

    def get(self, path, headers=""):
        context = ssl.create_default_context(cafile=os.path.join(self.data, "certs", "ca.pem"))
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.turn_port), timeout=5), server_hostname="localhost") as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{self.turn_port}\r\nConnection: close\r\n{headers}\r\n".encode())
            data = b""
            while part := s.recv(65536):
                data += part
        return data

    def test_the_page_and_the_api_are_on_the_same_port(self):
        self.assertIn(b" 200 ", self.get("/").split(b"\r\n")[0])
        self.assertIn(b'"ok":true', self.get("/healthz"))
        with open(os.path.join(self.data, "run.json"), encoding="utf-8") as file:
            self.assertTrue(json.load(file)["trainer_url"].startswith(f"https://localhost:{self.turn_port}/"))

    def test_the_media_relay_is_reached_and_nothing_else_is(self):
        for family, version in ((4, 4), (6, 6)):
            ours = [a for a in self.addresses if ipaddress.ip_address(a).version == version]
            if not ours:
                continue
            client = self.turn(family=family)
            self.assertEqual(client.allocate(), (True, None))
            for address in FORBIDDEN:
                if ipaddress.ip_address(address).version == version:
                    self.assertIn(client.permit(address), (400, 403, 443, 447), address)
            for address in FORBIDDEN:
                if ipaddress.ip_address(address).version == version:
                    self.assertNotEqual(client.permit(address, method=CHANNEL_BIND), 200, address)
            self.assertEqual(client.permit(ours[0]), 200, ours)

    def test_credentials_that_are_forged_or_have_expired_are_refused(self):
        self.assertEqual(self.turn(password="x" * 28).allocate()[0], False)
        past = f"{int(time.time()) - 5}:17"
        self.assertEqual(self.turn(username=past).allocate()[0], False)

    def test_no_tcp_is_relayed_and_one_user_has_a_few_allocations_at_most(self):
        self.assertEqual(self.turn().allocate(transport=6)[0], False)
        got = [self.turn(username=f"{int(time.time()) + 600}:99").allocate() for _ in range(6)]
        self.assertEqual([good for good, _ in got].count(True), 4, got)

    def test_both_secrets_are_taken_while_one_replaces_the_other(self):
        database = os.path.join(self.data, "turn", "turndb")
        subprocess.run(["turnadmin", "--set-secret=a-new-secret-of-the-operator", "--realm=amphi", f"--userdb={database}"],
                       check=True, capture_output=True)
        for secret in (self.secret, b"a-new-secret-of-the-operator"):
            client = Turn(self.turn_port, secret, username=f"{int(time.time()) + 600}:5{len(secret)}")
            self.addCleanup(client.close)
            self.assertEqual(client.allocate(), (True, None))

    def test_a_killed_coturn_or_proxy_is_started_again(self):
        for name in ("turnserver", "haproxy"):
            listing = subprocess.run(["pgrep", "-f", f"{name}.*{self.data}"], capture_output=True, check=True).stdout.split()
            for pid in listing:
                os.kill(int(pid), signal.SIGKILL)
            deadline = time.monotonic() + 10
            while True:
                try:
                    if self.turn(username=f"{int(time.time()) + 600}:7{name}").allocate()[0]:
                        break
                except (OSError, AssertionError):
                    pass
                self.assertLess(time.monotonic(), deadline, name)
                time.sleep(0.2)


if __name__ == "__main__":
    take_build_option()  # ./run builds its own
    unittest.main()
