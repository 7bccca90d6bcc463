"""When voice was on the wire, by the kernel's own clock: tells a pause of ours from a browser that did not get to run.

    voice_wire.py SECONDS > out.json     in the relay's namespace

RTP headers are not encrypted. Of each stream of voice that passes: for each second its packets, and how late the latest was
against the least late one of the stream, by its time stamps. [{"way": [from, to], "ssrc": n, "seconds": [[epoch, packets, late_ms], ...]}]
"""

import json
import socket
import struct
import sys
import time

ETH_P_ALL, SO_TIMESTAMPNS = 0x0003, 35
VOICE_TYPES, CLOCK = (111, 63), 48000  # Chromium's numbers for Opus and RED around it
PACKET_OUTGOING = 4


def udp_of(frame):
    """(from, to, payload) of an IPv4 packet of UDP, else None. Frames of loopback begin with Ethernet, those of a TUN device with IP."""
    for skip in (0, 14):
        packet = frame[skip:]
        if len(packet) > 40 and packet[0] == 0x45 and packet[9] == 17 and struct.unpack_from("!H", packet, 2)[0] == len(packet):
            ports = struct.unpack_from("!HH", packet, 20)
            return (f"{socket.inet_ntoa(packet[12:16])}:{ports[0]}", f"{socket.inet_ntoa(packet[16:20])}:{ports[1]}", packet[28:])
    return None


def watch(seconds):
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    listener.settimeout(0.5)
    ends, streams = time.time() + seconds, {}
    while time.time() < ends:
        try:
            frame, extra, _, where = listener.recvmsg(2048, 64)
        except TimeoutError:
            continue
        if where[0] == "lo" and where[2] == PACKET_OUTGOING:
            continue  # comes again as received
        udp = udp_of(frame)
        if udp is None or len(udp[2]) < 12 or udp[2][0] >> 6 != 2 or udp[2][1] & 0x7f not in VOICE_TYPES:
            continue
        at = next(struct.unpack("@qq", data) for _, kind, data in extra if kind == SO_TIMESTAMPNS)
        stamp, ssrc = struct.unpack_from("!II", udp[2], 4)
        streams.setdefault((udp[0], udp[1], ssrc), []).append((at[0] + at[1] / 1e9, stamp))
    return streams


def seconds_of(packets):
    first = packets[0][1]
    delays = [(at, at - ((stamp - first + 0x80000000 & 0xffffffff) - 0x80000000) / CLOCK) for at, stamp in packets]
    least, found = min(delay for _, delay in delays), {}
    for at, delay in delays:
        second = found.setdefault(int(at), [int(at), 0, 0.0])
        second[1] += 1
        second[2] = max(second[2], round((delay - least) * 1000, 1))
    return list(found.values())


if __name__ == "__main__":
    json.dump([dict(way=key[:2], ssrc=key[2], seconds=seconds_of(packets)) for key, packets in watch(float(sys.argv[1])).items() if len(packets) > 50], sys.stdout)
