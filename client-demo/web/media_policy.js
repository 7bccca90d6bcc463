/**
 * What the page does about media, as values and pure functions: the order of slots, what each
 * sender may use, when a connection is helped, and what the server is told after a reconnection.
 */

/** @typedef {'mic'|'screen'|'screen_audio'|'camera'} SendSlot */
/** @typedef {'voice_0'|'voice_1'|'voice_2'|'screen_audio'|'screen'|'camera_0'|'camera_1'|'camera_2'} ReceiveSlot */

/** The order is the protocol's: the server tells m-lines apart by direction and order. */
/** @type {readonly {slot: SendSlot, kind: 'audio'|'video'}[]} */
export const SEND_LINES = [
  { slot: 'mic', kind: 'audio' },
  { slot: 'screen', kind: 'video' },
  { slot: 'screen_audio', kind: 'audio' },
  { slot: 'camera', kind: 'video' },
];

/** @type {readonly {slot: ReceiveSlot, kind: 'audio'|'video'}[]} */
export const RECEIVE_LINES = [
  { slot: 'voice_0', kind: 'audio' },
  { slot: 'voice_1', kind: 'audio' },
  { slot: 'voice_2', kind: 'audio' },
  { slot: 'screen_audio', kind: 'audio' },
  { slot: 'screen', kind: 'video' },
  { slot: 'camera_0', kind: 'video' },
  { slot: 'camera_1', kind: 'video' },
  { slot: 'camera_2', kind: 'video' },
];

/**
 * Best encoding first. Text first: a shared screen keeps its full size in both encodings, frame rate
 * gives way. L1T3 lets the relay thin frames per learner; the second encoding is for the poorest
 * lines. It is off until the server asks for it: every key frame twice is more than a poor line can
 * take beside a voice. A camera's is smaller. (Priority is a sender's, said with its first encoding:
 * Chromium refuses the list otherwise.)
 * @type {Record<SendSlot, {encodings: Record<string, any>[], degradation?: string}>}
 */
export const SEND_LIMITS = {
  mic: { encodings: [{ maxBitrate: 40_000, priority: 'high', networkPriority: 'high' }] },
  screen: {
    encodings: [
      { rid: 'h', maxBitrate: 2_500_000, maxFramerate: 15, scalabilityMode: 'L1T3', priority: 'medium' },
      { rid: 'l', maxBitrate: 160_000, maxFramerate: 5, scalabilityMode: 'L1T1', scaleResolutionDownBy: 1, active: false },
    ],
    degradation: 'maintain-resolution',
  },
  screen_audio: { encodings: [{ maxBitrate: 96_000, priority: 'medium' }] },
  camera: {
    encodings: [
      { rid: 'h', maxBitrate: 600_000, maxFramerate: 24, scalabilityMode: 'L1T3', priority: 'low' },
      { rid: 'l', maxBitrate: 120_000, maxFramerate: 15, scalabilityMode: 'L1T1', scaleResolutionDownBy: 3, active: false },
    ],
  },
};

/**
 * The ways in which a line may be offered, best first: a browser that cannot make something of the
 * list refuses it whole.
 * @param {readonly Record<string, any>[]} encodings
 * @returns {Record<string, any>[][]}
 */
export function encodingChoices(encodings) {
  const plain = encodings.map(({ scalabilityMode, ...rest }) => rest);
  const one = (/** @type {Record<string, any>} */ { rid, ...rest }) => [rest];
  return [[...encodings], plain, one(encodings[0]), one(plain[0])];
}

/**
 * @param {SendSlot} slot
 * @param {number} index of the encoding, best first
 * @param {readonly boolean[]|undefined} wanted as the server says; undefined: nothing yet, and the best alone is sent
 * @returns {Record<string, any>}
 */
export function encodingLimits(slot, index, wanted) {
  const { rid, ...limits } = SEND_LIMITS[slot].encodings[index] ?? {};
  return { ...limits, active: index === 0 || Boolean(wanted?.[index]) };
}

/**
 * The offer with a wish of ours in it: lost packets of what is said here are asked for again. Chromium sends them
 * again once the answer says so, and never offers it by itself; other browsers pass over it.
 * @param {string} sdp
 */
export function offerVoiceRepair(sdp) {
  return sdp.split(/(?=^m=)/m).map((line) => {
    const [, pt] = /^a=rtpmap:(\d+) opus\b/im.exec(line) ?? [];
    const isSent = line.startsWith('m=audio') && /^a=sendonly\r?$/m.test(line);
    if (!pt || !isSent || new RegExp(`^a=rtcp-fb:${pt} nack\r?$`, 'm').test(line)) return line;
    return line.replace(new RegExp(`^a=rtpmap:${pt} [^\n]*\n`, 'm'), `$&a=rtcp-fb:${pt} nack\r\n`);
  }).join('');
}

/**
 * An answer as it would be with some of its lines turned off.
 * @param {string} sdp @param {readonly string[]} mids
 */
export function withoutLines(sdp, mids) {
  return sdp.split(/(?=^m=)/m).map((line) => {
    const [, mid] = /^a=mid:(\S+)/m.exec(line) ?? [];
    return mids.includes(mid) ? line.replace(/^a=(sendonly|sendrecv)(?=\r?$)/m, 'a=inactive') : line;
  }).join('');
}

/** VP9 writes text best; every browser reads VP8. */
const CODEC_ORDER = ['video/VP9', 'video/VP8', 'video/H264', 'video/AV1'];
/** Profiles of ten bits or full colour, which few can read, and a form of H.264 that nobody needs. */
const UNUSUAL = /profile-id=[1-9]|profile=[1-9]|packetization-mode=0/;

