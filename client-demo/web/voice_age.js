/**
 * Whether voice is played that was said long ago. A computer that slept, a page that the system held: packets
 * that came meanwhile, or that were about to be played, wait for it, and a player plays them first; what is said
 * now would come behind them, and stay late. Whoever comes back wants to hear what is said now.
 */

export const LOOK_EVERY_MS = 100;
/** No look for so long: this page stood still. Behind another tab looks are a second apart. */
const STOOD_STILL_MS = 1500;
/** For so long behind that it is seen whether what is played is old. */
const AFTER_MS = 3000;
/** Later than before by so much is old. */
const OLD_MS = 300;
/** What comes with the first new beginning may still be old: then there is a second. */
const BEGIN_MAX = 2;
const NOT_AGAIN_MS = 300;
/** By how much of the time clocks of two computers run apart at most. */
const DRIFT = 0.001;
const CLOCK_PER_MS = 48;

/** What looks add up to. Pure. */
export class VoiceAge {
  constructor() {
    this.lookedAt = NaN;
    this.watchUntil = -Infinity;
    this.notBefore = -Infinity;
    this.begun = 0;
    /** What was played last of each stream, and how much later it was than its earliest. @type {Map<number, {at: number, rtp: number, late: number}>} */
    this.streams = new Map();
  }

  /**
   * @param {number} now ms, of a clock that goes on while the computer sleeps
   * @param {Iterable<readonly [number, number]>} playing SSRC and RTP time of what each stream plays
   * @returns {boolean} what is played is old, since this page stood still
   */
  look(now, playing) {
    const since = now - this.lookedAt;
    this.lookedAt = now;
    if (since >= STOOD_STILL_MS) {
      this.watchUntil = now + AFTER_MS;
      this.begun = 0;
    }
    const isBack = now < this.watchUntil;
    let isOld = false;
    for (const [ssrc, rtp] of playing) isOld = this.#note(ssrc, rtp, now) > OLD_MS || isOld;
    if (!isBack) this.#forget(now);
    if (!isBack || !isOld || this.begun === BEGIN_MAX || now < this.notBefore) return false;
    this.begun += 1;
    this.notBefore = now + NOT_AGAIN_MS;
    return true;
  }

  /** What has not been played for a while may go on with any time; and what is late by now is as it is. @param {number} now */
  #forget(now) {
    for (const [ssrc, { at, late }] of this.streams) if (now - at >= STOOD_STILL_MS || late > OLD_MS) this.streams.delete(ssrc);
  }

  /** @param {number} ssrc @param {number} rtp @param {number} now @returns {number} how late it is, in ms */
  #note(ssrc, rtp, now) {
    const before = this.streams.get(ssrc);
    if (before?.rtp === rtp) return 0;
    const passed = before ? now - before.at : 0;
    const played = before ? ((rtp - before.rtp) | 0) / CLOCK_PER_MS : 0;
    const late = Math.max(0, (before?.late ?? 0) + passed * (1 - DRIFT) - played);
    this.streams.set(ssrc, { at: now, rtp, late });
    return late;
  }
}

/** Looks after the voices of one connection until stopped. */
export class VoiceAgeWatch {
  /** @param {readonly RTCRtpReceiver[]} receivers @param {() => void} onOld */
  constructor(receivers, onOld) {
    this.receivers = receivers;
    this.onOld = onOld;
    this.age = new VoiceAge();
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  look() {
    /** @type {Map<number, number>} */
    const playing = new Map();
    for (const receiver of this.receivers) {
      const newest = receiver.getSynchronizationSources?.()[0];
      if (newest) playing.set(newest.source, newest.rtpTimestamp);
    }
    if (this.age.look(Date.now(), playing)) this.onOld();
  }
}
