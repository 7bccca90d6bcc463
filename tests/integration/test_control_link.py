"""amphi-relay alone, over its control link: hello, a participant, resync after a lost link, hostile frames,
settings, a second relay in the way, and an orderly stop. Runs against the sanitizer build when there is one.

    python3 tests/integration/test_control_link.py --build build/release
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import ROOT, free_port, take_build_option  # noqa: E402

BUILD = take_build_option()
FINGERPRINT = ":".join(["AB"] * 32)


def program():
    sanitized = os.path.join(ROOT, "build", "asan", "bin", "amphi-relay")
    return sanitized if os.path.exists(sanitized) else os.path.join(BUILD, "bin", "amphi-relay")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Relay:
    """A relay in an empty folder."""

    def __init__(self, *arguments, shards=2, bind="127.0.0.1", environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-test-")
        self.path = os.path.join(self.folder.name, "relay.sock")
        self.port = free_port(socket.SOCK_DGRAM, shards)
        self.log_path = os.path.join(self.folder.name, "relay.log")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.folder.name, "notify"))
        self.notify.settimeout(10)
        environment = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder.name, "notify"),
                           ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", **(environment or {}))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program(), "--bind", bind, "--media-port", str(self.port), "--shards", str(shards),
                 "--control-socket", self.path, *arguments], stdout=log, stderr=log, env=environment)
        try:
            self.ready = self.notify.recv(256)
        except OSError as error:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("not ready: " + self.log()) from error

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def connect(self, **hello):
        link = Link(self.path)
        link.hello(**hello)
        return link

    def stop(self):
        """(exit code, log)"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "did not stop on SIGTERM"
        log = self.log()
        self.left_socket = os.path.exists(self.path)
        self.notify.close()
        self.folder.cleanup()
        return code, log


class Link:
    """Signaling's end of the control link."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(5)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.waiting = b""
        self.next_id = 0
        self.events = []

    def send_raw(self, data):
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def send(self, kind, **fields):
        self.send_raw(json.dumps(dict(fields, type=kind)).encode())

    def receive(self, seconds=5):
        """The next message; None when the relay has closed the link."""
        deadline = time.monotonic() + seconds
        while len(self.waiting) < 4 or len(self.waiting) < 4 + struct.unpack("!I", self.waiting[:4])[0]:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.waiting += data
        size = struct.unpack("!I", self.waiting[:4])[0]
        message = json.loads(self.waiting[4:4 + size])
        self.waiting = self.waiting[4 + size:]
        if message["type"] == "ping":
            self.send("pong")
            return self.receive(deadline - time.monotonic())
        return message

    def wait_for(self, kind, seconds=5):
        """The next message of this type; others are kept in `events`."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(deadline - time.monotonic())
            if message is None or message["type"] == kind:
                return message
            self.events.append(message)

    def hello(self, version=1):
        self.send("hello", version=version, name="test", boot_id="00", shards=0, media_port_base=0, capacity=0)
        self.relay = self.wait_for("hello")

    def ask(self, kind, **fields):
        """The answer to a request."""
        self.next_id += 1
        self.send(kind, id=self.next_id, **fields)
        while True:
            message = self.receive()
            if message is None or message.get("to") == self.next_id:
                return message
            self.events.append(message)

    def closed(self, seconds=5):
        """Whether the relay closes within this time."""
        deadline = time.monotonic() + seconds
        try:
            while self.receive(deadline - time.monotonic()) is not None:
                pass
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()


def participant(number, room=1, session=1):
    opus = {"codec": "opus", "payload_type": 111, "rtx_payload_type": 0, "channels": 2, "clock_rate": 48000, "nack": True,
            "pli": False, "fir": False, "transport_cc": True, "remb": False, "profile": ""}
    return {"room": room, "participant": number, "session": session, "ice": {"ufrag": "abcd", "pwd": "p" * 24},
            "relay_role": "server", "fingerprint": FINGERPRINT, "extension_ids": {"mid": 1, "audio_level": 2},
            "send_slots": [{"slot": "mic", "mid": "0", "codecs": [opus], "rids": [], "encodings": []}],
            "receive_slots": [{"slot": "voice_0", "mid": "1", "codecs": [opus], "ssrc": 1000 + number, "rtx_ssrc": 0}]}


