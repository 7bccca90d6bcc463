/**
 * What stands where the class is not. Before it: who, and does it all work; the wait before the door, with the same tests; on the way.
 * Behind it: why it has stopped, in a sentence, and the one thing to do now.
 */

import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { has, t } from '../i18n.js';
import { cleanName } from '../invite.js';
import { teaches } from '../state/roles.js';
import { Checks } from './checks.js';
import { Waited } from './clock.js';
import { Icon } from './icons.js';
import { Button, Paper } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** What can be pressed: most reasons need another link, which no button can give. */
const ACTIONS = /** @type {Record<string, 'come_back'|'reload'|'use_here'|'try_again'>} */ ({
  left: 'come_back', taken_over: 'use_here', class_full: 'reload', version: 'reload', internal: 'reload',
  removed: 'try_again', not_now: 'try_again', class_locked: 'try_again', lobby_full: 'try_again',
});
const CALM = ['left', 'class_ended', 'taken_over', 'not_now', 'class_locked', 'lobby_full'];

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function Entry({ state, session, onLang }) {
  const invite = state.invite;
  const role = invite?.role ?? 'learner';
  const [name, setName] = useState(invite?.name ?? '');
  const [missing, setMissing] = useState(false);
  const enter = () => {
    const typed = cleanName(name);
    setMissing(!typed);
    if (typed) session.enter(typed);
    else document.getElementById('name')?.focus();
  };
  return html`<${Paper} onLang=${onLang}>
    <main class="entry" data-testid="lobby">
      <div class="entry-head">
        <p class="entry-role">${t(`lobby.as_${role}`)}</p>
        <h1 data-testid="class-title">${invite?.title || t('lobby.title')}</h1>
      </div>
      <form class="card entry-form" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); enter(); }}>
        <${NameField} fixed=${Boolean(invite?.name)} name=${name} missing=${missing} onName=${(/** @type {string} */ n) => { setName(n); setMissing(false); }} />
        <button type="submit" class="button is-primary is-large is-wide" data-testid="enter">
          <${Icon} name="enter" /><span>${t(teaches(role) || role === 'inspector' ? 'lobby.enter' : 'lobby.enter_listening')}</span>
        </button>
        <p class="entry-hint">${t(`lobby.hint_${teaches(role) ? 'trainer' : role === 'inspector' ? 'inspector' : 'learner'}`)}</p>
      </form>
      <section class="card entry-checks" aria-labelledby="checks-title">
        <h2 id="checks-title">${t('checks')}</h2>
        <p class="soft">${t('checks.why')}</p>
        <${Checks} state=${state} session=${session} />
      </section>
    </main>
  <//>`;
}

/** An invite that names somebody cannot be renamed: the server would ignore it. @param {any} props */
function NameField({ fixed, name, missing, onName }) {
  return html`<div class="field">
    <label class="field-label" for="name">${t('lobby.name')}</label>
    <input id="name" data-testid="name" type="text" autocomplete="name" maxlength="64" value=${name} readonly=${fixed}
      aria-invalid=${missing} aria-describedby=${missing ? 'name-missing' : 'name-help'}
      onInput=${(/** @type {any} */ e) => onName(e.target.value)} />
    ${missing
      ? html`<p class="field-error" id="name-missing" role="alert"><${Icon} name="warning" />${t('lobby.name_missing')}</p>`
      : html`<p class="field-help" id="name-help">${t(fixed ? 'lobby.name_fixed' : 'lobby.name_help')}</p>`}
  </div>`;
}

/** The door is closed for now: what happens, and what to do meanwhile. @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function Waiting({ state, session, onLang }) {
  const { waiting } = state.order;
  return html`<${Paper} onLang=${onLang}>
    <main class="entry" data-testid="waiting">
      <div class="entry-head">
        <p class="entry-role">${waiting?.title || state.invite?.title || t('lobby.title')}</p>
        <h1>${t('waiting.title')}</h1>
      </div>
      <div class="card entry-form">
        <p class="waiting-now" role="status"><span class="spinner is-small" aria-hidden="true"></span><span>${t('waiting.text')}</span></p>
        ${waiting && html`<p class="soft">${waiting.name && t('waiting.as', { name: waiting.name })} ${t('waiting.since')} <span data-testid="waiting-since"><${Waited} state=${state} since=${waiting.since_ms} /></span></p>`}
        ${state.link !== 'open' && html`<p class="bad-text" role="status">${t('trouble.reconnecting')}</p>`}
        <${Button} label=${t('waiting.leave')} icon="leave" testid="leave" onClick=${() => session.leave()} />
      </div>
      <section class="card entry-checks" aria-labelledby="checks-title">
        <h2 id="checks-title">${t('checks')}</h2>
        <p class="soft">${t('waiting.checks')}</p>
        <${Checks} state=${state} session=${session} />
      </section>
    </main>
  <//>`;
}

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function Stopped({ state, session, onLang }) {
  const reason = state.stopped && has(`stopped.${state.stopped}.title`) ? state.stopped : 'internal';
  const action = ACTIONS[reason];
  const calm = CALM.includes(reason);
  return html`<${Paper} onLang=${onLang}>
    <main class="stopped" data-testid="stopped" data-reason=${state.stopped}>
      <div class="card">
        <span class=${`stopped-icon ${calm ? 'is-calm' : ''}`}><${Icon} name=${calm ? 'check' : 'warning'} /></span>
        <h1>${t(`stopped.${reason}.title`)}</h1>
        <p>${t(`stopped.${reason}.text`)}</p>
        ${state.stoppedBecause && html`<p class="because" data-testid="because"><strong>${t('stopped.because')}</strong> ${state.stoppedBecause}</p>`}
        ${action && html`<${Button} label=${t(`stopped.${action}`)} kind="primary" size="large" testid="come-back"
          icon=${action === 'reload' ? 'reload' : 'enter'} onClick=${() => session.comeBack()} />`}
      </div>
    </main>
  <//>`;
}

/** @param {{slow: boolean, onLang: (l: any) => void}} props */
export function Joining({ slow, onLang }) {
  return html`<${Paper} onLang=${onLang}>
    <main class="stopped" data-testid="joining">
      <div class="card" role="status">
        <span class="spinner" aria-hidden="true"></span>
        <h1>${t('joining.title')}</h1>
        ${slow && html`<p data-testid="joining-slow">${t('joining.slow')}</p>`}
      </div>
    </main>
  <//>`;
}
