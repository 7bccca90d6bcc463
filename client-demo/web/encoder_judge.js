/**
 * Whether this computer is too weak for the format in which its screen goes out. AV1 makes text
 * sharpest for the least bytes and takes the most work; VP8 takes a third of it. There is no way back
 * during a visit: the lighter format says nothing about how the heavier one would do.
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
