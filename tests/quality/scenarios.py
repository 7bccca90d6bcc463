"""The lines a learner may sit behind, one row each, and what may happen on them (docs/quality.md)."""

from dataclasses import dataclass, field


@dataclass
class Scenario:
    name: str
    title: str
    line: list  # settings of the emulated line before the join
    script: list = field(default_factory=list)  # changes, counted from the start of the measurement
    behind: str = "learner"
    seconds: int = 60
    others: int = 0  # learners without a browser, on the relay's side of the line
    wait_before_join_ms: int = 1500
    # At most: concealed (share), readable (ms, median), age of the picture (ms, median), voice and screen
    # after the click (ms), never (slides that nobody could read), stall (ms), jitter_buffer_ms (how long the player keeps voice).
    targets: dict = field(default_factory=dict)


def loss_row(share, concealed, readable, **more):
    return dict(line=[f"delay 30ms rate 20M loss {share}"], targets=dict(concealed=concealed, readable=readable, **more))


SCENARIOS = [
    Scenario("clean", "clean: RTT 20 ms, 20 Mbit/s", ["delay 10ms rate 20M"],
             targets=dict(concealed=0.001, readable=175, age=95, never=0, jitter_buffer_ms=100)),
    Scenario("loss5", "5 % random loss, RTT 60 ms", **loss_row("5%", 0.003, 230)),
    Scenario("loss10", "10 % random loss, RTT 60 ms", **loss_row("10%", 0.01, 390, stall=1000)),
    Scenario("bursts", "bursts (average 5 %, mean length 4), RTT 60 ms",
             ["delay 30ms rate 20M burst-loss 5% burst-length 4"], targets=dict(concealed=0.015, readable=300)),
    Scenario("jitter", "RTT 100 ms, jitter ±40 ms", ["delay 50ms rate 20M", "down jitter 40ms"],
             targets=dict(concealed=0.001, readable=350)),
    Scenario("rate1M", "1 Mbit/s, 200 ms queue", ["delay 20ms", "down rate 1M queue 200ms"],
             targets=dict(concealed=0.003, readable=700, never=0)),
    Scenario("rate300k", "300 kbit/s, 300 ms queue", ["delay 20ms", "down rate 300k queue 300ms"],
             targets=dict(concealed=0.003, readable=1200, never=0)),
    Scenario("dip", "3 Mbit/s → 400 kbit/s for 30 s → 3", ["delay 20ms", "down rate 3M queue 200ms"],
             script=["at 15 down rate 400k", "at 45 down rate 3M"], targets=dict(concealed=0.005, readable=1200, never=0)),
    Scenario("join", "joins (clean line), 2 s into the class", ["delay 10ms rate 20M"], seconds=10,
             targets=dict(voice=300, screen=500)),
    Scenario("late_join", "joins (clean line), 30 s into the class", ["delay 10ms rate 20M"], seconds=10,
             wait_before_join_ms=30000, targets=dict(voice=300, screen=500, join_requests=0)),
    Scenario("uplink", "trainer's uplink 800 kbit/s", ["delay 20ms", "up rate 800k queue 200ms"], behind="trainer",
             targets=dict(concealed=0.003, readable=500)),
    Scenario("rate100k", "100 kbit/s, 400 ms queue", ["delay 20ms", "down rate 100k queue 400ms"],
             targets=dict(concealed=0.01, readable=5000)),
    Scenario("among_ten", "300 kbit/s, among ten clean ones", ["delay 20ms", "down rate 300k queue 300ms"], others=10,
             targets=dict(key_requests=6)),
    # Lines beside those of the design.
    Scenario("uplink300k", "trainer's uplink 300 kbit/s", ["delay 20ms", "up rate 300k queue 300ms"], behind="trainer",
             targets=dict(concealed=0.003, readable=1200, never=0)),
    Scenario("uplink_loss5", "trainer's uplink loses 5 %, RTT 60 ms", ["delay 30ms rate 20M", "up loss 5%"], behind="trainer",
             targets=dict(concealed=0.01, readable=1000, never=0)),
    # A player's own measure bears one packet in twenty that comes late, and waits for none of them below that.
    Scenario("uplink_loss3", "trainer's uplink loses 3 %, RTT 60 ms", ["delay 30ms rate 20M", "up loss 3%"], behind="trainer",
             targets=dict(concealed=0.01, readable=1000, never=0)),
    Scenario("rtt300", "RTT 300 ms, 20 Mbit/s", ["delay 150ms rate 20M"],
             targets=dict(concealed=0.001, readable=350, never=0)),
    Scenario("loss20", "20 % random loss, RTT 60 ms", **loss_row("20%", 0.02, 800, never=0)),
    Scenario("steps", "2 Mbit/s → 1 → 500 kbit/s → 2, each 15 s", ["delay 20ms", "down rate 2M queue 200ms"],
             script=["at 15 down rate 1M", "at 30 down rate 500k", "at 45 down rate 2M"],
             targets=dict(concealed=0.005, readable=700, never=0)),
    Scenario("back64k", "learner's uplink 64 kbit/s", ["delay 20ms", "down rate 20M", "up rate 64k queue 300ms"],
             targets=dict(concealed=0.003, readable=350, never=0)),
    Scenario("back_loss10", "learner's uplink loses 10 %, downlink 2 %", ["delay 30ms rate 20M", "up loss 10%", "down loss 2%"],
             targets=dict(concealed=0.003, readable=350, never=0)),
    Scenario("stop5", "nothing for 5 s (20 Mbit/s, RTT 40 ms)", ["delay 20ms rate 20M"],
             script=["at 10 loss 100%", "at 15 loss 0%"],
             # The 5 s are 8.3 % of a minute's voice, and may be a slide's whole time.
             targets=dict(concealed=0.1, readable=350, never=1, stall=6000)),
]
