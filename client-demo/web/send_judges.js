/**
 * Whether this computer and its line can send what they shall, by what the browser counts. One that does not count
 * says nothing. Pure.
 *
 * The encoder: AV1 makes text sharpest for the least bytes and takes the most work; VP8 takes a third of it. There is
 * no way back during a visit: the lighter format says nothing about how the heavier one would do.
 * The line: where it sends badly the class hears gaps, or sees the screen late, and only the speaker can do something about it.
 */

/** A picture that takes longer is made eight times a second at most. */
const HEAVY_PICTURE_MS = 120;
/** Fewer pictures between two looks tell nothing: a still screen. */
const PICTURES_MIN = 4;
/** In a row, each some seconds long: one key frame, or another program's start, is no weakness. */
const HEAVY_LOOKS = 4;

/** @typedef {{pictures: number, workMs: number, limitedMs: number}} EncoderSums since the connection began */

/**
 * @param {readonly any[]} reports of a connection's `getStats`
 * @param {string|null|undefined} mid of the line that sends the screen
 * @returns {EncoderSums} of all its encodings; `limitedMs`: how long the browser itself said that the processor limits it
 */
export function readEncoder(reports, mid) {
  const sums = { pictures: 0, workMs: 0, limitedMs: 0 };
  for (const r of reports) {
    if (r.type !== 'outbound-rtp' || !mid || r.mid !== mid) continue;
    sums.pictures += r.framesEncoded ?? 0;
    sums.workMs += 1000 * (r.totalEncodeTime ?? 0);
    sums.limitedMs += 1000 * (r.qualityLimitationDurations?.cpu ?? 0);
  }
  return sums;
}

export class EncoderJudge {
  constructor() {
    this.heavy = 0;
    /** @type {(EncoderSums & {at: number})|null} */
    this.before = null;
  }

  /**
   * To be called every few seconds.
   * @param {EncoderSums|null} sums null while no screen is sent
   * @param {number} at ms
   * @returns {boolean} a lighter format is needed
   */
  look(sums, at) {
    const { before } = this;
    this.before = sums && { ...sums, at };
    if (!sums) this.heavy = 0;
    // Another connection counts from zero.
    if (!sums || !before || sums.pictures < before.pictures || sums.workMs < before.workMs) return false;
    const pictures = sums.pictures - before.pictures;
    const isLimited = sums.limitedMs - before.limitedMs > (at - before.at) / 2;
    if (pictures < PICTURES_MIN && !isLimited) return false;
    const isHeavy = isLimited || (sums.workMs - before.workMs) / pictures > HEAVY_PICTURE_MS;
    this.heavy = isHeavy ? this.heavy + 1 : 0;
    return this.heavy >= HEAVY_LOOKS;
  }
}

/** Voice lost on its way to the server, in percent of what was sent between two looks. */
const LOST_PERCENT = 5;
const PACKETS_MIN = 40;
/**
 * A shared screen that the line holds back: its packets wait in the browser, on average over some looks, since what changes little
 * between two slides goes at once on any line. (`qualityLimitationReason` stays "none": Chromium has nothing to give up where the
 * size and the text are kept.) Fewer tell nothing: a still screen.
 */
const WAITS_MS = 250;
const SCREEN_PACKETS_MIN = 8;
/** A shared screen is well readable from here on. */
const NARROW_BPS = 1_200_000;
/** In a row, two seconds each. */
const LOOKS_TO_SAY = 4;
/** Of an average over that many: one slide's wait alone is not said. */
const LOOKS_TO_SAY_HELD = LOOKS_TO_SAY + 1;
const LOOKS_TO_UNSAY = 8;

/** @typedef {{voiceSent: number, voiceLost: number, screenSent: number, waitedMs: number, canSendBps: number|null}} UplinkSums since the connection began, but for the last */
/** @typedef {''|'voice'|'screen'} Poorly what the line loses, or holds back */

/**
 * @param {readonly any[]} reports of a connection's `getStats`
 * @param {{mic?: string|null, screen?: string|null}} mids of the lines that send
 * @returns {UplinkSums}
 */
export function readUplink(reports, mids) {
  /** @type {UplinkSums} */
  const sums = { voiceSent: 0, voiceLost: 0, screenSent: 0, waitedMs: 0, canSendBps: null };
  const mic = reports.find((r) => r.type === 'outbound-rtp' && mids.mic && r.mid === mids.mic);
  sums.voiceSent = mic?.packetsSent ?? 0;
  for (const r of reports) {
    if (r.type === 'remote-inbound-rtp' && mic && r.localId === mic.id) sums.voiceLost = r.packetsLost ?? 0;
    if (r.type === 'outbound-rtp' && mids.screen && r.mid === mids.screen) {
      sums.screenSent += r.packetsSent ?? 0;
      sums.waitedMs += 1000 * (r.totalPacketSendDelay ?? 0);
    }
    if (r.type === 'candidate-pair' && r.nominated && r.availableOutgoingBitrate) sums.canSendBps = r.availableOutgoingBitrate;
  }
  return sums;
}

/** One thing that is so, or is not: said when it was so for some looks in a row, no more when it was not for some more. */
class Slow {
  /** @param {number} [looksToSay] */
  constructor(looksToSay = LOOKS_TO_SAY) {
    this.looksToSay = looksToSay;
    this.is = false;
    this.looks = 0;
  }

  /** @param {boolean} now */
  look(now) {
    this.looks = now === this.is ? 0 : this.looks + 1;
    if (this.looks < (this.is ? LOOKS_TO_UNSAY : this.looksToSay)) return;
    this.is = now;
    this.looks = 0;
  }
}

export class UplinkJudge {
  constructor() {
    this.loses = new Slow();
    this.holds = new Slow(LOOKS_TO_SAY_HELD);
    /** @type {UplinkSums[]} the last looks */
    this.seen = [];
  }

  /**
   * To be called every two seconds.
   * @param {UplinkSums} sums @param {boolean} [shares] a screen is being sent; what is said of one holds for that one
   * @returns {Poorly} what the line sends badly
   */
  look(sums, shares = true) {
    const before = this.seen.at(-1);
    // Another connection counts from zero.
    if (before && (sums.voiceSent < before.voiceSent || sums.screenSent < before.screenSent)) this.seen = [];
    if (!shares) this.holds = new Slow(LOOKS_TO_SAY_HELD);
    const [first] = this.seen;
    if (before && first) {
      const sent = sums.voiceSent - before.voiceSent;
      this.loses.look(sent >= PACKETS_MIN && sums.voiceLost - before.voiceLost > (sent * LOST_PERCENT) / 100);
      const packets = sums.screenSent - first.screenSent;
      if (packets >= SCREEN_PACKETS_MIN) this.holds.look((sums.waitedMs - first.waitedMs) / packets > WAITS_MS && sums.canSendBps !== null && sums.canSendBps < NARROW_BPS);
    }
    this.seen = [...this.seen, sums].slice(-LOOKS_TO_SAY);
    return this.loses.is ? 'voice' : this.holds.is ? 'screen' : '';
  }
}
