/**
 * The invite of this page's link. It stands in the fragment, which no browser sends to a server.
 * Read for display only: who the bearer is, the server decides.
 */

import { ROLES } from './state/roles.js';

/** @typedef {import('./state/roles.js').Role} Role */

/** @param {string} hash `location.hash` @returns {string} '' when there is none */
export function tokenFromHash(hash) {
  const token = hash.replace(/^#/, '');
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : '';
}

/**
 * @param {string} token
 * @returns {{role: Role, name: string, title: string}|null} null when it is no invite
 */
export function readInvite(token) {
  try {
    const base64 = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    if (!ROLES.includes(claims.role)) return null;
    return { role: claims.role, name: text(claims.name), title: text(claims.title) };
  } catch {
    return null;
  }
}

/** @param {any} value */
function text(value) {
  return typeof value === 'string' ? value.slice(0, 120) : '';
}

const NAME_MAX = 64;

/**
 * A typed name as the server takes it: without signs that nobody sees (pasted from other programs),
 * without spaces at its ends, of at most 64 characters.
 * @param {string} typed
 */
export function cleanName(typed) {
  const visible = typed.normalize('NFC').replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '');
  return [...visible.trim().replace(/\s+/g, ' ')].slice(0, NAME_MAX).join('').trim();
}
