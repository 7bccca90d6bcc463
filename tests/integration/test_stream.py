"""Media over TCP, from outside: what a connection must begin with, what ends it, and that strangers take no more
than their share. Runs against the sanitizer build when there is one.

    python3 tests/integration/test_stream.py --build build/release
"""

import binascii
import os
import random
import resource
import select
import socket
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from support.stack import ROOT, Stack, take_build_option  # noqa: E402
from test_bad_media import answer_value, offer, stun_request  # noqa: E402

BUILD = take_build_option()
RANDOM = random.Random(11)


def framed(data):
    return struct.pack("!H", len(data)) + data


def is_closed(connection, within):
    """True when the other end closes it in time, without a word."""
    connection.settimeout(within)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sanitized = os.path.join(ROOT, "build", "asan")
        cls.sanitized = os.path.exists(os.path.join(sanitized, "bin", "amphi-relay"))
        cls.stack = Stack(sanitized if cls.sanitized else BUILD, shards=1)

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        assert codes == [0, 0], (codes, cls.stack.logs)
        for text in cls.stack.logs.values():
            assert "Sanitizer" not in text and "runtime error" not in text, text[-4000:]

    def setUp(self):
        self.class_id = self.stack.new_class(self._testMethodName)
        self.token = self.stack.invite(self.class_id, "learner", "Apprenant")["token"]
        self.open = []

    def tearDown(self):
        for connection in self.open:
            connection.close()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.stack.media_port), timeout=5)
        self.open.append(connection)
        return connection

    def join(self):
        """A WHIP session of ours: (a function that writes an authentic check, its location)."""
        ours = "f" + binascii.hexlify(RANDOM.randbytes(4)).decode()
        status, headers, body = self.stack.request("POST", f"/whip/{self.class_id}", offer(ours), self.token, "application/sdp")
        self.assertEqual(status, 201, body)
        sdp = body.decode()
        username, password = f"{answer_value(sdp, 'ice-ufrag')}:{ours}", answer_value(sdp, "ice-pwd")
        return lambda: stun_request(username, password), headers["Location"], sdp

    def answer(self, connection):
        connection.settimeout(2)
        length = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
        return connection.recv(length, socket.MSG_WAITALL)

    def test_the_answer_offers_tcp_on_the_port_of_udp_and_behind_it(self):
        _, _, sdp = self.join()
        candidates = [line.split() for line in sdp.splitlines() if line.startswith("a=candidate:")]
        udp = [c for c in candidates if c[2] == "udp"]
        tcp = [c for c in candidates if c[2] == "tcp"]
        self.assertEqual([c[4:6] for c in udp], [c[4:6] for c in tcp])
        self.assertTrue(all(c[-2:] == ["tcptype", "passive"] for c in tcp), tcp)
        self.assertLess(max(int(c[3]) for c in tcp), min(int(c[3]) for c in udp))

    def test_an_authentic_check_is_answered_byte_by_byte_or_whole(self):
        check, _, _ = self.join()
        whole, slow = self.connect(), self.connect()
        whole.sendall(framed(check()))
        self.assertEqual(self.answer(whole)[:2], b"\x01\x01")
        for byte in framed(check()):
            slow.sendall(bytes([byte]))
            time.sleep(0.01)
        self.assertEqual(self.answer(slow)[:2], b"\x01\x01")
        for connection in (whole, slow):
            connection.sendall(framed(b"") + framed(RANDOM.randbytes(300)) + framed(check()))
            self.assertEqual(self.answer(connection)[:2], b"\x01\x01", "garbage later is a counted drop")

    def test_what_begins_with_anything_else_is_closed_at_once(self):
        check, _, _ = self.join()
        forged = bytearray(check())
        forged[-30] ^= 1
        for first in (framed(b""), framed(b"hello"), framed(bytes(forged)), framed(RANDOM.randbytes(1500)),
                      framed(b"\x80" + RANDOM.randbytes(200)), framed(b"\x16" + RANDOM.randbytes(200)),
                      b"\xff\xff", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600)):
            connection = self.connect()
            connection.sendall(first)
            self.assertTrue(is_closed(connection, 1), first[:20])

    def test_a_frame_that_is_too_long_ends_a_connection_that_was_good(self):
        check, _, _ = self.join()
        connection = self.connect()
        connection.sendall(framed(check()))
        self.answer(connection)
        connection.sendall(struct.pack("!H", 1501))
        self.assertTrue(is_closed(connection, 1))

    def test_silence_and_a_byte_a_second_are_closed_after_five_seconds(self):
        check, _, _ = self.join()
        silent, slow = self.connect(), self.connect()
        frame, started = framed(check()), time.monotonic()
        for byte in frame[:4]:
            slow.sendall(bytes([byte]))
            time.sleep(1)
        for connection in (silent, slow):
            self.assertTrue(is_closed(connection, 3))
        self.assertTrue(4.5 < time.monotonic() - started < 6.5, time.monotonic() - started)

    def test_a_connection_goes_with_its_participant(self):
        check, location, _ = self.join()
        connection = self.connect()
        connection.sendall(framed(check()))
        self.answer(connection)
        self.assertEqual(self.stack.request("DELETE", location, token=self.token)[0], 200)
        self.assertTrue(is_closed(connection, 3))

    def test_a_check_copied_from_another_connection_opens_nothing(self):
        check, _, _ = self.join()
        data = framed(check())
        first, second = self.connect(), self.connect()
        first.sendall(data)
        self.answer(first)
        second.sendall(data)
        self.assertTrue(is_closed(second, 1))

    def test_five_thousand_idle_connections_cost_little_and_keep_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 6000:
            self.skipTest("this machine gives too few descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (6000, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        check, _, _ = self.join()
        ours = self.connect()
        ours.sendall(framed(check()))
        self.answer(ours)
        before = memory(self.stack.relay.pid)
        idle = []
        for i in range(5000):
            # Of many addresses: one alone has its share.
            connection = socket.socket()
            connection.bind((f"127.0.1.{1 + i % 200}", 0))
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", self.stack.media_port))
            idle.append(connection)
            self.open.append(connection)
            if i % 50 == 49:
                time.sleep(0.01)
        time.sleep(0.5)
        poller = select.poll()
        for connection in idle:
            poller.register(connection, select.POLLIN)
        closed = len(poller.poll(0))
        self.assertGreaterEqual(closed, 5000 - 1024, "those that proved nothing are bounded")
        ours.sendall(framed(check()))
        self.assertEqual(self.answer(ours)[:2], b"\x01\x01")
        late = self.connect()
        late.sendall(framed(check()))
        self.assertEqual(self.answer(late)[:2], b"\x01\x01", "a participant still gets in")
        grown = memory(self.stack.relay.pid) - before
        print(f"\n  5000 idle connections: {grown / 1e6:.1f} MB, {5000 - closed} held", file=sys.stderr)
        self.assertLess(grown, 50e6)


if __name__ == "__main__":
    unittest.main()
