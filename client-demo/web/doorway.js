/**
 * What a visit begins with, before anything is loaded that only a class needs: the first page can be
 * used at once, and what is asked of the session there is done when that has come.
 */

import { roleOf } from './classroom.js';
import { findObstacle } from './devices.js';
import { loadResume } from './resume_store.js';

/** @typedef {import('./classroom.js').State} State */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./resume_store.js').Saved} Saved */

/**
 * @typedef {{kind: 'stop', reason: string}|{kind: 'resume', saved: Saved}|{kind: 'enter'}|{kind: 'door'}} FirstStep
 * a page that cannot go on; a reload; an operator, whom nobody asks anything; everybody else
 */

/** @param {State} state @param {string} token @param {number} now ms since 1970 @returns {FirstStep} */
export function firstStep(state, token, now) {
  const obstacle = findObstacle();
  if (obstacle) return { kind: 'stop', reason: obstacle };
  if (!state.invite) return { kind: 'stop', reason: token ? 'invalid_token' : 'no_token' };
  const saved = loadResume(token, now);
  if (saved) return { kind: 'resume', saved };
  return { kind: roleOf(state) === 'operator' ? 'enter' : 'door' };
}

/** Stands for the session on the first page. */
export class Doorway {
  /** @param {{dispatch(event: any): void}} store @param {Promise<Session>} session */
  constructor(store, session) {
    this.store = store;
    this.session = session;
    this.mic = {
      track: null,
      open: () => session.then(({ mic }) => mic.open()),
      choose: (/** @type {string} */ deviceId) => session.then(({ mic }) => mic.choose(deviceId)),
    };
  }

  /** @param {string} name */
  async enter(name) {
    this.store.dispatch({ type: 'phase', phase: 'joining' });
    (await this.session).enter(name);
  }
}
