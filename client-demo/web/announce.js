/**
 * What a screen reader is told when the state changes: what matters for taking part, and no more.
 * Pure; the sentences are under `say.` in the strings.
 */

import { connection, handsInOrder, hasFloor, roleOf, sharer } from './classroom.js';

/** @typedef {import('./classroom.js').State} State */
/** @typedef {{key: string, params?: Record<string, string|number>}} Announcement */

/** @param {State} before @param {State} after @returns {Announcement[]} */
export function announcements(before, after) {
  if (after.phase !== 'class' || before.phase !== 'class') return [];
  return [
    ...floorChange(before, after), ...micChange(before, after), ...shareChange(before, after),
    ...handChange(before, after), ...connectionChange(before, after),
  ];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function floorChange(before, after) {
  if (roleOf(after) !== 'learner' || hasFloor(before) === hasFloor(after)) return [];
  return [{ key: hasFloor(after) ? 'say.floor_given' : 'say.floor_taken' }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function micChange(before, after) {
  const [was, is] = [before.mic.status === 'live', after.mic.status === 'live'];
  if (was === is) return [];
  return [{ key: is ? 'say.mic_on' : 'say.mic_off' }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function shareChange(before, after) {
  const [was, is] = [sharer(before), sharer(after)];
  if (was?.id === is?.id) return [];
  return [is ? { key: 'say.share_started', params: { name: is.name } } : { key: 'say.share_stopped' }];
}

/** Only trainers, and only when one more hand is up. @param {State} before @param {State} after @returns {Announcement[]} */
function handChange(before, after) {
  if (roleOf(after) !== 'trainer') return [];
  const known = new Set(handsInOrder(before).map((p) => p.id));
  const fresh = handsInOrder(after).filter((p) => !known.has(p.id));
  if (fresh.length === 0) return [];
  return fresh.length === 1
    ? [{ key: 'say.hand', params: { name: fresh[0].name } }]
    : [{ key: 'say.hands', params: { n: fresh.length } }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function connectionChange(before, after) {
  const [was, is] = [connection(before), connection(after)];
  const up = (/** @type {string} */ c) => c === 'good' || c === 'weak';
  if (was === is || (up(was) && up(is))) return [];
  return [{ key: `connection.${is}` }];
}
