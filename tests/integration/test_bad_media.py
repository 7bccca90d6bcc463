"""Hostile datagrams on the media ports while a class runs: each is a counted drop, nothing is answered,
nothing crashes, and nobody in the class notices. Runs against the sanitizer build when there is one.

    python3 tests/integration/test_bad_media.py --build build/release
"""

import binascii
import hashlib
import hmac
import os
import random
import shutil
import socket
import struct
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.peers import Peer, build_pion  # noqa: E402
from support.stack import ROOT, Stack, take_build_option  # noqa: E402

BUILD = take_build_option()
RANDOM = random.Random(7)


def stun_request(username, password, attributes=b"", fingerprint=True):
    """A binding request with MESSAGE-INTEGRITY (RFC 8489 14.5) and FINGERPRINT (14.7)."""
    def attribute(kind, value):
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    body = attribute(0x0006, username.encode()) + attribute(0x0024, b"\x6e\0\1\xff") + \
        attribute(0x802A, RANDOM.randbytes(8)) + attribute(0x0025, b"") + attributes
    transaction = RANDOM.randbytes(12)

    def head(extra):
        return struct.pack("!HHI", 1, len(body) + extra, 0x2112A442) + transaction

    body += attribute(0x0008, hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest())
    if fingerprint:
        body += attribute(0x8028, struct.pack("!I", binascii.crc32(head(8) + body) ^ 0x5354554E))
    return head(0) + body


def offer(ufrag="abcd1234", pwd="p" * 24, kind="audio"):
    fingerprint = ":".join(["AB"] * 32)
    codec = "111 opus/48000/2" if kind == "audio" else "96 VP8/90000"
    number = codec.split()[0]
    return "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
        "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendonly", "a=rtcp-mux", f"a=rtpmap:{codec}", f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{pwd}", f"a=fingerprint:sha-256 {fingerprint}", "a=setup:actpass", ""])


def answer_value(sdp, name):
    return next(line.split(":", 1)[1].strip() for line in sdp.splitlines() if line.startswith(f"a={name}:"))


