/** How the connection is: a word at the top, and all of it in plain words behind it. */

import { connectionSign, lessOfScreen, roleOf } from '../classroom.js';
import { pathOf } from '../state/delivery.js';
import { html } from '../html.js';
import { number, t } from '../i18n.js';
import { LineCheck } from './checks.js';
import { Icon } from './icons.js';
import { Dialog } from './ui.js';

/** @typedef {import('../classroom.js').State} State */

/** @param {{state: State, onOpen?: () => void}} props */
export function Connection({ state, onOpen }) {
  const how = connectionSign(state);
  const good = how === 'good' || how === 'weak';
  const inside = html`<${Icon} name=${good ? 'signal' : 'signal-off'} /><span>${t(`connection.${how}`)}</span>`;
  const names = `connection is-${how}`;
  const path = pathOf(state.path);
  if (!onOpen) return html`<p class=${names} data-testid="connection" data-state=${how}>${inside}</p>`;
  return html`<button type="button" class=${names} data-testid="connection" data-state=${how} data-path=${state.path ?? ''} title=${path ? t(`path_why.${path}`) : ''} aria-label=${`${t(`connection.${how}`)} – ${t('line.open')}`} onClick=${onOpen}>${inside}</button>`;
}

/** @param {{state: State, onClose: () => void}} props */
export function LineDialog({ state, onClose }) {
  const how = connectionSign(state);
  const { rttMs, level } = state.line;
  const path = pathOf(state.path);
  return html`<${Dialog} title=${t('line.title')} testid="line-panel" onClose=${onClose}>
    <dl class="facts">
      <div><dt>${t('line.now')}</dt><dd>${t(`connection.${how}`)}</dd></div>
      ${path && html`<div><dt>${t('line.path')}</dt><dd data-testid="line-path">${t(`path_of.${path}`)} <span class="cell-note">${t(`path_why.${path}`)}</span></dd></div>`}
      ${level && html`<div><dt>${t('cockpit.screen')}</dt><dd>${t(`level.${level}`)}</dd></div>`}
      ${rttMs !== null && html`<div><dt>${t('rtt')}</dt><dd>${t('unit.ms', { value: number(rttMs) })} <span class="cell-note">${t(rttMs < 150 ? 'line.delay_good' : rttMs < 350 ? 'line.delay_fair' : 'line.delay_poor')}</span></dd></div>`}
    </dl>
    <p>${t(roleOf(state) === 'learner' ? 'line.advice' : 'line.advice_trainer')}</p>
    <div class="checks"><${LineCheck} /></div>
  <//>`;
}

/** What the picture does on a poor line, said beside the picture: nothing of it is covered. @param {{state: State}} props */
export function LevelChip({ state }) {
  const level = lessOfScreen(state);
  return level && html`<p class="level-chip" data-testid="line-level" data-level=${level}><${Icon} name="signal" />${t(`level.${level}`)}</p>`;
}
