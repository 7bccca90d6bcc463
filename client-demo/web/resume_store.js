/**
 * What a reload needs to be the same participant: kept in this tab only, for as long as the server
 * keeps the place.
 */

const KEY = 'amphi.resume';
export const RESUME_FOR_MS = 60_000;

/** @typedef {{resume: string, name: string, micOn: boolean, aside: string|null, at: number}} Saved */

/** @param {string} token */
function fingerprint(token) {
  return token.slice(-16);
}

/** @param {string} token @param {number} now ms since 1970 @returns {Saved|null} */
export function loadResume(token, now) {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    if (!saved || saved.link !== fingerprint(token) || typeof saved.resume !== 'string') return null;
    return now - saved.at < RESUME_FOR_MS ? saved : null;
  } catch {
    return null;
  }
}

/** @param {string} token @param {Saved} saved */
export function saveResume(token, saved) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...saved, link: fingerprint(token) }));
  } catch {
    // Without storage a reload is a new arrival: no harm.
  }
}

export function clearResume() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}
