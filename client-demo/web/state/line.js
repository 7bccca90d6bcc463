/**
 * A line in plain words, and as a short code that somebody can read to support over the telephone:
 * six digits, one of them a check. `docs/page.md` has the table. Pure.
 */

/** @typedef {{rttMs: number, jitterMs: number, rateBps: number, failed: number}} Sample `failed`: of the small requests, in percent */
/** @typedef {{voice: number, screen: number, rtt: number, jitter: number, rate: number}} Grades each 0 to 9 */
/** @typedef {'good'|'fair'|'poor'} Word */

const RTT_STEPS_MS = [20, 40, 60, 90, 130, 200, 300, 500, 900];
const JITTER_STEPS_MS = [3, 6, 10, 15, 25, 40, 60, 100, 200];
const RATE_STEPS_BPS = [10e6, 6e6, 4e6, 2.5e6, 1.5e6, 1e6, 600e3, 300e3, 120e3];

/** @param {number} value @param {number[]} steps growing: 9 is best, 0 worst */
function gradeUp(value, steps) {
  return 9 - steps.filter((step) => value > step).length;
}

/** @param {number} value @param {number[]} steps falling */
function gradeDown(value, steps) {
  return 9 - steps.filter((step) => value < step).length;
}

/** @param {Sample} sample @returns {Grades} */
export function gradesOf({ rttMs, jitterMs, rateBps, failed }) {
  const rtt = gradeUp(rttMs, RTT_STEPS_MS);
  const jitter = gradeUp(jitterMs, JITTER_STEPS_MS);
  const rate = gradeDown(rateBps, RATE_STEPS_BPS);
  const lost = failed > 20 ? 6 : failed > 0 ? 2 : 0;
  // Voice needs little room but a steady line; a screen needs room.
  const voice = Math.max(0, Math.min(rtt + 2, jitter + 1, rate + 5, 9) - lost);
  const screen = Math.max(0, Math.min(rate, rtt + 3, 9) - lost);
  return { voice, screen, rtt, jitter, rate };
}

/** @param {number} grade @returns {Word} */
export function wordOf(grade) {
  return grade >= 5 ? 'good' : grade >= 3 ? 'fair' : 'poor';
}

/** @param {Grades} grades @returns {string} as 123-456 */
export function codeOf(grades) {
  const digits = [grades.voice, grades.screen, grades.rtt, grades.jitter, grades.rate];
  const all = [...digits, checkDigit(digits)].join('');
  return `${all.slice(0, 3)}-${all.slice(3)}`;
}

/** @param {string} text @returns {Grades|null} null when it was misread */
export function readCode(text) {
  const digits = [...text].filter((c) => c >= '0' && c <= '9').map(Number);
  if (digits.length !== 6 || checkDigit(digits.slice(0, 5)) !== digits[5]) return null;
  const [voice, screen, rtt, jitter, rate] = digits;
  return { voice, screen, rtt, jitter, rate };
}

/** Finds one wrong digit, and two that changed places. @param {number[]} digits */
function checkDigit(digits) {
  return digits.reduce((sum, digit, i) => sum + digit * [3, 7, 9, 1, 3][i], 0) % 10;
}

/**
 * Of several small requests: how long one takes, and how much that changes.
 * @param {number[]} times
 */
export function steadiness(times) {
  if (times.length === 0) return { rttMs: 9999, jitterMs: 9999 };
  const sorted = [...times].sort((a, b) => a - b);
  const half = sorted[Math.floor(sorted.length / 2)];
  const off = sorted.map((t) => Math.abs(t - half)).sort((a, b) => a - b);
  return { rttMs: half, jitterMs: off[Math.floor(off.length * 0.75)] ?? 0 };
}

/**
 * How long an answer of the server takes on this line, by what the page has loaded so far; 0: not known. What came out of
 * the cache says nothing.
 * @param {any[]} entries PerformanceResourceTiming
 */
export function roundTripMs(entries) {
  const times = entries.filter(({ transferSize, requestStart }) => transferSize > 0 && requestStart > 0).map((entry) => entry.responseStart - entry.requestStart);
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}
