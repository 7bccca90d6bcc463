/** What the class does now: one press changes it for all; everybody sees it. */

import { able } from '../classroom.js';
import { MODES } from '../state/order.js';
import { html } from '../html.js';
import { clockTime, t } from '../i18n.js';
import { ClassTime, Countdown } from './clock.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** @type {Record<import('../state/order.js').Mode, import('./icons.js').IconName>} */
const ICONS = { lecture: 'book', discussion: 'talk', practical: 'tool', quiz: 'quiz', break: 'cup' };

const BREAK_MINUTES = 10;
const BREAK_CHOICES = [5, 10, 15, 30];

/** @param {{state: State, session: Session}} props */
export function ModeBar({ state, session }) {
  if (!state.order.features.modes || !able(state, 'mode')) return null;
  const now = state.order.mode.mode;
  const set = (/** @type {string} */ mode) => mode !== now && session.ask('mode_set', mode === 'break' ? { mode, minutes: BREAK_MINUTES } : { mode });
  return html`<section class="modes" aria-label=${t('modes')}>
    <div class="modes-row" role="group" aria-label=${t('modes')} data-testid="modes" data-mode=${now}>
      ${MODES.map((mode) => html`<button type="button" class="mode" data-testid=${`mode-${mode}`} aria-pressed=${mode === now} onClick=${() => set(mode)}>
        <${Icon} name=${ICONS[mode]} /><span>${t(`mode.${mode}`)}</span>
      </button>`)}
    </div>
    <p class="modes-what">${t(`mode.${now}.staff`)}${state.klass?.realised_ms !== undefined && html` <${ClassTime} state=${state} realisedMs=${state.klass.realised_ms} />`}</p>
  </section>`;
}

/** For who does not choose it. @param {{state: State}} props */
export function ModeBadge({ state }) {
  if (!state.order.features.modes || able(state, 'mode')) return null;
  const now = state.order.mode.mode;
  return html`<p class=${`mode-badge is-${now}`} data-testid="mode-now" data-mode=${now}><${Icon} name=${ICONS[now]} /><span>${t(`mode.${now}`)}</span></p>`;
}

/** Stands on the screen during a break. @param {{state: State, session: Session}} props */
export function Break({ state, session }) {
  const { until_ms: until } = state.order.mode;
  const set = (/** @type {number} */ minutes) => session.ask('mode_set', { mode: 'break', minutes });
  return html`<div class="placeholder break" data-testid="break">
    <span class="placeholder-icon"><${Icon} name="cup" /></span>
    <p class="placeholder-title">${t('mode.break')}</p>
    ${until && html`<${Countdown} state=${state} until=${until} />`}
    <p class="placeholder-who">${until ? t('break.until', { time: clockTime(until - state.clockOffsetMs) }) : t('break.open')} ${t('break.media')}</p>
    ${able(state, 'mode') && html`<div class="break-set">
      <${Button} label=${t('break.end')} kind="primary" size="large" icon="enter" testid="break-end" onClick=${() => session.ask('mode_set', { mode: 'lecture' })} />
      <div class="break-minutes" role="group" aria-label=${t('break.set')}>
        <span aria-hidden="true">${t('break.set')}</span>
        ${BREAK_CHOICES.map((n) => html`<${Button} label=${t('break.minutes', { n })} size="small" testid=${`break-${n}`} onClick=${() => set(n)} />`)}
      </div>
    </div>`}
  </div>`;
}
