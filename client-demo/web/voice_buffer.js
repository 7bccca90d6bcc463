/**
 * On a line that loses packets voice is played a little later: what was lost comes again inside later
 * packets, up to 160 ms behind (the relay's redundancy), and must be waited for. Nobody hears the delay
 * of a lesson; everybody hears a lost word. On a clean line nothing is held back.
 */

export const LOOK_EVERY_MS = 500;
/** The eighth packet behind a lost one brings it again, 160 ms later; and a packet's worth of room. */
export const HOLD_MS = 180;
/** So many packets lost within so many looks (10 s) make a line lossy. */
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
   * @param {number} lost packets of voice since the last look
   * @returns {number|null} how long voice shall be held, in ms; null: as the browser thinks best
   */
  look(lost) {
    this.lost.push(lost);
    if (this.lost.length > LOSSY_LOOKS) this.lost.shift();
    this.calm = this.lost.reduce((a, b) => a + b, 0) >= LOSSY_PACKETS ? 0 : this.calm + 1;
    return this.calm < CALM_LOOKS ? HOLD_MS : null;
  }
}

/** Holds the voices of one connection until stopped. */
export class VoiceBuffer {
  /** @param {readonly RTCRtpReceiver[]} receivers */
  constructor(receivers) {
    this.receivers = receivers;
    this.judge = new VoiceJudge();
    /** Lost until the last look, by stream. @type {Map<string, number>} */
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

  /** @param {any[]} reports of getStats @returns {number} packets lost since the last look */
  #since(reports) {
    let sum = 0;
    for (const { id, type, packetsLost = 0 } of reports) {
      if (type !== 'inbound-rtp') continue;
      const before = this.before.get(id) ?? 0;
      sum += Math.max(0, packetsLost - before);
      // What was counted as lost and came late after all lowers the total: that is not lost twice.
      this.before.set(id, Math.max(before, packetsLost));
    }
    return sum;
  }
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
