/** "Do they see and hear me?": measured by the relay, in one line; and the pace, from the learners. */

import { useEffect, useState } from 'preact/hooks';
import { able, reachSubject } from '../classroom.js';
import { html } from '../html.js';
import { bitRate, number, t } from '../i18n.js';
import { hearsOf, seesOf } from '../state/staff.js';
import { isMild, sentencesOf } from '../state/delivery.js';
import { Icon } from './icons.js';
import { Dialog } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

const ROWS_MAX = 100;
const NAMES_MAX = 3;
/** The worst stand first; a long paragraph is read by nobody. */
const SENTENCES_MAX = 3;
const LIST_EVERY_MS = 2500;

/** @param {{state: State, session: Session}} props */
export function Cockpit({ state, session }) {
  const [open, setOpen] = useState(false);
  const { delivery } = state;
  const said = state.order.features.pace && state.order.pace;
  const pace = said && said.fast + said.fine + said.lost > 0 ? said : null;
  if (!able(state, 'staff') || (!delivery?.total && !pace)) return null;
  return html`<section class="cockpit" aria-label=${t('cockpit')} data-testid="cockpit">
    ${delivery && delivery.total > 0 && html`<${Line} state=${state} delivery=${delivery} onOpen=${() => setOpen(true)} />`}
    ${pace && html`<${PaceMeter} pace=${pace} />`}
    ${open && html`<${List} state=${state} session=${session} onClose=${() => setOpen(false)} />`}
  </section>`;
}

/** @param {{state: State, delivery: import('../state/delivery.js').Delivery, onOpen: () => void}} props */
function Line({ state, delivery, onOpen }) {
  const { total, ok } = delivery;
  const subject = reachSubject(state);
  const known = subject !== 'unknown';
  const sentences = known ? sentencesOf(delivery, subject === 'sees') : [];
  const more = sentences.slice(SENTENCES_MAX).reduce((sum, one) => sum + one.ids.length, 0);
  const well = known && ok >= total && sentences.every(isMild);
  return html`<button type="button" class=${`cockpit-line ${well ? 'is-good' : 'is-bad'}`} data-testid="cockpit-line" data-ok=${ok} data-total=${total} data-subject=${subject} onClick=${onOpen}>
    <${Icon} name=${well ? 'check' : 'warning'} />
    <span>
      ${t(`cockpit.${subject}`, { n: ok, all: total })}
      ${sentences.slice(0, SENTENCES_MAX).map(({ key, ids, s }) => html` <span data-about=${key}>${t(`cockpit.${key}`, { n: ids.length, names: namesOf(state, ids), s: s ?? 0 })}</span>`)}
      ${more > 0 && html` <span data-about="more">${t('cockpit.more', { n: more })}</span>`}
    </span>
    <span class="cockpit-open">${t('cockpit.open')}</span>
  </button>`;
}

/** @param {State} state @param {string[]} ids */
function namesOf(state, ids) {
  const names = ids.slice(0, NAMES_MAX).map((id) => state.people[id]?.name).filter(Boolean).join(', ');
  return ids.length > NAMES_MAX ? `${names}…` : names;
}

/** @param {{state: State, session: Session, onClose: () => void}} props */
function List({ state, session, onClose }) {
  const shares = state.slots.screen !== null;
  useEffect(() => {
    session.loadDelivered();
    const timer = setInterval(() => session.loadDelivered(), LIST_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<${Dialog} title=${t('cockpit')} testid="cockpit-list" onClose=${onClose}>
    <p class="soft">${t('cockpit.how')}</p>
    <div class="table-scroll delivered" tabindex="0" role="region" aria-label=${t('cockpit')}><table>
      <thead><tr><th scope="col">${t('name')}</th><th scope="col">${t('cockpit.sound')}</th><th scope="col">${t('cockpit.screen')}</th><th scope="col">${t('cockpit.lost')}</th><th scope="col">${t('cockpit.delay')}</th><th scope="col">${t('media')}</th></tr></thead>
      <tbody>${state.delivered.slice(0, ROWS_MAX).map((d) => html`<tr key=${d.id} data-testid="cockpit-row" data-id=${d.id}>
        <th scope="row">${d.name}${d.claimed && html`<span class="cell-note">${t('cockpit.claimed')}</span>`}${d.silent && html`<span class="cell-note">${t('cockpit.silent')}</span>`}</th>
        <td><${Answer} word=${hearsOf(d)} />${d.sound !== 'ok' && html`<span class="cell-note">${t(`cockpit.sound.${d.sound}`)}</span>`}</td>
        <td><${Answer} word=${seesOf(d, shares)} s=${d.behindS} />${shares && d.level && d.level !== 'full' && html`<span class="cell-note">${t(`level_of.${d.level}`)}</span>`}</td>
        <td>${d.loss === null ? t('unknown') : number(d.loss / 100, { style: 'percent', maximumFractionDigits: 1 })}</td>
        <td>${d.delayMs === null ? t('unknown') : t('unit.ms', { value: number(d.delayMs, { maximumFractionDigits: 0 }) })}</td>
        <td>${d.path?.toUpperCase() ?? t('unknown')}${d.estimateBps !== null && html`<span class="cell-note">${bitRate(d.estimateBps)}</span>`}${d.narrow && html`<span class="cell-note">${t('cockpit.is_narrow')}</span>`}</td>
      </tr>`)}</tbody>
    </table></div>
  <//>`;
}

/** @param {{word: ReturnType<typeof hearsOf>|ReturnType<typeof seesOf>, s?: number}} props `s`: by how much it is late */
function Answer({ word, s = 0 }) {
  if (word === 'nothing') return '–';
  if (word === 'unknown') return t('unknown');
  if (word === 'yes') return t('cockpit.yes');
  return html`<span class="bad-text"><${Icon} name="warning" />${t(`cockpit.${word}`, { s })}</span>`;
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
