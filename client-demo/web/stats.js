/** What `getStats` says, by slot and in a few numbers. */

import { readEncoder, readUplink } from './send_judges.js';
import { readWay } from './way_watch.js';

/** @typedef {import('./peer.js').Peer} Peer */

/**
 * @param {Peer|null} peer
 * @returns {Promise<{send: Record<string, any>, receive: Record<string, any>, rttMs: number|null, path: 'udp'|'tcp'|'relay'|null, encoder: import('./send_judges.js').EncoderSums|null, uplink: import('./send_judges.js').UplinkSums|null}>}
 */
export async function readStats(peer) {
  /** @type {Record<string, any>} */
  const send = {};
  /** @type {Record<string, any>} */
  const receive = {};
  const pc = peer?.pc;
  if (!peer || !pc) return { send, receive, rttMs: null, path: null, encoder: null, uplink: null };
  const sendByMid = byMid(peer.senders);
  const receiveByMid = byMid(peer.receivers);
  let rttMs = null;
  const reports = [...(await pc.getStats()).values()];
  for (const report of reports) {
    if (report.type === 'outbound-rtp' && sendByMid[report.mid]) send[sendByMid[report.mid]] = sent(report);
    if (report.type === 'inbound-rtp' && receiveByMid[report.mid]) receive[receiveByMid[report.mid]] = received(report);
    if (report.type === 'candidate-pair' && report.nominated && report.currentRoundTripTime !== undefined)
      rttMs = Math.round(report.currentRoundTripTime * 1000);
  }
  return { send, receive, rttMs, path: readWay(reports).path, encoder: readEncoder(reports, peer.senders.get('screen')?.mid), uplink: readUplink(reports, { mic: peer.senders.get('mic')?.mid, screen: peer.senders.get('screen')?.mid }) };
}

/** @param {Map<string, RTCRtpTransceiver>} lines */
function byMid(lines) {
  return Object.fromEntries([...lines].map(([slot, line]) => [line.mid ?? '', slot]));
}

/** @param {any} r */
function sent(r) {
  return {
    packets: r.packetsSent, bytes: r.bytesSent, frames: r.framesEncoded, width: r.frameWidth,
    height: r.frameHeight, fps: r.framesPerSecond, keyFrames: r.keyFramesEncoded, nacks: r.nackCount, plis: r.pliCount,
  };
}

/** @param {any} r */
function received(r) {
  return {
    packets: r.packetsReceived, lost: r.packetsLost, bytes: r.bytesReceived, jitter: r.jitter,
    samples: r.totalSamplesReceived, concealed: r.concealedSamples, audioLevel: r.audioLevel,
    totalAudioEnergy: r.totalAudioEnergy, frames: r.framesDecoded, width: r.frameWidth, height: r.frameHeight,
    freezes: r.freezeCount, keyFrames: r.keyFramesDecoded,
  };
}

/**
 * The share of the sound that was lost between two readings, in percent; null without sound.
 * @param {Record<string, any>} before @param {Record<string, any>} after both `receive` of readStats
 */
export function audioLoss(before, after) {
  let lost = 0;
  let total = 0;
  for (const slot of ['voice_0', 'voice_1', 'voice_2']) {
    const [a, b] = [before[slot], after[slot]];
    if (!a || !b || b.packets < a.packets) continue;
    const missing = Math.max(0, b.lost - a.lost);
    lost += missing;
    total += b.packets - a.packets + missing;
  }
  return total >= 20 ? (100 * lost) / total : null;
}