class ControlLink(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = Relay()

    @classmethod
    def tearDownClass(cls):
        code, log = cls.relay.stop()
        assert code == 0, (code, log)
        assert "Sanitizer" not in log and "runtime error" not in log, log[-4000:]
        assert not cls.relay.left_socket

    def setUp(self):
        self.link = self.relay.connect()

    def tearDown(self):
        self.link.close()

    def settle(self):
        """Through the resync, with nothing wanted."""
        held = []
        while True:
            message = self.link.receive()
            if message["type"] == "sync_end":
                break
            held.append(message)
        for message in held:
            if message["type"] == "sync_participant":
                self.link.send("participant_remove", participant=message["participant"], session=message["session"])
        self.link.send("sync_end")
        return [m for m in held if m["type"] == "sync_participant"]

    def test_it_says_ready_and_who_it_is(self):
        self.assertIn(b"READY=1", self.relay.ready)
        hello = self.link.relay
        self.assertEqual((hello["version"], hello["shards"], hello["media_port_base"]), (1, 2, self.relay.port))
        self.assertTrue(hello["name"].startswith("amphi-relay/"))
        self.assertRegex(hello["boot_id"], "^[0-9a-f]{32}$")
        self.assertEqual(os.stat(self.relay.path).st_mode & 0o777, 0o600)

    def test_participants_get_candidates_on_every_shard(self):
        self.settle()
        ports, answers = set(), []
        for number in range(1, 5):
            answer = self.link.ask("participant_add", **participant(number))
            self.assertEqual(answer["type"], "participant_added", answer)
            answers.append(answer)
            for candidate in answer["candidates"]:
                self.assertEqual(candidate["address"], "127.0.0.1")
                self.assertEqual(candidate["port"], self.relay.port + answer["shard"])
                ports.add(candidate["port"])
            self.assertEqual(len(answer["fingerprint"]), 95)
            self.assertGreaterEqual(len(answer["ice"]["pwd"]), 22)
        self.assertEqual(ports, {self.relay.port, self.relay.port + 1})
        self.assertEqual(len({a["ice"]["ufrag"] for a in answers}), 4)
        for number in range(1, 5):
            self.assertEqual(self.link.ask("grant", participant=number, slot="mic", open=True, reserved=False)["type"], "ok")
            self.assertEqual(self.link.ask("participant_remove", participant=number, session=1)["type"], "ok")

    def test_an_older_session_is_refused_and_a_newer_one_replaces(self):
        self.settle()
        self.assertEqual(self.link.ask("participant_add", **participant(9, session=5))["type"], "participant_added")
        answer = self.link.ask("participant_add", **participant(9, session=4))
        self.assertEqual((answer["type"], answer.get("code")), ("error", "stale_session"))
        self.assertEqual(self.link.ask("participant_add", **participant(9, session=6))["type"], "participant_added")
        self.assertEqual(self.link.ask("room_close", room=1)["type"], "ok")

    def test_datagrams_of_strangers_are_counted_and_not_answered(self):
        self.settle()
        self.link.wait_for("relay_stats", 6)
        before = sum(d["count"] for d in self.link.wait_for("relay_stats", 6)["drops"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0.3)
            request = struct.pack("!HHI", 1, 8, 0x2112A442) + bytes(12) + struct.pack("!HH", 6, 4) + b"a:bc"
            for _ in range(50):
                for port in (self.relay.port, self.relay.port + 1):
                    stranger.sendto(request, ("127.0.0.1", port))
                    stranger.sendto(b"\x80" + bytes(3000), ("127.0.0.1", port))
            with self.assertRaises(TimeoutError):
                stranger.recv(2048)
        self.link.wait_for("relay_stats", 6)
        stats = self.link.wait_for("relay_stats", 6)
        self.assertEqual(sum(d["count"] for d in stats["drops"]) - before, 200, stats["drops"])
        self.assertEqual(len(stats["shards"]), 2)
        self.assertGreater(stats["memory_total_bytes"], stats["relay_memory_bytes"])
        self.assertGreater(stats["relay_memory_bytes"], 1 << 20)
        self.assertLess(max(s["loop_p99_us"] for s in stats["shards"]), 1000000)

    def test_a_lost_link_is_resynced_and_participants_stay(self):
        self.settle()
        self.assertEqual(self.link.ask("participant_add", **participant(21, room=3))["type"], "participant_added")
        self.link.close()
        self.link = self.relay.connect()
        held = self.settle()
        self.assertEqual([(m["room"], m["participant"], m["session"], m["state"]) for m in held],
                         [(3, 21, 1, "connecting")])

    def test_a_newer_connection_replaces_the_older(self):
        other = self.relay.connect()
        self.assertEqual(other.wait_for("sync_end")["type"], "sync_end")
        self.assertTrue(self.link.closed(2))
        self.assertEqual(other.ask("room_close", room=99)["type"], "ok")
        other.close()

    def test_another_version_is_told_and_closed(self):
        other = Link(self.relay.path)
        other.hello(version=2)
        self.assertEqual(other.wait_for("error")["code"], "version")
        self.assertTrue(other.closed(2))
        other.close()

    def test_what_is_no_protocol_ends_the_link_and_nothing_else(self):
        long = struct.pack("!I", 98305)
        wrong = b'{"type":"room_close","room":"one"}'
        cases = {
            "garbage": b"\0\0\0\5hello",
            "a frame too long": long + bytes(100),
            "cut by the end": b"\0\0\1\0{",
            "an array": b"\0\0\0\2[]",
            "deep": struct.pack("!I", 20000) + b"[" * 20000,
            "a wrong field": struct.pack("!I", len(wrong)) + wrong,
            "nothing": b"\0\0\0\0",
        }
        for why, data in cases.items():
            with self.subTest(why):
                link = self.relay.connect()
                link.wait_for("sync_end")
                link.socket.sendall(data)
                if why == "cut by the end":
                    link.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(link.closed(3))
                link.close()
        link = self.relay.connect()
        self.assertEqual(link.wait_for("sync_end")["type"], "sync_end")
        link.close()

    def test_a_silent_signaling_is_given_up_after_four_seconds(self):
        self.link.wait_for("sync_end")
        started = time.monotonic()
        self.link.socket.settimeout(8)
        while self.link.socket.recv(65536):  # nothing is answered
            pass
        self.assertGreater(time.monotonic() - started, 3)
        self.assertLess(time.monotonic() - started, 7)

    def test_hundreds_of_participants_come_and_go(self):
        self.settle()
        for number in range(100, 400):
            self.link.next_id += 1
            self.link.send("participant_add", id=self.link.next_id, **participant(number, room=50 + number % 7))
            self.link.send("grant", participant=number, slot="mic", open=True, reserved=False)
        added = [self.link.wait_for("participant_added", 20) for _ in range(300)]
        self.assertEqual(len({a["ice"]["ufrag"] for a in added}), 300)
        self.assertEqual([a["to"] for a in added], sorted(a["to"] for a in added))
        for room in range(50, 57):
            self.assertEqual(self.link.ask("room_close", room=room)["type"], "ok")
        self.link.wait_for("relay_stats", 6)
        self.assertEqual(sum(s["participants"] for s in self.link.wait_for("relay_stats", 6)["shards"]), 0)


class Start(unittest.TestCase):
    def run_relay(self, *arguments):
        done = subprocess.run([program(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_help_and_version(self):
        code, out, _ = self.run_relay("--help")
        self.assertEqual(code, 0)
        for option in ("--bind", "--media-port", "--shards", "--advertise", "--lan", "--control-socket", "--capacity", "--log-level", "--config"):
            self.assertIn(option, out)
        code, out, _ = self.run_relay("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^amphi-relay \d+\.\d+\.\d+\n$")

    def test_bad_settings_are_one_sentence_and_exit_2(self):
        with tempfile.TemporaryDirectory(prefix="amphi-test-") as folder:
            path = os.path.join(folder, "relay.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("bind: 127.0.0.1\n\nmedia-prt: 40000\n")
            cases = [
                (("--colour",), "unknown option '--colour'"),
                (("--media-port", "99999"), "--media-port: expected a whole number"),
                (("--bind", "localhorst"), "bind: expected an IP address, got 'localhorst'"),
                (("--bind", "127.0.0.1,127.0.0.2"), "one IPv4 and one IPv6 address"),
                (("--bind", "0.0.0.0"), "advertise: expected the address under which"),
                (("--bind", "192.168.1.1"), "advertise: expected the address under which"),
                (("--advertise", "0.0.0.0"), "advertise: expected an IP address that participants can reach"),
                (("--advertise", "2001:db8::1"), "a family that is bound"),
                (("--log-level", "loud"), "log-level: expected error, warn"),
                (("--config", path), f"{path}:3: media-prt: expected a key of --help"),
                (("--config", path + "x"), "expected a file that can be read"),
            ]
            for arguments, sentence in cases:
                with self.subTest(" ".join(arguments)):
                    code, _, err = self.run_relay(*arguments)
                    self.assertEqual(code, 2)
                    self.assertIn(sentence, err)

    def test_a_second_relay_on_the_same_port_or_socket_is_told_so(self):
        relay = Relay()
        code, _, err = self.run_relay("--bind", "127.0.0.1", "--media-port", str(relay.port + 1), "--shards", "1",
                                      "--control-socket", relay.path + "2")
        self.assertEqual(code, 1)
        self.assertIn(f"UDP port {relay.port + 1} of 127.0.0.1 is in use", err)
        other = free_port(socket.SOCK_DGRAM)
        code, _, err = self.run_relay("--media-port", str(other), "--shards", "1", "--control-socket", relay.path)
        self.assertEqual(code, 1)
        self.assertIn(f"{relay.path} is in use", err)
        link = relay.connect()
        self.assertEqual(link.wait_for("sync_end")["type"], "sync_end")
        link.close()
        self.assertEqual(relay.stop()[0], 0)

    def test_a_killed_relay_leaves_no_socket_in_the_way(self):
        relay = Relay(shards=1)
        relay.process.kill()
        relay.process.wait()
        self.assertTrue(os.path.exists(relay.path))
        again = subprocess.Popen([program(), "--media-port", str(relay.port), "--shards", "1", "--control-socket", relay.path],
                                 stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                link = Link(relay.path)
                break
            except OSError:
                time.sleep(0.1)
        link.hello()
        self.assertEqual(link.relay["version"], 1)
        link.close()
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(timeout=10), 0)
        relay.stop()

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6 loopback")
    def test_ipv4_and_ipv6_at_the_same_time(self):
        relay = Relay(bind="127.0.0.1,::1", shards=1)
        link = relay.connect()
        answer = link.ask("participant_add", **participant(1))
        self.assertEqual([(c["address"], c["port"]) for c in answer["candidates"] if not c["tcp"]],
                         [("127.0.0.1", relay.port), ("::1", relay.port)])
        self.assertGreater(answer["candidates"][0]["priority"], answer["candidates"][1]["priority"])
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(bytes(100), (address, relay.port))
        link.wait_for("relay_stats", 6)
        stats = link.wait_for("relay_stats", 6)
        self.assertEqual(stats["shards"][0]["packets_in"], 2)
        link.close()
        self.assertEqual(relay.stop()[0], 0)

    def candidates(self, *arguments, bind):
        relay = Relay(*arguments, shards=1, bind=bind)
        link = relay.connect()
        answer = link.ask("participant_add", **participant(1))
        link.close()
        self.assertEqual(relay.stop()[0], 0)
        offered = {tcp: [(c["address"], c["port"]) for c in answer["candidates"] if c["tcp"] == tcp] for tcp in (False, True)}
        self.assertEqual(offered[True], [] if "--media-tcp=false" in arguments else offered[False])
        return [c["address"] for c in answer["candidates"] if not c["tcp"]]

    def test_participants_are_told_the_advertised_addresses_only(self):
        self.assertEqual(self.candidates("--advertise", "203.0.113.9", bind="0.0.0.0"), ["203.0.113.9"])
        self.assertEqual(self.candidates("--advertise", "203.0.113.9,198.51.100.7", bind="127.0.0.1"),
                         ["203.0.113.9", "198.51.100.7"])
        self.assertEqual(self.candidates("--advertise", "203.0.113.9", "--media-tcp=false", bind="0.0.0.0"), ["203.0.113.9"])
        told = self.candidates("--lan", bind="0.0.0.0")
        self.assertTrue(told)
        self.assertFalse({"0.0.0.0", "::"} & set(told))

    def test_the_watchdog_hears_of_every_second(self):
        relay = Relay(shards=1, environment={"WATCHDOG_USEC": "10000000"})
        heard = [relay.notify.recv(256) for _ in range(3)]
        self.assertEqual(heard, [b"WATCHDOG=1"] * 3)
        relay.notify.settimeout(0.01)
        self.assertEqual(relay.stop()[0], 0)

    def test_sigterm_under_load_is_orderly(self):
        relay = Relay()
        link = relay.connect()
        for number in range(1, 200):
            link.send("participant_add", id=number, **participant(number))
        relay.process.send_signal(signal.SIGTERM)
        code, log = relay.stop()
        self.assertEqual(code, 0, log)
        self.assertNotIn("Sanitizer", log)
        self.assertFalse(relay.left_socket)
        link.close()


if __name__ == "__main__":
    unittest.main()
