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
/** A shared screen that the line holds back is well readable from here on. */
const NARROW_BPS = 1_200_000;
/** In a row, two seconds each. */
const LOOKS_TO_SAY = 4;
const LOOKS_TO_UNSAY = 8;

/** @typedef {{voiceSent: number, voiceLost: number, limitedMs: number, canSendBps: number|null}} UplinkSums since the connection began, but for the last */

/**
 * @param {readonly any[]} reports of a connection's `getStats`
 * @param {{mic?: string|null, screen?: string|null}} mids of the lines that send
 * @returns {UplinkSums}
 */
export function readUplink(reports, mids) {
  /** @type {UplinkSums} */
  const sums = { voiceSent: 0, voiceLost: 0, limitedMs: 0, canSendBps: null };
  const mic = reports.find((r) => r.type === 'outbound-rtp' && mids.mic && r.mid === mids.mic);
  sums.voiceSent = mic?.packetsSent ?? 0;
  for (const r of reports) {
    if (r.type === 'remote-inbound-rtp' && mic && r.localId === mic.id) sums.voiceLost = r.packetsLost ?? 0;
    if (r.type === 'outbound-rtp' && mids.screen && r.mid === mids.screen) sums.limitedMs = Math.max(sums.limitedMs, 1000 * (r.qualityLimitationDurations?.bandwidth ?? 0));
    if (r.type === 'candidate-pair' && r.nominated && r.availableOutgoingBitrate) sums.canSendBps = r.availableOutgoingBitrate;
  }
  return sums;
}

export class UplinkJudge {
  constructor() {
    this.isPoor = false;
    this.looks = 0;
    /** @type {(UplinkSums & {at: number})|null} */
    this.before = null;
  }

  /**
   * To be called every two seconds.
   * @param {UplinkSums} sums @param {number} at ms
   * @returns {boolean} the line sends badly
   */
  look(sums, at) {
    const { before } = this;
    this.before = { ...sums, at };
    // Another connection counts from zero.
    if (!before || sums.voiceSent < before.voiceSent || sums.limitedMs < before.limitedMs) return this.isPoor;
    const sent = sums.voiceSent - before.voiceSent;
    const loses = sent >= PACKETS_MIN && sums.voiceLost - before.voiceLost > (sent * LOST_PERCENT) / 100;
    const isNarrow = sums.limitedMs - before.limitedMs > (at - before.at) / 2 && sums.canSendBps !== null && sums.canSendBps < NARROW_BPS;
    this.looks = (loses || isNarrow) === this.isPoor ? 0 : this.looks + 1;
    if (this.looks >= (this.isPoor ? LOOKS_TO_UNSAY : LOOKS_TO_SAY)) {
      this.isPoor = !this.isPoor;
      this.looks = 0;
    }
    return this.isPoor;
  }
}
