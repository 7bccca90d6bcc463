/**
 * On a line that loses packets voice is played a little later: what was lost comes again inside later
 * packets, up to 160 ms behind (the relay's redundancy), and must be waited for. Nobody hears the delay
 * of a lesson; everybody hears a lost word. The same where words are made up though none is lost here: what
 * the speaker's own line loses is asked for again by the relay, and comes too late for a short buffer. On a clean
 * line nothing is held back.
 */

export const LOOK_EVERY_MS = 500;
/** The eighth packet behind a lost one brings it again, 160 ms later; and a packet's worth of room. */
export const HOLD_MS = 180;
/** A player finds its pace in the first looks (5 s) of a voice: what it makes up meanwhile is no trouble. */
const SETTLED_LOOKS = 10;
/** Half a packet: below that the player has only stretched a sound. */
const MADE_UP_SAMPLES = 480;
/** So many packets lost, or looks with made-up sound, within so many looks (10 s) make a line lossy. */
const LOSSY_PACKETS = 3;
const LOSSY_LOOKS = 20;
/** Looks (30 s) without that before voice comes at once again. */
const CALM_LOOKS = 60;

/** What looks add up to. Pure. */
export class VoiceJudge {
  constructor() {
    /** Of the last looks. @type {number[]} */
    this.lost = [];
    this.calm = CALM_LOOKS;
  }

  /**
   * @param {number} lost packets of voice, or sounds made up instead, since the last look
   * @returns {number|null} how long voice shall be held, in ms; null: as the browser thinks best
   */
  look(lost) {
    this.lost.push(lost);
    if (this.lost.length > LOSSY_LOOKS) this.lost.shift();
    this.calm = this.lost.reduce((a, b) => a + b, 0) >= LOSSY_PACKETS ? 0 : this.calm + 1;
    return this.calm < CALM_LOOKS ? HOLD_MS : null;
  }
}

/**
 * @typedef {object} Count
 * @property {number} lost
 * @property {number} packets
 * @property {number} made samples made up, silence apart
 * @property {number} looks for so many in a row packets have come
 * @property {boolean} broke something was made up at the last look
 */

/** Holds the voices of one connection until stopped. */
export class VoiceBuffer {
  /** @param {readonly RTCRtpReceiver[]} receivers */
  constructor(receivers) {
    this.receivers = receivers;
    this.judge = new VoiceJudge();
    /** What was counted until the last look, by stream. @type {Map<string, Count>} */
    this.before = new Map();
    this.looking = false;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  /** The streams' counts begin anew. */
  forget() {
    this.before.clear();
  }

  async look() {
    if (this.looking) return;
    this.looking = true;
    const reports = await Promise.all(this.receivers.map(async (r) => r.getStats())).catch(() => []);
    this.looking = false;
    const hold = this.judge.look(this.#since(reports.flatMap((r) => [...r.values()])));
    for (const receiver of this.receivers) setTarget(receiver, hold);
  }

  /** @param {any[]} reports of getStats @returns {number} packets lost, or sounds made up, since the last look */
  #since(reports) {
    let sum = 0;
    for (const report of reports) {
      if (report.type !== 'inbound-rtp') continue;
      const before = this.before.get(report.id) ?? { lost: 0, packets: 0, made: 0, looks: 0, broke: false };
      const after = countOf(report, before);
      // A voice that ends is drawn out for a moment: only what goes on behind it was broken.
      sum += Math.max(0, after.lost - before.lost) + (before.broke && after.looks > 0 ? 1 : 0);
      this.before.set(report.id, after);
    }
    return sum;
  }
}

/**
 * @param {any} report @param {Count} before
 * @returns {Count}
 */
function countOf({ packetsLost = 0, packetsReceived = 0, concealedSamples = 0, silentConcealedSamples = 0 }, before) {
  const made = concealedSamples - silentConcealedSamples;
  const looks = packetsReceived > before.packets ? before.looks + 1 : 0;
  return {
    // What was counted as lost and came late after all lowers the total: that is not lost twice.
    lost: Math.max(before.lost, packetsLost), packets: packetsReceived, made, looks,
    broke: looks > SETTLED_LOOKS && made - before.made >= MADE_UP_SAMPLES,
  };
}

/** @param {RTCRtpReceiver} receiver @param {number|null} ms */
function setTarget(receiver, ms) {
  const held = /** @type {any} */ (receiver);
  if (!('jitterBufferTarget' in held) || held.jitterBufferTarget === ms) return;
  try {
    held.jitterBufferTarget = ms;
  } catch {
    // The browser's own measure then holds.
  }
}
