/**
 * "Do they see and hear me?": the server's count of learners whom the relay reaches, made into one line
 * and a list; what this page's own line carries; and what this page says of its own playing. Pure.
 */

/** @typedef {'full'|'reduced'|'still'|'voice'} ScreenLevel */
/** @typedef {'udp'|'tcp'|'tls'} Path */
/** @typedef {{total: number, ok: number, deaf: string[], blind: string[], reduced: string[], claimed: string[]}} Delivery ids of who hears nothing, who sees nothing new, whose screen is thinned, and of whom only their page says so */
/**
 * A row of `delivery_list`.
 * @typedef {{id: string, name: string, media: string, deaf: boolean, blind: boolean, claimed: boolean, level: ScreenLevel|null, sound: string, loss: number|null, rttMs: number|null}} Delivered
 */
/** @typedef {{sound: 'ok'|'muted'|'blocked'|'silent', picture: 'ok'|'frozen'}} Report */

/** A picture that does not come for this long is reported. */
export const FROZEN_AFTER_MS = 2500;

/** @param {any} message @returns {Delivery} */
export function deliveryOf(message) {
  const ids = (/** @type {any} */ list) => (Array.isArray(list) ? list.filter((id) => typeof id === 'string') : []);
  return { total: message.total ?? 0, ok: message.ok ?? 0, deaf: ids(message.deaf), blind: ids(message.blind), reduced: ids(message.reduced), claimed: ids(message.claimed) };
}

/** @param {any} answer of `delivery_list` @returns {Delivered[]} who needs a look first */
export function deliveredOf(answer) {
  const list = Array.isArray(answer?.people) ? answer.people : [];
  return list.filter((/** @type {any} */ p) => typeof p?.id === 'string').map(one)
    .sort((/** @type {Delivered} */ a, /** @type {Delivered} */ b) => need(b) - need(a) || (b.loss ?? 0) - (a.loss ?? 0));
}

/** @param {any} p @returns {Delivered} */
function one(p) {
  return {
    id: p.id, name: String(p.name ?? ''), media: p.media ?? 'none', deaf: Boolean(p.deaf), blind: Boolean(p.blind), claimed: Boolean(p.claimed),
    level: levelOf(p.screen), sound: p.sound ?? 'ok', loss: numberOr(p.loss), rttMs: numberOr(p.rtt_ms),
  };
}

/** @param {Delivered} d */
function need(d) {
  return (d.deaf ? 4 : 0) + (d.blind ? 2 : 0) + (d.level && d.level !== 'full' ? 1 : 0);
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
  if (level === 'off') return 'voice';
  return level === 'full' || level === 'reduced' || level === 'still' || level === 'voice' ? level : null;
}

/**
 * What this page knows of its own playing. It claims trouble only where it is sure: a still screen sends
 * nothing, and nobody is silent who does not speak.
 * @param {object} now
 * @param {boolean} now.blocked the browser refuses to play
 * @param {number} now.volume
 * @param {boolean} now.othersSpeak through both looks
 * @param {boolean} now.voiceArrives packets of a voice came between them
 * @param {number} now.pictureMissingMs somebody shares, and nothing was ever seen of it
 * @returns {Report}
 */
export function ownReport({ blocked, volume, othersSpeak, voiceArrives, pictureMissingMs }) {
  const sound = blocked ? 'blocked' : volume === 0 ? 'muted' : othersSpeak && !voiceArrives ? 'silent' : 'ok';
  return { sound, picture: pictureMissingMs >= FROZEN_AFTER_MS ? 'frozen' : 'ok' };
}
