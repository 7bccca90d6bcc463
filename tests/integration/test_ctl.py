#!/usr/bin/env python3
"""amphi-ctl against a running amphi-signaling, and signaling's link to a relay that this test plays."""

import base64
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from signaling_server import BUILD, SignalingServer



class Ctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = SignalingServer(BUILD)
        cls.url = f"http://127.0.0.1:{cls.server.port}"
        with open(os.path.join(cls.server.data, "run.json"), "w", encoding="utf-8") as run:
            json.dump({"base_url": cls.url, "api_key": cls.server.api_key}, run)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        if code != 0:
            raise AssertionError(f"amphi-signaling ended with {code}: {cls.server.last_log[-3000:]}")

    def ctl(self, *arguments, data=True):
        options = ["--data", self.server.data] if data else []
        done = subprocess.run([os.path.join(BUILD, "bin", "amphi-ctl"), *options, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *arguments):
        code, out, error = self.ctl("--json", *arguments)
        self.assertEqual((code, error), (0, ""))
        return json.loads(out)

    def test_a_class_and_its_invites_from_beginning_to_end(self):
        made = self.json("classes", "create", "--title", "Français écrit")
        ident = made["class_id"]
        self.assertEqual((made["title"], made["state"]), ("Français écrit", "open"))
        self.assertIn(ident, [c["class_id"] for c in self.json("classes", "list")["classes"]])
        self.assertIn("Français écrit", self.ctl("classes", "list")[1])
        invite = self.json("invites", "create", ident, "--role", "learner", "--name", "Aïcha", "--expires-in", "60",
                           "--single-use")
        self.assertEqual((invite["role"], invite["name"], invite["single_use"]), ("learner", "Aïcha", True))
        self.assertTrue(invite["url"].endswith("/#" + invite["token"]))
        payload = invite["token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.assertEqual((claims["title"], claims["name"], claims["role"]), ("Français écrit", "Aïcha", "learner"))
        listed = self.json("invites", "list", ident)["invites"]
        self.assertEqual([(i["invite_id"], i["revoked"]) for i in listed], [(invite["invite_id"], False)])
        self.assertNotIn("token", listed[0])
        self.assertEqual(self.ctl("invites", "revoke", ident, invite["invite_id"]), (0, "", ""))
        self.assertIn("revoked", self.ctl("invites", "list", ident)[1])
        self.assertEqual(self.json("participants", ident)["participants"], [])
        self.assertEqual(self.json("classes", "end", ident)["state"], "ended")
        self.assertEqual(self.json("classes", "show", ident)["state"], "ended")

    def test_what_the_server_refuses_ends_with_1_and_its_words(self):
        for arguments, code in ((("classes", "show", "nosuch"), "not_found"),
                                (("classes", "show", "../../etc/passwd"), "400"),
                                (("floor", "give", "nosuch", "1"), "not_found"),
                                (("remove", "nosuch", "1"), "not_found"),
                                (("--key", "wrong", "classes", "list"), "401")):
            with self.subTest(arguments):
                got, out, error = self.ctl(*arguments)
                self.assertEqual((got, out), (1, ""))
                self.assertIn(code, error)

    def test_a_bad_command_line_ends_with_2(self):
        for arguments, named in (((), "missing"), (("nonsense",), "nonsense"), (("classes", "nonsense"), "nonsense"),
                                 (("classes", "create"), "--title"), (("classes", "show"), "1 identifier"),
                                 (("invites", "create", "x"), "--role"), (("--nonsense", "health"), "--nonsense"),
                                 (("invites", "create", "x", "--role", "boss"), "--role"),
                                 (("invites", "create", "x", "--role", "learner", "--expires-in", "1h"), "1h"),
                                 (("classes", "create", "--title"), "--title"), (("health", "more"), "0 identifiers"),
                                 (("classes", "show", ""), "empty"), (("classes", "show", "x" * 400), "too long")):
            with self.subTest(arguments):
                code, out, error = self.ctl(*arguments)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(named, error)

    def test_help_version_health_and_metrics(self):
        self.assertIn("invites create", self.ctl("--help", data=False)[1])
        self.assertRegex(self.ctl("--version", data=False)[1], r"^amphi-ctl \d")
        code, out, _ = self.ctl("health")
        self.assertEqual((code, "relay connected: no" in out), (4, True))
        code, out, _ = self.ctl("--url", self.url, "metrics", data=False)
        self.assertEqual(code, 0)
        self.assertIn("# TYPE", out)

    def test_a_server_that_is_not_there_ends_with_3(self):
        code, _, error = self.ctl("--url", "http://127.0.0.1:1", "health", data=False)
        self.assertEqual((code, "127.0.0.1:1" in error), (3, True))
        self.assertEqual(self.ctl("classes", "list", data=False)[0], 2)


class FakeRelay:
    """Says hello and that it holds nothing; answers pings unless told to fall silent."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.received, self.silent, self.links = [], False, 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.link, _ = self.listener.accept()
            except OSError:
                return
            self.links += 1
            try:
                self.serve(self.link)
            except (OSError, EOFError):
                pass

    def send(self, message):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.link.sendall(struct.pack("!I", len(text)) + text)

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.link.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def serve(self, link):
        self.send({"type": "hello", "version": 1, "name": "fake/1", "boot_id": "ab" * 16, "shards": 1,
                   "media_port_base": 40000, "capacity": 100})
        self.send({"type": "sync_end"})
        while True:
            message = json.loads(self.read(struct.unpack("!I", self.read(4))[0]))
            self.received.append(message)
            if message["type"] == "ping" and not self.silent:
                self.send({"type": "pong"})


class RelayLink(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-relay-")
        self.path = os.path.join(self.folder.name, "relay.sock")
        self.server = SignalingServer(BUILD, "--relay-socket", self.path)

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0, self.server.last_log[-2000:])
        self.folder.cleanup()

    def wait(self, what, condition, seconds=8):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def health(self):
        return json.loads(self.server.request("GET", "/healthz")[2])["relay"]

    def test_signaling_finds_a_relay_that_comes_late_loses_it_and_finds_it_again(self):
        self.assertFalse(self.health())
        relay = FakeRelay(self.path)
        self.wait("connected", self.health, 3)
        self.assertEqual(relay.received[0]["type"], "hello")
        self.assertEqual(relay.received[0]["version"], 1)
        for _ in range(5):
            links = relay.links
            relay.link.shutdown(socket.SHUT_RDWR)
            self.wait("connected again", lambda: relay.links > links, 3)
            self.wait("healthy again", self.health, 3)
        self.wait("sync_end", lambda: any(m["type"] == "sync_end" for m in relay.received))
        relay.silent = True
        links = relay.links
        self.wait("a silent relay is given up after 4 s", lambda: relay.links > links)
        relay.listener.close()

    def test_a_frame_that_is_no_message_or_too_long_ends_the_link_only(self):
        relay = FakeRelay(self.path)
        for text in (b"nonsense", b"[]", b"", b"\xff" * 100, None):
            self.wait("connected", self.health, 4)
            links = relay.links
            if text is None:
                relay.link.sendall(struct.pack("!I", 98305))
            else:
                relay.send(text)
            self.wait(f"closed after {text}", lambda: relay.links > links, 4)
        self.wait("healthy again", self.health, 4)
        relay.listener.close()


if __name__ == "__main__":
    unittest.main()
