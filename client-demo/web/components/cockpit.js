/** "Do they see and hear me?": measured by the relay, in one line; and the pace, from the learners. */

import { useState } from 'preact/hooks';
import { able } from '../classroom.js';
import { byNeed, summary } from '../state/delivery.js';
import { html } from '../html.js';
import { number, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Dialog } from './ui.js';

/** @typedef {import('../classroom.js').State} State */

const ROWS_MAX = 100;

/** @param {{state: State}} props */
export function Cockpit({ state }) {
  const [open, setOpen] = useState(false);
  const { delivered } = state;
  const said = state.order.features.pace && state.order.pace;
  const pace = said && said.fast + said.fine + said.lost > 0 ? said : null;
  if (!able(state, 'staff') || (!delivered && !pace)) return null;
  return html`<section class="cockpit" aria-label=${t('cockpit')} data-testid="cockpit">
    ${delivered && delivered.length > 0 && html`<${Line} state=${state} onOpen=${() => setOpen(true)} />`}
    ${pace && html`<${PaceMeter} pace=${pace} />`}
    ${open && html`<${List} state=${state} onClose=${() => setOpen(false)} />`}
  </section>`;
}

/** @param {{state: State, onOpen: () => void}} props */
function Line({ state, onOpen }) {
  const { all, sees, late, latestMs, deaf } = summary(state.delivered ?? []);
  const shares = state.slots.screen !== null;
  const well = (!shares || late === 0) && deaf.length === 0;
  const names = deaf.slice(0, 3).map((d) => state.people[d.id]?.name ?? '').filter(Boolean).join(', ');
  return html`<button type="button" class=${`cockpit-line ${well ? 'is-good' : 'is-bad'}`} data-testid="cockpit-line" onClick=${onOpen}>
    <${Icon} name=${well ? 'check' : 'warning'} />
    <span>
      ${shares ? t('cockpit.sees', { n: sees, all }) : t('cockpit.hears', { n: all - deaf.length, all })}
      ${shares && late > 0 && html` <span>${latestMs > 0 ? t('cockpit.late', { n: late, seconds: Math.round(latestMs / 1000) }) : t('cockpit.unseen', { n: late })}</span>`}
      ${deaf.length > 0 && html` <span>${t('cockpit.deaf', { n: deaf.length, names })}</span>`}
    </span>
    <span class="cockpit-open">${t('cockpit.open')}</span>
  </button>`;
}

/** @param {{state: State, onClose: () => void}} props */
function List({ state, onClose }) {
  const rows = byNeed(state.delivered ?? []);
  return html`<${Dialog} title=${t('cockpit')} testid="cockpit-list" onClose=${onClose}>
    <p class="soft">${t('cockpit.how')}</p>
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t('cockpit')}><table>
      <thead><tr><th scope="col">${t('name')}</th><th scope="col">${t('cockpit.sound')}</th><th scope="col">${t('cockpit.screen')}</th><th scope="col">${t('cockpit.path')}</th></tr></thead>
      <tbody>${rows.slice(0, ROWS_MAX).map((d) => html`<tr key=${d.id} data-testid="cockpit-row" data-id=${d.id}>
        <th scope="row">${state.people[d.id]?.name ?? t('unknown')}${d.silent && html`<span class="cell-note">${t('cockpit.silent')}</span>`}</th>
        <td>${d.hears === false ? html`<span class="bad-text"><${Icon} name="warning" />${t('cockpit.no')}</span>` : t(d.hears === null ? 'unknown' : 'cockpit.yes')}
          ${d.lossPercent ? html`<span class="cell-note">${t('cockpit.loss', { value: number(d.lossPercent / 100, { style: 'percent', maximumFractionDigits: 1 }) })}</span>` : null}</td>
        <td>${d.sees ? t(d.level ? `level_of.${d.level}` : 'cockpit.yes')
          : html`<span class="bad-text"><${Icon} name="warning" />${d.screenAgeMs ? t('cockpit.age', { seconds: Math.round(d.screenAgeMs / 1000) }) : t('cockpit.no')}</span>`}</td>
        <td>${t(d.path ? `path_of.${d.path}` : 'unknown')}</td>
      </tr>`)}</tbody>
    </table></div>
  <//>`;
}

/** @param {{pace: import('../state/order.js').Pace}} props */
function PaceMeter({ pace }) {
  const all = pace.fast + pace.fine + pace.lost;
  return html`<div class="pace-meter" data-testid="pace-meter" role="group" aria-label=${t('pace')}>
    <p class="pace-words">${(['lost', 'fast', 'fine']).map((key) => {
      const n = pace[/** @type {'fast'} */ (key)];
      return html`<span class=${`pace-word is-${key}`}><strong>${number(n)}</strong> ${t(`pace.said.${key}`)}</span>`;
    })}</p>
    <div class="pace-bar" aria-hidden="true">${all > 0 && ['lost', 'fast', 'fine'].map((key) => html`<span class=${`is-${key}`} style=${{ flexGrow: String(pace[/** @type {'fast'} */ (key)]) }}></span>`)}</div>
  </div>`;
}
