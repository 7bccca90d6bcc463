/** Polls and quizzes: the learner answers, the trainer asks and sees; and the results of both. */

import { useEffect, useState } from 'preact/hooks';
import { able } from '../classroom.js';
import { bars, scaleValues } from '../state/polls.js';
import { html } from '../html.js';
import { number, percent, t, untilLoaded } from '../i18n.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../state/polls.js').Poll} Poll */

/** Who runs polls loads the form for one; a learner never does. @param {{state: State, session: Session}} props */
function NewPoll({ state, session }) {
  const [form, setForm] = useState(/** @type {{PollForm: typeof import('./poll_form.js').PollForm}|null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => { untilLoaded((again) => import(`./poll_form.js${again}`), () => setFailed(true)).then(setForm); }, []);
  if (!form) return failed && html`<p class="side-empty" role="status" data-testid="poll-waits">${t('poll.waits')}</p>`;
  return html`<${form.PollForm} state=${state} session=${session} />`;
}

/** @param {{state: State, session: Session}} props */
export function Polls({ state, session }) {
  const runs = able(state, 'poll_run');
  const { poll } = state.polls;
  if (runs) return html`<section class="poll-part" aria-label=${t('poll')} data-testid="poll">
    ${poll && html`<${Run} state=${state} session=${session} poll=${poll} />`}
    ${!poll?.open && html`<${NewPoll} state=${state} session=${session} />`}
  </section>`;
  if (!poll) return html`<section class="poll-part" aria-label=${t('poll')} data-testid="poll"><p class="side-empty">${t('poll.none')}</p><${OwnScore} state=${state} /></section>`;
  return html`<section class="poll-part" aria-label=${t('poll')} data-testid="poll">
    ${poll.open && able(state, 'poll_answer') ? html`<${Answer} key=${poll.id} state=${state} session=${session} poll=${poll} />` : html`<h2 class="poll-question">${poll.question}</h2>`}
    ${!poll.open && html`<${OwnScore} state=${state} />`}
    ${poll.shown && html`<${Results} state=${state} poll=${poll} />`}
    ${!poll.open && !poll.shown && html`<p class="side-empty">${t('poll.closed')}</p>`}
  </section>`;
}

/** @param {{state: State, session: Session, poll: Poll}} props */
function Run({ state, session, poll }) {
  const answered = state.polls.results?.answered ?? 0;
  return html`<div class="side-part" data-testid="poll-run">
    <p class="poll-state"><span class=${`tag ${poll.open ? 'is-good' : ''}`}>${t(poll.open ? 'poll.is_open' : 'poll.is_closed')}</span>
      <span role="status">${t('poll.answered', { n: answered, all: state.count.learner })}</span></p>
    <h2 class="poll-question">${poll.question}</h2>
    <${Results} state=${state} poll=${poll} />
    <div class="poll-do">
      ${poll.open && html`<${Button} label=${t('poll.close')} kind="primary" icon="stop" testid="poll-close" onClick=${() => session.ask('poll_close', { poll: poll.id })} />`}
      <${Button} label=${t(poll.shown ? 'poll.hide' : 'poll.show')} icon="eye" testid="poll-show" pressed=${poll.shown} onClick=${() => session.ask('poll_show', { poll: poll.id, on: !poll.shown })} />
    </div>
  </div>`;
}

/** @param {{state: State, poll: Poll}} props */
function Results({ state, poll }) {
  const { results } = state.polls;
  if (poll.kind === 'text') return html`<ul class="poll-texts" data-testid="poll-results">${(results?.texts ?? []).map((text) => html`<li>${typeof text === 'string' ? text : String(/** @type {any} */ (text).text ?? '')}</li>`)}</ul>`;
  return html`<ul class="bars" data-testid="poll-results">
    ${bars(poll, results).map((bar) => html`<li class=${`bar-row ${bar.right ? 'is-right' : ''}`} data-testid="poll-bar">
      <span class="bar-label">${bar.right && html`<${Icon} name="check" /><span class="unseen">${t('poll.right')}</span>`}${bar.label}</span>
      <span class="bar-count">${number(bar.count)} <span class="soft">(${percent(bar.share)})</span></span>
      <span class="bar-line" aria-hidden="true"><span style=${{ width: `${Math.round(bar.share * 100)}%` }}></span></span>
    </li>`)}
  </ul>`;
}

/** @param {{state: State, session: Session, poll: Poll}} props */
function Answer({ state, session, poll }) {
  const sent = state.polls.answer?.poll === poll.id ? state.polls.answer : null;
  const [choices, setChoices] = useState(/** @type {number[]} */ (sent?.choices ?? []));
  const [text, setText] = useState(sent?.text ?? '');
  const [value, setValue] = useState(/** @type {number|null} */ (sent?.value ?? null));
  const [changed, setChanged] = useState(false);
  const ready = poll.kind === 'text' ? text.trim() !== '' : poll.kind === 'scale' ? value !== null : choices.length > 0;
  const touch = (/** @type {() => void} */ f) => { f(); setChanged(true); };
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    if (!ready) return;
    const answer = poll.kind === 'text' ? { text: text.trim() } : poll.kind === 'scale' ? { value: Number(value) } : { choices };
    if (await session.answerPoll(poll.id, answer)) setChanged(false);
  };
  const toggle = (/** @type {number} */ i) => touch(() => setChoices(poll.kind === 'single' ? [i] : choices.includes(i) ? choices.filter((c) => c !== i) : [...choices, i].sort()));
  return html`<form class="answer" onSubmit=${submit}>
    <fieldset>
      <legend class="poll-question">${poll.question}</legend>
      <p class="field-help">${t(`poll.how.${poll.kind}`)}</p>
      ${(poll.kind === 'single' || poll.kind === 'multiple') && (poll.options ?? []).map((option, i) => html`<label class="choice" data-testid="poll-option">
        <input type=${poll.kind === 'single' ? 'radio' : 'checkbox'} name="choice" checked=${choices.includes(i)} onChange=${() => toggle(i)} /><span>${option}</span></label>`)}
      ${poll.kind === 'scale' && html`<div class="scale">${scaleValues(poll).map((n) => html`<label class="choice is-scale" data-testid="poll-option">
        <input type="radio" name="choice" checked=${value === n} onChange=${() => touch(() => setValue(n))} /><span>${n}</span></label>`)}</div>`}
      ${poll.kind === 'text' && html`<input type="text" maxlength="200" data-testid="poll-text" aria-label=${t('poll.your_answer')} value=${text} onInput=${(/** @type {any} */ e) => touch(() => setText(e.target.value))} />`}
    </fieldset>
    <button type="submit" class="button is-primary" data-testid="poll-send" disabled=${!ready || (Boolean(sent) && !changed)}><${Icon} name="send" /><span>${t(sent && changed ? 'poll.send_again' : 'poll.send')}</span></button>
    <p role="status" class="poll-sent" data-testid="poll-sent">${sent && !changed ? html`<${Icon} name="check" />${t('poll.sent')}` : ''}</p>
  </form>`;
}

/** Only the learner sees it. @param {{state: State}} props */
function OwnScore({ state }) {
  const { score } = state.polls;
  if (!score || (!score.id && score.score === 0)) return null;
  const how = score.right === null ? '' : score.right ? 'right' : 'wrong';
  return html`<div class=${`score ${how ? `is-${how}` : ''}`} role="status" data-testid="poll-score">
    ${how && html`<p class="score-how"><${Icon} name=${how === 'right' ? 'check' : 'info'} />${t(`score.${how}`)}</p>`}
    <p>${t('score.points', { n: score.score })} ${score.streak > 1 ? t('score.streak', { n: score.streak }) : ''}</p>
    <p class="soft">${t('score.private')}</p>
  </div>`;
}