/**
 * A list up to this long is only put in order: Firefox leaves `rtcp-fb` lines of formats that were
 * dropped in its offer, without the format, and such an offer is refused by careful readers.
 */
const SHORT_LIST = 12;

/**
 * The video formats to offer, best first, retransmission and the rest behind. Chromium's list is cut
 * to what others can read: whole, twelve times over, it makes an offer of 35 kB.
 * @template {{mimeType: string, sdpFmtpLine?: string}} C
 * @param {readonly C[]} codecs
 * @returns {C[]}
 */
export function chooseVideoCodecs(codecs) {
  const ours = CODEC_ORDER.flatMap((mimeType) => codecs.filter((c) => c.mimeType === mimeType));
  const others = codecs.filter((c) => !CODEC_ORDER.includes(c.mimeType));
  if (codecs.length <= SHORT_LIST) return [...ours, ...others];
  const usual = ours.filter((c) => !UNUSUAL.test(c.sdpFmtpLine ?? ''));
  return [...usual, ...others.filter((c) => c.mimeType === 'video/rtx')];
}

/**
 * A negotiated format by its name, as a sender's parameters want it; undefined where this browser
 * cannot make it.
 * @param {readonly {mimeType: string}[]} codecs
 * @param {string} name "AV1", "VP8", ...
 */
export function findCodec(codecs, name) {
  return codecs.find((c) => c.mimeType.toLowerCase() === `video/${name.toLowerCase()}`);
}

/**
 * The format in which the screen goes out. Whoever reads AV1 reads VP8 as well.
 * @param {string} readable the best that everybody can read, as the server says
 * @param {boolean} isWeak this computer cannot keep up with AV1
 */
export function screenFormat(readable, isWeak) {
  return isWeak && readable === 'AV1' ? 'VP8' : readable;
}

export const RESTART_AFTER_MS = 2000;
export const RESTART_EVERY_MS = 5000;
export const REBUILD_AFTER_MS = 20000;

/** Nothing has come in for so long when the socket is back: both ways had died. */
export const BOTH_SILENT_MS = 800;

/**
 * What a connection that is not up needs next. `downMs`: how long it has been down. `restarts`:
 * how many ICE restarts it has had meanwhile. `bothDied`: the socket had to be made anew as well, so this
 * computer has another network: Chromium stays with its old pair of candidates for 3.5 s behind an ICE
 * restart, a new connection is there in a third of that.
 * @param {{downMs: number, restarts: number, bothDied?: boolean}} trouble
 * @returns {{action: 'wait'|'restart'|'rebuild', againInMs: number}}
 */
export function nextRecovery({ downMs, restarts, bothDied = false }) {
  if (bothDied || downMs >= REBUILD_AFTER_MS) return { action: 'rebuild', againInMs: 0 };
  const due = RESTART_AFTER_MS + restarts * RESTART_EVERY_MS;
  if (downMs < due) return { action: 'wait', againInMs: Math.min(due, REBUILD_AFTER_MS) - downMs };
  const next = RESTART_AFTER_MS + (restarts + 1) * RESTART_EVERY_MS;
  return { action: 'restart', againInMs: Math.max(250, Math.min(next, REBUILD_AFTER_MS) - downMs) };
}

/**
 * The wait before offer number `attempt` after one was refused: 0.5 s doubled up to 8 s.
 * The server allows few offers; a page that asks too fast would lock itself out.
 * @param {number} attempt from 1
 * @param {string} code the error's
 */
export function offerRetryMs(attempt, code) {
  const wait = Math.min(8000, 500 * 2 ** (attempt - 1));
  return code === 'too_many' ? Math.max(6000, wait) : wait;
}

/**
 * After a reconnection: which requests make the server's picture of this page true again.
 * @param {{micOn: boolean, sharing: boolean, shareAudio: boolean}} local
 * @param {{mic?: boolean, sharing?: string|null}|undefined} server this participant's entry
 * @returns {{type: string, [field: string]: any}[]}
 */
export function repairRequests(local, server) {
  const requests = [];
  if (Boolean(server?.mic) !== local.micOn) requests.push({ type: 'mic', on: local.micOn });
  if (local.sharing && !server?.sharing) requests.push({ type: 'share_start', audio: local.shareAudio });
  if (!local.sharing && server?.sharing) requests.push({ type: 'share_stop' });
  return requests;
}

/** @typedef {{whose: ''|'own'|'theirs', looks: number, own: number}} Weakness `looks`: in a row, of sound lost on the own line; `own`: its share over some looks */

/**
 * Whose line loses the sound, when over the last reports too much of it never arrived. Two thresholds, so that
 * the words on the screen do not flicker. What a speaker's line loses comes to every listener as a gap: the rest is the own
 * line's. The server counts beside us, so the rest is looked at over some looks, and nobody is blamed before a second one.
 * @param {Weakness} before
 * @param {number} lost of what is heard here, in percent
 * @param {number} upstream of what the speakers say, on its way to the server, in percent
 * @returns {Weakness}
 */
export function judgeWeak(before, lost, upstream) {
  const rest = lost - upstream;
  const own = (2 * before.own + rest) / 3;
  if (lost <= (before.whose ? 3 : 8)) return { whose: '', looks: 0, own };
  if (upstream > 0 && Math.min(rest, own) <= (before.whose === 'own' ? 3 : 8)) return { whose: 'theirs', looks: 0, own };
  const looks = before.looks + 1;
  return { whose: looks > 1 ? 'own' : before.whose, looks, own };
}
