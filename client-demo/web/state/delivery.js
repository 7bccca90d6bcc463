/**
 * "Do they see and hear me?": the server's count of learners whom the relay reaches, made into one line
 * and a list; what this page's own line carries; and what this page says of its own playing. Pure.
 */

/** @typedef {'full'|'reduced'|'still'|'lean'|'voice'} ScreenLevel */
/** @typedef {'udp'|'tcp'|'tls'} Path */
/**
 * Ids of who hears nothing, who sees nothing new, who hears badly, whose screen is late and by how much, whose screen is
 * thinned, whose line is so narrow that what is new comes late, of whom
 * nothing is known yet, of whom only their page says so, and what it says of the sound.
 * @typedef {{total: number, ok: number, deaf: string[], blind: string[], poor: string[], late: {id: string, s: number}[], reduced: string[], narrow: string[], unknown: string[], claimed: string[], sounds: Record<string, string>}} Delivery
 */
/**
 * A row of `delivery_list`.
 * @typedef {{id: string, name: string, media: string, reached: boolean, deaf: boolean, blind: boolean, claimed: boolean, level: ScreenLevel|null, sound: string, hears: string,
 *   behindS: number, narrow: boolean, silent: boolean, loss: number|null, delayMs: number|null, rttMs: number|null, estimateBps: number|null, path: Path|null}} Delivered
 */
/** @typedef {{sound: 'ok'|'muted'|'blocked'|'silent', picture: 'ok'|'frozen'}} Report */
/** @typedef {{key: string, ids: string[], s?: number}} Sentence */

/** A picture that does not come for this long is reported. */
export const FROZEN_AFTER_MS = 2500;

/** @param {any} message @returns {Delivery} */
export function deliveryOf(message) {
  const ids = (/** @type {any} */ list) => (Array.isArray(list) ? list.filter((id) => typeof id === 'string') : []);
  const late = (Array.isArray(message.late) ? message.late : []).filter((/** @type {any} */ l) => typeof l?.id === 'string' && typeof l.behind_s === 'number');
  return {
    total: message.total ?? 0, ok: message.ok ?? 0, deaf: ids(message.deaf), blind: ids(message.blind), poor: ids(message.poor),
    late: late.map((/** @type {any} */ l) => ({ id: l.id, s: l.behind_s })), reduced: ids(message.reduced), narrow: ids(message.narrow), unknown: ids(message.unknown), claimed: ids(message.claimed), sounds: message.sounds ?? {},
  };
}

/**
 * Who gets less of the screen, or gets it slowly, still sees and hears; of whom nothing is known will be known in a
 * moment. Nothing to worry about.
 * @param {Sentence} sentence
 */
export const isMild = ({ key }) => key === 'reduced' || key === 'narrow' || key === 'unknown';

/**
 * The one line, behind its first sentence: each learner in the first list that fits, so that nobody is said twice.
 * @param {Delivery} delivery @param {boolean} shares somebody shows a screen
 * @returns {Sentence[]}
 */
export function sentencesOf(delivery, shares) {
  const { deaf, blind, poor, late, reduced, narrow, unknown, claimed, sounds } = delivery;
  const claims = (/** @type {string} */ sound) => (/** @type {string} */ id) => claimed.includes(id) && sounds[id] === sound;
  const seconds = Math.max(0, ...late.map((l) => l.s));
  /** @type {[string, string[], number?][]} */
  const lists = [
    ['muted', deaf.filter(claims('muted'))],
    ['blocked', deaf.filter(claims('blocked'))],
    ['deaf', deaf],
    ['unknown', unknown],
    ['poor', poor],
    ['blind', shares ? blind : []],
    ['late', shares ? late.map((l) => l.id) : [], seconds],
    ['reduced', shares ? reduced : []],
    ['narrow', shares ? narrow : []],
  ];
  const said = new Set();
  const fresh = (/** @type {string[]} */ ids) => ids.filter((id) => !said.has(id) && said.add(id));
  return lists.map(([key, ids, s]) => ({ key, ids: fresh(ids), s })).filter((one) => one.ids.length > 0);
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
    id: p.id, name: String(p.name ?? ''), media: p.media ?? 'none', reached: Boolean(p.reached), deaf: Boolean(p.deaf), blind: Boolean(p.blind), claimed: Boolean(p.claimed),
    level: levelOf(p.screen), sound: p.sound ?? 'ok', hears: p.hears ?? 'unknown', behindS: numberOr(p.behind_s) ?? 0, narrow: Boolean(p.narrow), silent: Boolean(p.silent),
    loss: numberOr(p.voice_loss ?? p.loss), delayMs: p.reached ? numberOr(p.voice_delay_ms) : null, rttMs: numberOr(p.rtt_ms),
    estimateBps: numberOr(p.estimate_bps), path: pathOf(p.path),
  };
}

/** @param {Delivered} d */
function need(d) {
  const uneven = d.hears === 'poorly' || d.behindS > 0;
  return (d.deaf ? 8 : 0) + (d.blind ? 4 : 0) + (uneven ? 2 : 0) + (d.level && d.level !== 'full' ? 1 : 0);
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
  return level === 'full' || level === 'reduced' || level === 'still' || level === 'lean' || level === 'voice' ? level : null;
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
