"""A relay of which only the control link is there, in a process of its own: it takes everybody whom signaling adds, says that
they are connected, and from `start` on says of all of them what a real one says at most (docs/control-protocol.md): in each
250 ms one full `delivery` of each shard, and every 2 s the statistics. Standard library only."""

import json
import multiprocessing
import os
import selectors
import socket
import struct
import time

SHARDS = 8
DELIVERIES_MAX = 64  # CONTROL_DELIVERIES_MAX, and as many in one room_stats
DELIVERY_INTERVAL_S, STATS_INTERVAL_S = 0.25, 2
FINGERPRINT = ":".join(["AB"] * 32)


class FakeRelay:
    def __init__(self, path):
        self.path = path
        self.orders, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_serve, args=(path, theirs), daemon=True)
        self.process.start()
        assert self.orders.poll(10) and self.orders.recv() == "ready"

    def start(self):
        self.orders.send("start")

    def stop(self):
        """How much it has said: {"participants", "deliveries", "stats"}; {} when it has died."""
        try:
            self.orders.send("stop")
            said = self.orders.recv() if self.orders.poll(10) else {}
        except (EOFError, OSError):
            said = {}
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
        return said


class _Link:
    def __init__(self, connection):
        self.connection = connection
        self.waiting = b""
        self.participants = {}  # number: {"room", "session"}
        self.turn = 0
        self.said = {"participants": 0, "deliveries": 0, "stats": 0}
        self.send("hello", version=1, name="fake-relay", boot_id="0123456789abcdef0123456789abcdef", shards=SHARDS, media_port_base=40000,
                  capacity=20000)
        self.send("sync_end")

    def send(self, kind, **fields):
        text = json.dumps(dict(fields, type=kind), separators=(",", ":")).encode()
        self.connection.sendall(struct.pack("!I", len(text)) + text)

    def read(self):
        data = self.connection.recv(1 << 20)
        self.waiting += data
        while len(self.waiting) >= 4:
            size = struct.unpack("!I", self.waiting[:4])[0]
            if len(self.waiting) < 4 + size:
                break
            message = json.loads(self.waiting[4:4 + size])
            self.waiting = self.waiting[4 + size:]
            self.handle(message)
        return bool(data)

    def handle(self, message):
        kind = message["type"]
        if kind == "ping":
            self.send("pong")
        elif kind == "participant_add":
            self.add(message)
        elif kind == "participant_remove":
            self.participants.pop(message["participant"], None)
        elif kind == "bind":
            self.send("slot_bound", room=message["room"], slot=message["slot"], participant=message["participant"])

    def add(self, message):
        number, session = message["participant"], message["session"]
        self.participants[number] = {"room": message["room"], "session": session}
        self.said["participants"] = len(self.participants)
        self.send("participant_added", to=message["id"], shard=number % SHARDS, ice={"ufrag": "abcd", "pwd": "p" * 24}, fingerprint=FINGERPRINT,
                  candidates=[{"address": "127.0.0.1", "port": 40000, "tcp": tcp, "priority": 1} for tcp in (False, True)])
        self.send("participant_state", participant=number, session=session, state="connected", reason="")

    def measured(self, number, session):
        """One in ten is always in some trouble, and each time it is somebody else's turn."""
        trouble = (number + self.turn) % 40
        return {"participant": number, "session": session, "hears": "poorly" if trouble == 1 else "no" if trouble == 2 else "yes", "reached": True,
                "voice_loss_permille": (number * 7 + self.turn) % 200, "voice_delay_ms": 20 + (number + self.turn) % 90,
                "screen_behind_ms": 1500 + self.turn % 9 * 1000 if trouble == 3 else 0, "estimate_bps": 300000 + (number * 131 + self.turn * 977) % 900000,
                "narrow": trouble == 4, "encoding": trouble % 2, "temporal_max": 255}

    def say_deliveries(self):
        self.turn += 1
        for shard in range(SHARDS):
            own = [number for number in sorted(self.participants) if number % SHARDS == shard]
            start = self.turn * DELIVERIES_MAX % len(own) if len(own) > DELIVERIES_MAX else 0
            part = (own + own)[start:start + min(DELIVERIES_MAX, len(own))]
            if part:
                self.send("delivery", participants=[self.measured(number, self.participants[number]["session"]) for number in part])
                self.said["deliveries"] += len(part)

    def say_stats(self):
        shard = dict.fromkeys(("participants", "publications", "packets_in", "packets_out", "bytes_in", "bytes_out", "drops", "cpu_permille", "loop_p50_us",
                               "loop_p99_us"), 1)
        self.send("relay_stats", interval_ms=2000, room_count=1, shards=[shard] * SHARDS, drops=[], machine_cpu_permille=500, machine_cores=2,
                  memory_total_bytes=8 << 30, memory_available_bytes=4 << 30, relay_memory_bytes=1 << 28)
        everybody = sorted(self.participants.items())
        for start in range(0, len(everybody), DELIVERIES_MAX):
            part = everybody[start:start + DELIVERIES_MAX]
            self.send("room_stats", room=part[0][1]["room"], more=start + DELIVERIES_MAX < len(everybody), participants=[
                dict(self.measured(number, p["session"]), bps_in=0, bps_out=400000 + number, loss_in_permille=0, loss_out_permille=number % 30, rtt_us=40000 + number,
                     tcp=number % 9 == 0, state="connected") for number, p in part])
            self.said["stats"] += len(part)


def _serve(path, orders):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        os.chmod(path, 0o600)
        listening.listen(1)
        orders.send("ready")
        connection = listening.accept()[0]
    with connection, selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(orders, selectors.EVENT_READ)
        _speak(_Link(connection), orders, selector)


def _speak(link, orders, selector):
    """Until it is told to stop, or signaling closes: it has ended, or what we said was no protocol."""
    now, busy = time.monotonic(), False
    due = {"ping": now, "delivery": now, "stats": now}
    said = {"ping": (1, lambda: link.send("ping")), "delivery": (DELIVERY_INTERVAL_S, link.say_deliveries), "stats": (STATS_INTERVAL_S, link.say_stats)}
    while True:
        for key, _ in selector.select(max(0, min(due.values()) - time.monotonic())):
            if key.fileobj is not orders:
                if not link.read():
                    return
            elif orders.recv() == "start":
                busy = True
            else:
                orders.send(link.said)
                return
        for what, (interval, say) in said.items():
            if time.monotonic() >= due[what]:
                due[what] += interval
                if busy or what == "ping":
                    say()