class BadMedia(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pion_folder, cls.pion = build_pion()
        sanitized = os.path.join(ROOT, "build", "asan")
        build = sanitized if os.path.exists(os.path.join(sanitized, "bin", "amphi-relay")) else BUILD
        cls.stack = Stack(build, environment={"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"})
        cls.ports = [cls.stack.media_port + i for i in range(2)]

    @classmethod
    def tearDownClass(cls):
        codes = cls.stack.stop()
        shutil.rmtree(cls.pion_folder, ignore_errors=True)
        assert codes == [0, 0], (codes, cls.stack.logs)
        for text in cls.stack.logs.values():
            assert "Sanitizer" not in text and "runtime error" not in text, text[-4000:]

    def setUp(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.class_id = self.stack.new_class(self._testMethodName)
        self.trainer = self.stack.invite(self.class_id, "trainer", "Formatrice")["token"]
        self.learner = self.stack.invite(self.class_id, "learner", "Apprenant")["token"]

    def tearDown(self):
        self.socket.close()

    def send(self, data, port=None):
        self.socket.sendto(data, ("127.0.0.1", port or RANDOM.choice(self.ports)))

    def replies(self, wait=0.3):
        time.sleep(wait)
        got = []
        while True:
            try:
                got.append(self.socket.recv(2048))
            except BlockingIOError:
                return got

    def drops(self):
        time.sleep(2.3)  # the relay reports every 2 s
        return {k: v for k, v in self.stack.metrics().items() if "drop" in k}

    def whip(self, token, sdp, class_id=None):
        status, headers, body = self.stack.request("POST", f"/whip/{class_id or self.class_id}", sdp, token, "application/sdp")
        return status, headers, body.decode()

    def join_by_hand(self, token):
        """A WHIP session that we drive ourselves: (ufrag:ours, relay's password, port, location)."""
        ours = "f" + binascii.hexlify(RANDOM.randbytes(4)).decode()
        status, headers, sdp = self.whip(token, offer(ours))
        self.assertEqual(status, 201, sdp)
        candidate = answer_value(sdp, "candidate").split()
        return f"{answer_value(sdp, 'ice-ufrag')}:{ours}", answer_value(sdp, "ice-pwd"), int(candidate[5]), headers["Location"]

    def class_under_way(self, seconds=8):
        """A publisher and a receiver; returns a function that checks that nothing was lost."""
        base = self.stack.base_url
        publisher = Peer(self.pion, "publish", "--url", f"{base}/whip/{self.class_id}", "--token", self.trainer, "--seconds", seconds)
        publisher.wait_connected()
        receiver = Peer(self.pion, "receive", "--url", f"{base}/whep/{self.class_id}", "--token", self.learner, "--seconds", seconds - 2)
        time.sleep(1)

        def check():
            result = receiver.report()["receivers"][0]
            publisher.report()
            for what in ("audio", "video"):
                self.assertGreater(result[what]["Packets"], 150, result)
                self.assertEqual((result[what]["Lost"], result[what]["CounterMissing"]), (0, 0), result)
        return check

    def test_garbage_of_every_first_byte_is_counted_and_not_answered(self):
        check = self.class_under_way()
        before = sum(self.drops().values())
        for first in range(256):
            for size in (1, 2, 11, 12, 13, 19, 20, 28, 100, 1200, 1472):
                self.send(bytes([first]) + RANDOM.randbytes(size - 1))
        self.assertEqual(self.replies(), [])
        self.assertGreaterEqual(sum(self.drops().values()) - before, 256 * 11 * 0.95)
        check()

    def test_an_unauthenticated_check_is_not_answered(self):
        username, password, port, location = self.join_by_hand(self.learner)
        for data in (
                stun_request(username, "x" * 24),                      # wrong password
                stun_request("zzzzzzzzzzzz:aaaa", password),            # nobody's ufrag
                stun_request(username, password)[:-1],                  # cut short
                stun_request(username, password).replace(b"\x21\x12\xa4\x42", b"\x21\x12\xa4\x43"),
                stun_request(username.split(":")[0] + ":other", password)):
            self.send(data, port)
        self.assertEqual(self.replies(), [])
        self.send(stun_request(username, password), port)
        good = self.replies()
        self.assertEqual(len([r for r in good if r[:2] == b"\x01\x01"]), 1, good)
        self.assertEqual(self.stack.request("DELETE", location, None, self.learner)[0], 200)

    def test_dtls_and_rtp_from_a_stranger_are_dropped_and_the_victim_connects(self):
        stop = threading.Event()
        hello = bytes.fromhex("16feff0000000000000000007c0100007000000000000000700000") + RANDOM.randbytes(100)

        def spray():
            other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            while not stop.is_set():
                for port in self.ports:
                    other.sendto(hello, ("127.0.0.1", port))
                    other.sendto(b"\x80\x6f" + RANDOM.randbytes(100), ("127.0.0.1", port))
                time.sleep(0.001)
            other.close()

        thread = threading.Thread(target=spray)
        thread.start()
        try:
            self.class_under_way()()
        finally:
            stop.set()
            thread.join()
        self.assertEqual(self.replies(), [])

    def test_rtp_before_the_handshake_and_a_broken_handshake_cost_nothing(self):
        username, password, port, location = self.join_by_hand(self.learner)
        self.send(stun_request(username, password), port)
        self.assertTrue(self.replies())
        before = sum(self.drops().values())
        for _ in range(200):
            self.send(b"\x80\x6f" + RANDOM.randbytes(160), port)
        for _ in range(50):
            self.send(b"\x16\xfe\xfd" + RANDOM.randbytes(80), port)
        self.assertGreaterEqual(sum(self.drops().values()) - before, 200)
        self.assertEqual(self.stack.request("GET", "/healthz")[0], 200)
        self.assertEqual(self.stack.request("DELETE", location, None, self.learner)[0], 200)

    def test_an_oversized_datagram_is_dropped(self):
        for size in (1501, 4000, 65000):
            self.send(b"\x80" + RANDOM.randbytes(size - 1))
        self.assertEqual(self.replies(), [])
        self.assertEqual(self.stack.request("GET", "/healthz")[0], 200)

    def test_bad_offers_get_the_right_status(self):
        good = offer()
        no_media = good.split("m=")[0]
        section = "m=" + good.split("m=")[1]
        many = good.split("m=")[0] + "".join(section.replace("a=mid:0", f"a=mid:{i}") for i in range(500))
        cases = [
            ("empty", "", {400}),
            ("not SDP", "hello", {400}),
            ("no media section", no_media, {400, 406}),
            ("500 media sections", many, {400, 413}),
            ("a codec we lack", good.replace("111 opus/48000/2", "111 G722/8000"), {400, 406}),
            ("no fingerprint", "\r\n".join(x for x in good.split("\r\n") if "fingerprint" not in x), {400}),
            ("sha-1 only", good.replace("sha-256 " + ":".join(["AB"] * 32), "sha-1 " + ":".join(["AB"] * 20)), {400}),
            ("no ICE credentials", "\r\n".join(x for x in good.split("\r\n") if "ice-" not in x), {400}),
            ("data channel only", good.split("m=")[0] + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n", {400, 406}),
            ("64 KiB and one", good + "a=x:" + "y" * 66000 + "\r\n", {400, 413}),
            ("NUL", good.replace("opus", "op\0us"), {400, 406}),
        ]
        for why, sdp, expected in cases:
            with self.subTest(why):
                status, headers, body = self.whip(self.trainer, sdp)
                self.assertIn(status, expected, body)
                self.assertIn("code", body)
        status, _, _ = self.stack.request("POST", f"/whip/{self.class_id}", good, self.trainer, "text/plain")
        self.assertEqual(status, 415)
        self.assertEqual(self.whip(self.trainer, good)[0], 201)

    def test_bad_tokens_are_refused(self):
        def part(value):
            import base64
            import json
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        claims = {"iss": "amphi", "aud": self.class_id, "role": "trainer", "jti": "x", "exp": int(time.time()) + 600}
        head, body, signature = self.trainer.split(".")
        expired = self.stack.invite(self.class_id, "trainer", "x", expires_in_s=1)["token"]
        other_class = self.stack.new_class("autre")
        foreign = self.stack.invite(other_class, "trainer", "x")["token"]
        time.sleep(2)
        cases = [
            ("none", ".".join([part({"alg": "none", "typ": "JWT"}), part(claims), ""]), {401}),
            ("None", ".".join([part({"alg": "None"}), part(claims), ""]), {401}),
            ("forged", ".".join([part({"alg": "HS256"}), part(claims), part({"x": 1})]), {401}),
            ("cut", self.trainer[:-4], {401}),
            ("body swapped", ".".join([head, part(claims), signature]), {401}),
            ("HS512", ".".join([part({"alg": "HS512"}), body, signature]), {401}),
            ("one letter changed", ".".join([head, body, ("A" if signature[0] != "A" else "B") + signature[1:]]), {401}),
            ("expired", expired, {401}),
            ("another class's", foreign, {403}),
            ("a megabyte", "a." + "b" * (1 << 13) + ".c", {400, 401, 413, 431}),
            ("empty", " ", {401}),
        ]
        for why, token, expected in cases:
            with self.subTest(why):
                status, _, body = self.whip(token, offer())
                self.assertIn(status, expected, body)
        status, _, _ = self.stack.request("POST", f"/whip/{self.class_id}", offer(), None, "application/sdp")
        self.assertEqual(status, 401)


if __name__ == "__main__":
    unittest.main()
