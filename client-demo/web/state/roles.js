/**
 * Who may do what: the server's table again, so that a page shows no control that would be refused.
 * The server decides; this only draws. Pure.
 */

/** @typedef {'trainer'|'co_trainer'|'assistant'|'learner'|'inspector'|'operator'} Role */
/** @typedef {keyof typeof TABLE} Ability */
/** @typedef {{floor?: boolean, lead?: boolean}} Standing */

export const ROLES = /** @type {const} */ (['trainer', 'co_trainer', 'assistant', 'learner', 'inspector', 'operator']);

const [NO, FLOOR, LEAD, YES] = /** @type {const} */ (['no', 'floor', 'lead', 'yes']);

/** Columns in the order of ROLES. */
export const TABLE = /** @type {const} */ ({
  share: [YES, YES, FLOOR, FLOOR, NO, NO],
  hand: [NO, NO, NO, YES, NO, NO],
  hand_lower: [YES, YES, YES, NO, NO, NO],
  floor_give: [YES, YES, NO, NO, NO, NO],
  mute_ask: [YES, YES, YES, NO, NO, NO],
  mode: [YES, YES, NO, NO, NO, NO],
  lead_give: [YES, LEAD, NO, NO, NO, NO],
  lobby: [YES, YES, YES, NO, NO, NO],
  lock: [YES, LEAD, NO, NO, NO, NO],
  kick: [YES, YES, NO, NO, NO, NO],
  ban: [YES, LEAD, NO, NO, NO, NO],
  chat: [YES, YES, YES, YES, NO, NO],
  chat_moderate: [YES, YES, YES, NO, NO, NO],
  poll_run: [YES, YES, YES, NO, NO, NO],
  poll_answer: [NO, NO, NO, YES, NO, NO],
  pace: [NO, NO, NO, YES, NO, NO],
  help: [NO, NO, NO, YES, NO, NO],
  staff: [YES, YES, YES, NO, NO, NO],
  see_everybody: [YES, YES, YES, NO, YES, YES],
  end: [YES, LEAD, NO, NO, NO, YES],
});

/**
 * @param {Role} role @param {Ability} ability @param {Standing} [standing]
 */
export function may(role, ability, { floor = false, lead = false } = {}) {
  const answer = TABLE[ability][ROLES.indexOf(role)] ?? NO;
  return answer === YES || (answer === FLOOR && floor) || (answer === LEAD && lead);
}

/** Heard and seen by right. @param {Role} role */
export function teaches(role) {
  return role === 'trainer' || role === 'co_trainer';
}
