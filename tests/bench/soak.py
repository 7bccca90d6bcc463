"""A long class: learners stay, others come and go all the time, and the relay's memory is looked at every ten seconds.

Called by ./bench --soak SECONDS; prints one JSON object and writes soak.json."""

import argparse
import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import run_bench  # noqa: E402
import servers  # noqa: E402

WARM_UP_S = 60  # caches fill, the allocator finds its size
EVERY_S = 10


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def command(build, server, class_id, learners, seconds, kbps):
    invite = server.stack.invite
    return [os.path.join(build, "bin", "bench-load"), "--server", "amphi", "--url", server.url, "--bind", run_bench.ADDRESS, "--class", class_id,
            "--trainer-token", invite(class_id, "trainer", "T")["token"], "--learner-token", invite(class_id, "learner", "L")["token"],
            "--pid", str(server.pids[0]), "--learners", str(learners), "--window", str(seconds), "--settle", "1", "--video-kbps", str(kbps), "--nack"]


def come_and_go(build, server, over, counts):
    """Classes of eight that begin, last three seconds and end."""
    while not over.is_set():
        class_id = server.stack.new_class("Va-et-vient")
        done = subprocess.run(command(build, server, class_id, 8, 3, 500), capture_output=True, text=True, timeout=120, check=False)
        counts["classes"] += 1
        if done.returncode == 0:
            result = json.loads(done.stdout)
            counts["joined"] += int(result["connected"])
            counts["missing"] += int(result["missing"])
        else:
            counts["failed"] += 1
        server.stack.api("DELETE", f"/classes/{class_id}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--out")
    parser.add_argument("--soak", type=int, required=True)
    parser.add_argument("--learners", type=int, default=50)
    parser.add_argument("--video-kbps", type=int, default=1000)
    given = parser.parse_args()
    run_bench.make_network("lo")
    server = servers.Amphi(given.build, run_bench.ADDRESS, run_bench.SERVER_CORE)
    over, samples, counts = threading.Event(), [], {"classes": 0, "joined": 0, "missing": 0, "failed": 0}
    try:
        stays = subprocess.Popen(command(given.build, server, server.stack.new_class("Longue"), given.learners, given.soak, given.video_kbps),
                                 stdout=subprocess.PIPE, text=True)
        visitors = threading.Thread(target=come_and_go, args=(given.build, server, over, counts))
        visitors.start()
        began = time.monotonic()
        while stays.poll() is None:
            samples.append({"s": round(time.monotonic() - began), "relay_kb": resident_kb(server.pids[0]),
                            "signaling_kb": resident_kb(server.pids[1])})
            try:
                stays.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                pass
        result = json.loads(stays.stdout.read())
        over.set()
        visitors.join()
    finally:
        over.set()
        server.stop()
    settled = [s for s in samples if s["s"] >= WARM_UP_S] or samples[-1:]
    out = {"seconds": given.soak, "learners": given.learners, "connected": result["connected"], "missing": result["missing"],
           "cpu_percent": result["cpu_percent"], "visitors": counts, "relay_kb": [settled[0]["relay_kb"], settled[-1]["relay_kb"]],
           "relay_kb_most": max(s["relay_kb"] for s in settled),
           "signaling_kb": [settled[0]["signaling_kb"], settled[-1]["signaling_kb"]], "samples": samples}
    with open(os.path.join(given.out or given.build, "soak.json"), "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
    print(json.dumps({key: value for key, value in out.items() if key != "samples"}, indent=1))


if __name__ == "__main__":
    main()
