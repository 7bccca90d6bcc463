/** What only a class draws: who sees and hears, one by one, as far as it is known; whom staff may speak with in private; inspectors. Pure. */

import { able } from '../classroom.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../classroom.js').Person} Person */
/** @typedef {import('./delivery.js').Delivered} Delivered */

/** As the server counts. @param {Delivered} d */
const isKnown = (d) => d.reached || d.hears !== 'unknown';

/** @param {Delivered} d @returns {'yes'|'no'|'badly'|'unknown'} */
export function hearsOf(d) {
  if (d.deaf) return 'no';
  if (d.hears === 'poorly') return 'badly';
  return isKnown(d) ? 'yes' : 'unknown';
}

/** @param {Delivered} d @param {boolean} shares somebody shows a screen @returns {'yes'|'no'|'behind'|'unknown'|'nothing'} */
export function seesOf(d, shares) {
  if (!shares) return 'nothing';
  if (d.blind) return 'no';
  if (d.behindS > 0) return 'behind';
  return isKnown(d) ? 'yes' : 'unknown';
}

/** Whether this page may begin to speak with somebody in private. @param {State} state @param {Person} person */
export function maySpeakAside(state, person) {
  const { features, mode, aside } = state.order;
  return features.aside && mode.mode === 'practical' && able(state, 'staff') && !aside && person.role === 'learner' && person.here && !person.aside;
}

/** Inspectors in class: everybody sees that they are there. @param {State} state */
export function inspectors(state) {
  return Object.values(state.people).filter((p) => p.role === 'inspector' && p.here);
}
