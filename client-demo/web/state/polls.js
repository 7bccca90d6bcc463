/** Polls: the present one, what was answered, results, and the learner's own score. Pure. */

/** @typedef {'single'|'multiple'|'text'|'scale'} Kind */
/**
 * @typedef {object} Poll
 * @property {string} id
 * @property {Kind} kind
 * @property {string} question
 * @property {string[]} [options]
 * @property {any[]|null} [correct] staff; all when it is closed and shown
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} open
 * @property {boolean} shown
 * @property {number} at_ms
 */
/** @typedef {{id: string, answered: number, counts: number[], texts: string[]}} Results */
/** @typedef {{id: string, right: boolean|null, score: number, streak: number}} Score */
/** @typedef {{kind: Kind, question: string, options?: string[], correct?: any[], min?: number, max?: number}} Draft */
/**
 * @typedef {object} Polls
 * @property {Poll|null} poll
 * @property {Results|null} results
 * @property {Score|null} score
 * @property {{poll: string, choices?: number[], text?: string, value?: number}|null} answer what this learner has sent
 * @property {Draft[]} drafts prepared questions, the next first
 * @property {{line: number, code: string, text: string}[]} importErrors
 */

export const OPTIONS_MAX = 12;
export const OPTION_MAX = 200;
export const QUESTION_MAX = 500;
export const SCALE_VALUES_MAX = 11;
export const DRAFTS_MAX = 200;

/** @returns {Polls} */
export function initialPolls() {
  return { poll: null, results: null, score: null, answer: null, drafts: [], importErrors: [] };
}

/** @param {Polls} polls @param {any} event @returns {Polls} */
export function reducePolls(polls, event) {
  switch (event.type) {
    case 'poll':
      return withPoll(polls, event.poll);
    case 'poll_results':
      return polls.poll?.id === event.id ? { ...polls, results: resultsOf(event) } : polls;
    case 'poll_score':
      return { ...polls, score: { id: event.id, right: event.right ?? null, score: event.score ?? 0, streak: event.streak ?? 0 } };
    case 'poll_answered':
      return { ...polls, answer: event.answer };
    case 'poll_drafts':
      return { ...polls, drafts: event.drafts.slice(0, DRAFTS_MAX), importErrors: event.errors ?? polls.importErrors };
    default:
      return polls;
  }
}

/** @param {Polls} polls @param {any} snapshot @returns {Polls} */
export function applyPolls(polls, snapshot) {
  if (snapshot.poll === undefined) return polls;
  let next = withPoll(polls, snapshot.poll);
  const { poll, poll_results: results, poll_score: score } = snapshot;
  if (poll && results) next = { ...next, results: resultsOf(results) };
  if (poll?.answer !== undefined) next = { ...next, answer: answerOf(poll) };
  if (score) next = { ...next, score: { id: score.id ?? '', right: score.right ?? null, score: score.score ?? 0, streak: score.streak ?? 0 } };
  return next;
}

/** One's own answer as the server keeps it: a text, or a list of choices or with the value. @param {any} poll @returns {Polls['answer']} */
function answerOf({ id, kind, answer }) {
  if (kind === 'text') return { poll: id, text: String(answer) };
  if (!Array.isArray(answer)) return null;
  return kind === 'scale' ? { poll: id, value: answer[0] } : { poll: id, choices: answer };
}

/** @param {Polls} polls @param {Poll|null} poll @returns {Polls} */
function withPoll(polls, poll) {
  if (!poll) return { ...polls, poll: null, results: null, answer: null };
  const same = polls.poll?.id === poll.id;
  return { ...polls, poll, results: same ? polls.results : null, answer: same ? polls.answer : null };
}

/** @param {any} event @returns {Results} */
function resultsOf(event) {
  return { id: event.id, answered: event.answered ?? 0, counts: event.counts ?? [], texts: event.texts ?? [] };
}

/**
 * What each bar of a result stands for.
 * @param {Poll} poll @param {Results|null} results
 * @returns {{label: string, count: number, share: number, right: boolean}[]}
 */
export function bars(poll, results) {
  const labels = poll.kind === 'scale' ? scaleValues(poll).map(String) : poll.options ?? [];
  return labels.map((label, i) => {
    const count = results?.counts[i] ?? 0;
    return { label, count, share: results?.answered ? count / results.answered : 0, right: Boolean(poll.correct?.includes(i)) && poll.kind !== 'scale' };
  });
}

/** @param {{min?: number, max?: number}} poll */
export function scaleValues({ min = 1, max = 5 }) {
  return Array.from({ length: Math.min(SCALE_VALUES_MAX, Math.max(0, max - min + 1)) }, (_, i) => min + i);
}

/**
 * A typed question as the server takes it, or what is missing.
 * @param {{kind: Kind, question: string, options: string[], correct: number[], answers: string, min: number, max: number}} form
 * @returns {{draft: Draft}|{missing: 'question'|'options'|'scale'}}
 */
export function draftOf({ kind, question, options, correct, answers, min, max }) {
  const text = question.trim();
  if (!text) return { missing: 'question' };
  if (kind === 'scale') return max > min && max - min < SCALE_VALUES_MAX ? { draft: { kind, question: text, min, max } } : { missing: 'scale' };
  if (kind === 'text') {
    const right = answers.split('\n').map((a) => a.trim()).filter(Boolean);
    return { draft: { kind, question: text, ...(right.length ? { correct: right } : {}) } };
  }
  const kept = options.map((o, i) => ({ text: o.trim(), right: correct.includes(i) })).filter((o) => o.text);
  if (kept.length < 2) return { missing: 'options' };
  const right = kept.flatMap((o, i) => (o.right ? [i] : []));
  return { draft: { kind, question: text, options: kept.map((o) => o.text), ...(right.length ? { correct: right } : {}) } };
}
