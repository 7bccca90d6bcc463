"""Runs the benchmark: each server in turn under the same load; called by ./bench in a network of its own.

Writes bench.json, bench.md and bench.svg to the build folder."""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import report  # noqa: E402
import servers  # noqa: E402

ADDRESS, LEARNER_ADDRESS = "10.99.0.1", "10.99.0.2"
SERVER_CORE, LOAD_CORE = 0, 1
PEERS = ("amphi", "janus", "janus-threads", "floor")
SATURATED_CPU_PERCENT = 97
SATURATED_DELIVERED_PERCENT = 99


def options():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--out")  # where results go; --build by default
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--learners", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--peers", type=lambda text: text.split(","), default=["amphi", "janus", "floor"])
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--window", type=int)
    parser.add_argument("--rush", type=int, default=0)
    parser.add_argument("--nack", action="store_true")
    parser.add_argument("--no-gro", action="store_true")
    parser.add_argument("--device", choices=("lo", "ifb"), default="lo")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--classes", type=int, default=1)
    parser.add_argument("--load", type=str.split, default=[])  # more options of bench-load
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--continue", dest="goes_on", action="store_true")
    given = parser.parse_args()
    for peer in given.peers:
        if peer not in PEERS:
            parser.error(f"--peers: expected some of {', '.join(PEERS)}, got '{peer}'")
    given.learners = given.learners or ([1, 100, 300] if given.quick else [1, 10, 100, 300, 1000])
    given.out = given.out or given.build
    given.repeat = given.repeat or (1 if given.quick else 3)
    given.window = given.window or (5 if given.quick else 10)
    return given


TO_IFB = f"ip addr del {LEARNER_ADDRESS}/32 dev bench0 && ip route replace {LEARNER_ADDRESS}/32 dev ifb0"
FROM_IFB = f"ip route del {LEARNER_ADDRESS}/32 dev ifb0; ip addr replace {LEARNER_ADDRESS}/32 dev bench0"


def make_network(device):
    """An address on an interface that is no loopback one; its packets go over lo all the same. With ifb the learners' address is
    moved, once they have joined, to a device that takes packets as a network card does, cuts up what it is given (it has no
    segmentation of its own) and throws them away: sending alone, without the receivers' half that lo bills to the sender."""
    commands = ["ip link set lo up", "ip link add bench0 type veth peer name bench1", f"ip addr add {ADDRESS}/24 dev bench0",
                "ip link set bench0 up", "ip link set bench1 up"]
    if device == "ifb":
        commands += ["ip link add ifb0 type ifb", "ip link set ifb0 up",
                     f"ip neigh add {LEARNER_ADDRESS} lladdr 02:00:00:00:00:02 nud permanent dev ifb0",
                     "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.lo.rp_filter=0",
                     "ethtool -K ifb0 tx-udp-segmentation off"]
    for command in commands:
        subprocess.run(command.split(), check=True)


def run_floor(given, learners):
    if given.device == "ifb":
        subprocess.run(FROM_IFB, shell=True, check=True, stderr=subprocess.DEVNULL)
    command = ["taskset", "-c", str(SERVER_CORE), os.path.join(given.build, "bin", "bench-floor"),
               LEARNER_ADDRESS if given.device == "ifb" else ADDRESS, str(learners), str(given.window), str(LOAD_CORE)]
    command += [TO_IFB] if given.device == "ifb" else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=given.window + 60).stdout)


def start(given, peer):
    if peer == "amphi":
        return servers.Amphi(given.build, ADDRESS, SERVER_CORE, given.shards)
    return servers.Janus(ADDRESS, SERVER_CORE, event_loops=1 if peer == "janus" else 0)


def load(given, peer, server, learners):
    """One class, under way."""
    command = ["taskset", "-c", str(LOAD_CORE), os.path.join(given.build, "bin", "bench-load"), "--url", server.url, "--bind",
               ADDRESS, "--learners", learners, "--window", given.window, "--pid", ",".join(map(str, server.pids)),
               "--join-seconds", 30, *server.load_options(), *given.load]
    command += ["--nack"] if given.nack else []
    command += ["--gro=false"] if given.no_gro else []
    command += ["--learner-bind", LEARNER_ADDRESS, "--once-joined", TO_IFB] if given.device == "ifb" else []
    command += ["--rush", given.rush] if given.rush and peer == "amphi" else []
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def merge(results):
    """Of classes in parallel: each saw the whole server's CPU time, and its own packets."""
    merged = median_of(results)
    for name in ("learners", "connected", "packets", "packets_s", "mbit_s", "missing", "joins_per_second"):
        merged[name] = sum(result[name] for result in results)
    for name in ("cpu_us_per_packet", "user_us_per_packet", "system_us_per_packet"):
        merged[name] = statistics.mean(result[name] * result["packets"] for result in results) / merged["packets"]
    merged["generator"]["cpu_percent"] = sum(result["generator"]["cpu_percent"] for result in results)
    for name in ("resident_kb_per_learner", "join_cpu_ms_with_media"):
        merged[name] /= len(results)
    return merged


