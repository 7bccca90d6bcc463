/**
 * "Do they see and hear me?": what the relay measures of each learner, made into one line and a list;
 * and what this page's own line does. Pure.
 *
 * `delivery` (staff): `learners`: `[{id, hears, screen_age_ms, path, trouble}]`. Fields that a server does
 * not send are taken as well: nobody is called deaf for a missing number.
 */

/** @typedef {'full'|'reduced'|'still'|'voice'} ScreenLevel */
/** @typedef {'udp'|'tcp'|'tls'} Path */
/**
 * @typedef {object} Delivered
 * @property {string} id
 * @property {boolean|null} hears null: nobody speaks, or not known
 * @property {number|null} screenAgeMs null: no screen, or not known
 * @property {boolean} sees the last picture has arrived
 * @property {Path|null} path
 * @property {ScreenLevel|null} level
 * @property {boolean} silent not heard today
 * @property {number|null} lossPercent
 */

/** A picture that is older than this is late. */
export const LATE_MS = 3000;

/** @param {any} message a `delivery` event @returns {Delivered[]} */
export function deliveredOf(message) {
  const list = message?.learners ?? message?.participants ?? [];
  return Array.isArray(list) ? list.filter((p) => p && typeof p.id === 'string').map(one) : [];
}

/** @param {any} p @returns {Delivered} */
function one(p) {
  const age = numberOr(p.screen_age_ms);
  return {
    id: p.id,
    hears: typeof p.hears === 'boolean' ? p.hears : null,
    screenAgeMs: age,
    sees: typeof p.sees === 'boolean' ? p.sees : age === null || age < LATE_MS,
    path: pathOf(p.path),
    level: levelOf(p.screen ?? p.level),
    silent: Boolean(p.silent),
    lossPercent: numberOr(p.loss),
  };
}

/** @param {any} value */
function numberOr(value) {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A browser calls its way through TURN over TLS `relay`. @param {any} path @returns {Path|null} */
export function pathOf(path) {
  if (path === 'relay') return 'tls';
  return path === 'udp' || path === 'tcp' || path === 'tls' ? path : null;
}

/** @param {any} level @returns {ScreenLevel|null} */
export function levelOf(level) {
  return level === 'full' || level === 'reduced' || level === 'still' || level === 'voice' ? level : null;
}

/**
 * The trainer's one line in numbers.
 * @param {Delivered[]} delivered
 * @returns {{all: number, sees: number, late: number, latestMs: number, deaf: Delivered[]}}
 */
export function summary(delivered) {
  const late = delivered.filter((d) => !d.sees);
  return {
    all: delivered.length,
    sees: delivered.length - late.length,
    late: late.length,
    latestMs: late.reduce((most, d) => Math.max(most, d.screenAgeMs ?? 0), 0),
    deaf: delivered.filter((d) => d.hears === false),
  };
}

/** Who needs a look first: hears nothing, sees nothing, is late, is reduced. @param {Delivered[]} delivered */
export function byNeed(delivered) {
  const need = (/** @type {Delivered} */ d) => (d.hears === false ? 4 : 0) + (d.sees ? 0 : 2) + (d.level && d.level !== 'full' ? 1 : 0);
  return [...delivered].sort((a, b) => need(b) - need(a) || (b.screenAgeMs ?? 0) - (a.screenAgeMs ?? 0));
}
