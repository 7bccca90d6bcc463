/** The page has stopped: why, in a sentence, and the one thing to do now. */

import { html } from '../html.js';
import { has, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button, Paper } from './ui.js';

/** What can be pressed: most reasons need another link, which no button can give. */
const ACTIONS = /** @type {Record<string, 'come_back'|'reload'|'use_here'|'try_again'>} */ ({
  left: 'come_back', taken_over: 'use_here', class_full: 'reload', version: 'reload', internal: 'reload',
  removed: 'try_again', not_now: 'try_again', class_locked: 'try_again', lobby_full: 'try_again',
});
const CALM = ['left', 'class_ended', 'taken_over', 'not_now', 'class_locked', 'lobby_full'];

/** @param {{state: import('../classroom.js').State, session: import('../session.js').Session, onLang: (l: any) => void}} props */
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