def run_server(given, peer, learners):
    if given.device == "ifb":
        subprocess.run(FROM_IFB, shell=True, check=True, stderr=subprocess.DEVNULL)
    server = start(given, peer)
    loads = []
    try:
        if peer == "amphi":
            server.watch()
        classes = given.classes if peer == "amphi" else 1
        loads = [load(given, peer, server, learners // classes) for _ in range(classes)]
        results, said = [], ""
        for process in loads:
            out, complaints = process.communicate(timeout=given.window + 180)
            said += complaints.strip()[-500:]
            if process.returncode != 0:
                return {"failed": said or f"exit code {process.returncode}"}
            results.append(json.loads(out))
        result = results[0] if classes == 1 else merge(results)
        if peer == "amphi":
            add_own_figures(server, result)
        if said:
            result["said"] = said
        return result
    finally:
        for process in loads:
            if process.poll() is None:
                process.kill()
                process.wait()
        server.stop()


def add_own_figures(server, result):
    """What the relay says of itself."""
    for part in [result] + ([result["rush"]] if "rush" in result else []):
        began, ended = part["began_unix_ms"] / 1000, part["ended_unix_ms"] / 1000
        part["relay_delay_ms"] = server.relay_delays(began, ended)
        part["relay_drops"] = {name: value for name, value in server.between(began, ended).items()
                               if name.startswith("amphi_drops_total") and value > 0}


def run_once(given, peer, learners):
    try:
        result = run_floor(given, learners) if peer == "floor" else run_server(given, peer, learners)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        result = {"failed": str(error)[-500:]}
    result["peer"] = peer
    if given.device != "lo" and "packets" in result:
        result["delivered_percent"] = 100  # to the device; nobody receives
    if "failed" in result:
        print(f"  {peer:14} {learners:5} learners: {result['failed']}", flush=True)
    else:
        print(f"  {peer:14} {learners:5} learners: {result['cpu_us_per_packet']:7.2f} us/packet, {result['cpu_percent']:5.1f} % of the core, "
              f"{result['delivered_percent']:6.2f} % delivered", flush=True)
    return result


def median_of(values):
    """The median of numbers, and of the members of objects one by one; of anything else the first."""
    first = values[0]
    if isinstance(first, dict):
        return {key: median_of([v[key] for v in values if v.get(key) is not None]) for key in first if first[key] is not None}
    if isinstance(first, list):
        return [median_of(list(row)) for row in zip(*values)]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return statistics.median(values)
    return first


def summarise(runs):
    good = [run for run in runs if "failed" not in run]
    if not good:
        return {"peer": runs[0]["peer"], "failed": runs[0]["failed"], "saturated": True}
    summary = median_of(good)
    costs = [run["cpu_us_per_packet"] for run in good]
    summary["cpu_us_per_packet_range"] = [min(costs), max(costs)]
    summary["runs"] = len(good)
    summary["saturated"] = summary["cpu_percent"] >= SATURATED_CPU_PERCENT or summary["delivered_percent"] < SATURATED_DELIVERED_PERCENT \
        or summary["connected"] < summary["learners"]
    return summary


def run_all(given, save):
    """Each size is saved as soon as it is done: what was measured stays when a later one is broken off."""
    cases, raw, over = [], [], set()
    ends = time.monotonic() + given.minutes * 60
    for learners in given.learners:
        runs = {peer: [] for peer in given.peers}
        for _ in range(given.repeat):
            for peer in given.peers:  # in turn, so that the machine's moods meet all alike
                if peer not in over and time.monotonic() < ends:
                    runs[peer].append(run_once(given, peer, learners))
        for peer in given.peers:
            if peer in over:
                cases.append({"peer": peer, "learners": learners, "skipped": "more than it carried before"})
                continue
            if not runs[peer]:
                continue
            raw += runs[peer]
            case = summarise(runs[peer])
            case.update(learners=learners, device=given.device, shards=given.shards, classes=given.classes, load=" ".join(given.load))
            cases.append(case)
            if case["saturated"]:
                over.add(peer)
        save(cases, raw)


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0], "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def commit():
    done = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def take_precedence():
    """Before other work on this machine, where we may: a session of our own with more weight."""
    try:
        os.setsid()
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write("-12")
    except OSError:
        pass


def main():
    given = options()
    if (os.cpu_count() or 1) < 2:
        sys.exit("The benchmark needs two cores: one for the server, one for the load.")
    make_network(given.device)
    take_precedence()
    about = {"machine": machine(), "commit": commit(), "repeat": given.repeat, "window_s": given.window, "nack": given.nack,
             "gro": not given.no_gro, "janus": "Debian's package, VideoRoom, event_loops = 1 (janus) or a thread each (janus-threads)"}
    before, earlier = {"cases": [], "runs": []}, os.path.join(given.out, "bench.json")
    if given.goes_on and os.path.exists(earlier):
        with open(earlier, encoding="utf-8") as file:
            before = json.load(file)
    os.makedirs(given.out, exist_ok=True)

    def save(cases, raw):
        result = {"about": about, "cases": before["cases"] + cases, "runs": before["runs"] + raw}
        for name, text in (("bench.json", json.dumps(result, indent=1) + "\n"), ("bench.md", report.markdown(result)),
                           ("bench.svg", report.svg(result))):
            with open(os.path.join(given.out, name), "w", encoding="utf-8") as file:
                file.write(text)

    run_all(given, save)
    with open(os.path.join(given.out, "bench.md"), encoding="utf-8") as file:
        print("\n" + file.read())
    print(f"Written: {given.out}/bench.json, bench.md, bench.svg")


if __name__ == "__main__":
    main()
