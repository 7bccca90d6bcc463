/** A new question, typed or taken from a GIFT text. */

import { useState } from 'preact/hooks';
import { OPTIONS_MAX, OPTION_MAX, QUESTION_MAX, draftOf } from '../state/polls.js';
import { html } from '../html.js';
import { has, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../state/polls.js').Kind} Kind */

/** @type {Kind[]} */
const KINDS = ['single', 'multiple', 'text', 'scale'];
const EMPTY = { kind: /** @type {Kind} */ ('single'), question: '', options: ['', '', ''], correct: /** @type {number[]} */ ([]), answers: '', min: 1, max: 5 };

/** @param {{state: State, session: Session}} props */
export function PollForm({ state, session }) {
  const [form, setForm] = useState(EMPTY);
  const [missing, setMissing] = useState('');
  const set = (/** @type {(form: typeof EMPTY) => Partial<typeof EMPTY>} */ change) => { setForm((now) => ({ ...now, ...change(now) })); setMissing(''); };
  const start = async (/** @type {Event} */ e) => {
    e.preventDefault();
    const result = draftOf(form);
    if ('missing' in result) setMissing(result.missing);
    else if (await session.ask('poll_start', result.draft)) setForm({ ...EMPTY, kind: form.kind });
  };
  return html`<${Drafts} state=${state} session=${session} />
    <form class="side-part poll-form" onSubmit=${start} aria-labelledby="poll-new">
      <h2 id="poll-new"><${Icon} name="poll" />${t('poll.new')}</h2>
      <label class="field"><span class="field-label">${t('poll.kind')}</span>
        <select data-testid="poll-kind" value=${form.kind} onChange=${(/** @type {any} */ e) => set(() => ({ kind: e.target.value, correct: [] }))}>
          ${KINDS.map((kind) => html`<option value=${kind} selected=${kind === form.kind}>${t(`poll.kind.${kind}`)}</option>`)}
        </select></label>
      <label class="field"><span class="field-label">${t('poll.question')}</span>
        <textarea rows="2" maxlength=${QUESTION_MAX} data-testid="poll-question" value=${form.question} onInput=${(/** @type {any} */ e) => set(() => ({ question: e.target.value }))}></textarea></label>
      ${(form.kind === 'single' || form.kind === 'multiple') && html`<${Options} form=${form} set=${set} />`}
      ${form.kind === 'text' && html`<label class="field"><span class="field-label">${t('poll.answers')}</span>
        <textarea rows="2" maxlength="1000" data-testid="poll-answers" aria-describedby="answers-help" value=${form.answers} onInput=${(/** @type {any} */ e) => set(() => ({ answers: e.target.value }))}></textarea>
        <span class="field-help" id="answers-help">${t('poll.answers_help')}</span></label>`}
      ${form.kind === 'scale' && html`<div class="pair">
        ${(/** @type {const} */ (['min', 'max'])).map((key) => html`<label class="field"><span class="field-label">${t(`poll.${key}`)}</span>
          <input type="number" min="0" max="100" data-testid=${`poll-${key}`} value=${form[key]} onInput=${(/** @type {any} */ e) => set(() => ({ [key]: Number(e.target.value) }))} /></label>`)}
      </div>`}
      ${missing && html`<p class="field-error" role="alert"><${Icon} name="warning" />${t(`poll.missing.${missing}`)}</p>`}
      <button type="submit" class="button is-primary" data-testid="poll-start"><${Icon} name="send" /><span>${t('poll.start')}</span></button>
    </form>
    <${Import} state=${state} session=${session} />`;
}

/** @param {{form: typeof EMPTY, set: (change: (form: typeof EMPTY) => Partial<typeof EMPTY>) => void}} props */
function Options({ form, set }) {
  const write = (/** @type {number} */ i, /** @type {string} */ text) => set((now) => ({ options: now.options.map((o, k) => (k === i ? text : o)) }));
  const mark = (/** @type {number} */ i, /** @type {boolean} */ on) => set((now) => ({ correct: now.kind === 'single' ? (on ? [i] : []) : on ? [...now.correct, i] : now.correct.filter((c) => c !== i) }));
  return html`<fieldset class="options"><legend class="field-label">${t('poll.options')}</legend>
    <p class="field-help">${t('poll.options_help')}</p>
    ${form.options.map((option, i) => html`<div class="option">
      <input type="checkbox" checked=${form.correct.includes(i)} data-testid="poll-correct" aria-label=${t('poll.is_right', { number: i + 1 })} onChange=${(/** @type {any} */ e) => mark(i, e.target.checked)} />
      <input type="text" maxlength=${OPTION_MAX} data-testid="poll-option-text" aria-label=${t('poll.option', { number: i + 1 })} placeholder=${t('poll.option', { number: i + 1 })} value=${option} onInput=${(/** @type {any} */ e) => write(i, e.target.value)} />
    </div>`)}
    ${form.options.length < OPTIONS_MAX && html`<${Button} label=${t('poll.more')} icon="plus" size="small" kind="quiet" testid="poll-more" onClick=${() => set((now) => ({ options: [...now.options, ''] }))} />`}
  </fieldset>`;
}

/** Prepared questions: the next one at a press. @param {{state: State, session: Session}} props */
function Drafts({ state, session }) {
  const { drafts } = state.polls;
  if (drafts.length === 0) return null;
  const without = (/** @type {number} */ i) => session.store.dispatch({ type: 'poll_drafts', drafts: drafts.filter((_, k) => k !== i) });
  const start = async (/** @type {number} */ i) => { if (await session.ask('poll_start', drafts[i])) without(i); };
  return html`<section class="side-part" aria-labelledby="drafts-title">
    <h2 id="drafts-title"><${Icon} name="quiz" />${t('drafts')}<span class="badge">${drafts.length}</span></h2>
    <ol class="people drafts">${drafts.map((d, i) => html`<li class="person" data-testid="poll-draft">
      <span class="person-name">${d.question}<span class="person-state">${t(`poll.kind.${d.kind}`)}</span></span>
      <${Button} label=${t('poll.start_short')} size="small" kind=${i === 0 ? 'primary' : 'plain'} testid="poll-draft-start" about=${t('end.about', { title: d.question })} onClick=${() => start(i)} />
      <${Button} label=${t('drafts.drop')} icon="trash" iconOnly size="small" kind="quiet" testid="poll-draft-drop" about=${t('end.about', { title: d.question })} onClick=${() => without(i)} />
    </li>`)}</ol>
  </section>`;
}

/** @param {{state: State, session: Session}} props */
function Import({ state, session }) {
  const [gift, setGift] = useState('');
  const { importErrors } = state.polls;
  const read = async (/** @type {any} */ e) => {
    const file = e.target.files?.[0];
    if (file) setGift(await file.text());
  };
  return html`<details class="side-part import">
    <summary>${t('import')}</summary>
    <p class="field-help">${t('import.help')}</p>
    <label class="field"><span class="field-label">${t('import.file')}</span><input type="file" accept=".gift,.txt,text/plain" data-testid="poll-file" onChange=${read} /></label>
    <label class="field"><span class="field-label">${t('import.text')}</span>
      <textarea rows="5" class="code" data-testid="poll-gift" value=${gift} spellcheck=${false} onInput=${(/** @type {any} */ e) => setGift(e.target.value)}></textarea></label>
    <${Button} label=${t('import.do')} icon="plus" testid="poll-import" disabled=${!gift.trim()} onClick=${() => session.importPolls(gift).then(() => setGift(''))} />
    ${importErrors.length > 0 && html`<div role="alert"><ul class="import-errors" data-testid="poll-import-errors">
      ${importErrors.map((error) => html`<li>${t('import.line', { line: error.line })} ${has(`gift.${error.code}`) ? t(`gift.${error.code}`) : error.text}</li>`)}
    </ul></div>`}
  </details>`;
}
