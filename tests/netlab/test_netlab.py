"""The laboratory measures itself: what a line does to packets is what it was told."""

import argparse
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netlab  # noqa: E402

WHY_NOT = netlab.why_not()

# Sends numbered UDP packets, or counts them until silence; JSON on standard output.
RECEIVE = """
import json, socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind((sys.argv[1], 9000))
print("ready", flush=True)
s.settimeout(10)
got, size, at, delays = [], 0, [], []
try:
    while True:
        data, _ = s.recvfrom(2000)
        now = time.monotonic()
        number, sent = data[:40].split(b" ")[:2]
        got.append(int(number)); delays.append(now - float(sent)); at.append(now); size += len(data) + 28
        s.settimeout(1.5)
except TimeoutError:
    pass
delays.sort()
print(json.dumps({"count": len(got), "distinct": len(set(got)), "bits_per_s": size * 8 / max(1e-9, at[-1] - at[0]),
                  "sorted": got == sorted(got), "p50": delays[len(delays) // 2], "max": delays[-1], "min": delays[0]}))
"""
SEND = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
count, size, gap = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
start = time.monotonic()
for i in range(count):
    while (left := start + i * gap - time.monotonic()) > 0:
        time.sleep(left)
    s.sendto(f"{i} {time.monotonic():.6f} ".encode().ljust(size, b"."), (sys.argv[1], 9000))
"""


@unittest.skipIf(WHY_NOT, WHY_NOT or "")
class Laboratory(unittest.TestCase):
    def lab(self):
        lab = netlab.Lab()
        self.addCleanup(lab.close)
        return lab.__enter__()

    def measure(self, lab, address, count, size, gap, script=()):
        receiver = lab.start("far", ["/usr/bin/python3", "-c", RECEIVE, address], stdout=subprocess.PIPE)
        self.assertEqual(receiver.stdout.readline(), b"ready\n")
        for text in script:
            lab.lines[0].change(text)
        lab.run("near", ["/usr/bin/python3", "-c", SEND, address, str(count), str(size), str(gap)])
        with receiver.stdout:
            return json.loads(receiver.stdout.read())

    def test_both_address_families_get_through_at_the_round_trip_set(self):
        lab = self.lab()
        line = lab.join("near", "far", settings=["delay 30ms"])
        for address in (line.near_ipv4, line.near_ipv6):
            ping = lab.run("far", ["/usr/bin/python3", "-c", PING, address], stdout=subprocess.PIPE)
            median = float(ping.stdout)
            self.assertTrue(60 <= median <= 70, f"{address}: {median} ms")

    def test_every_address_is_there_at_once(self):
        """To a browser one that comes later is a change of the network: it drops what it loads."""
        lab = self.lab()
        lab.join("near", "far")
        netlab.run_ip("-n", lab.namespace("far"), "link", "add", "veth0", "up", "type", "veth", "peer", "name", "veth1")
        netlab.run_ip("-n", lab.namespace("far"), "link", "set", "veth1", "up")
        for which, count in (("scope link", 3), ("tentative", 0)):
            shown = lab.run("far", ["ip", "-6", "-o", "addr", "show", *which.split()], stdout=subprocess.PIPE)
            self.assertEqual(len(shown.stdout.splitlines()), count, shown.stdout)

    def test_losses_and_duplicates_come_at_the_share_set_and_only_in_their_direction(self):
        lab = self.lab()
        line = lab.join("near", "far", seed=5, settings=["down loss 5% duplicate 2%"])
        got = self.measure(lab, line.far_ipv6, 2000, 200, 0.001)
        self.assertTrue(0.035 <= 1 - got["distinct"] / 2000 <= 0.065, got)
        self.assertTrue(15 <= got["count"] - got["distinct"] <= 65, got)
        self.assertTrue(got["sorted"], got)
        self.assertEqual(line.stats()["up"]["lost"], 0)

    def test_a_rate_and_its_queue_hold_and_change_by_script(self):
        lab = self.lab()
        line = lab.join("near", "far", settings=["delay 10ms rate 1M queue 200ms"])
        got = self.measure(lab, line.far_ipv4, 500, 972, 0.004)  # 2 Mbit/s for 2 s
        self.assertTrue(0.95e6 <= got["bits_per_s"] <= 1.05e6, got)
        self.assertTrue(0.195 <= got["max"] <= 0.24, got)
        self.assertGreater(line.stats()["down"]["queue_dropped"], 100)
        got = self.measure(lab, line.far_ipv4, 500, 972, 0.004, ["at 1 down rate 4M"])
        # 1 s at 1 Mbit/s, then all that is offered.
        self.assertTrue(350 <= got["count"] <= 410, got)

    def test_jitter_spreads_delays_around_their_mean(self):
        lab = self.lab()
        line = lab.join("near", "far", settings=["delay 50ms jitter 40ms"])
        got = self.measure(lab, line.far_ipv4, 200, 100, 0.02)
        self.assertTrue(got["min"] < 0.03 and 0.08 < got["max"] < 0.115 and got["sorted"], got)

    def test_a_line_without_sense_is_refused(self):
        lab = self.lab()
        line = lab.join("near", "far")
        for text in ("speed 3M", "loss 200%", "x" * 3000):
            with self.assertRaises(ValueError):
                line.change(text)

    def test_nothing_is_left_behind(self):
        with netlab.Lab() as lab:
            lab.join("near", "far")
            name, process = lab.namespace("near"), lab.processes[0]
            self.assertTrue(os.path.exists(f"/run/netns/{name}"))
        self.assertFalse(os.path.exists(f"/run/netns/{name}"))
        self.assertIsNotNone(process.poll())

    def test_what_a_killed_process_left_is_cleared_by_the_next(self):
        script = ("import os, signal, sys; sys.path.insert(0, sys.argv[1]); import netlab\n"
                  "lab = netlab.Lab(); lab.join('near', 'far'); print(lab.namespace('far'), flush=True)\n"
                  "os.kill(os.getpid(), signal.SIGKILL)")
        died = subprocess.run(["/usr/bin/python3", "-c", script, os.path.dirname(netlab.__file__)],
                              stdout=subprocess.PIPE, check=False)
        name = died.stdout.decode().strip()
        self.assertTrue(name)
        time.sleep(0.2)
        with netlab.Lab():
            self.assertFalse(os.path.exists(f"/run/netns/{name}"))


# Debian's ping is not everywhere: a UDP packet to a closed port comes back as a refusal.
PING = """
import socket, statistics, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
times = []
for i in range(3): # the kernel answers few such packets a second
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((sys.argv[1], 9999))
    start = time.monotonic()
    try:
        s.send(b"x"); s.recv(1)
    except ConnectionRefusedError:
        times.append((time.monotonic() - start) * 1000)
    time.sleep(0.02)
print(statistics.median(times))
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")  # the other parts' runner gives it; the laboratory finds its own
    _, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
