/** The panel beside the screen: the class, messages, polls; each role its part of it. */

import { useRef, useState } from 'preact/hooks';
import { able, bells, handsInOrder } from '../classroom.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Chat } from './chat_panel.js';
import { Cockpit } from './cockpit.js';
import { Icon } from './icons.js';
import { Door, DoorSettings, People, PersonMenu } from './people_panel.js';
import { Polls } from './poll_panel.js';
import { Bells, Queue } from './queue_panel.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {'class'|'chat'|'poll'} Tab */

/** @type {Record<Tab, import('./icons.js').IconName>} */
const ICONS = { class: 'people', chat: 'chat', poll: 'poll' };

/** The tabs that this role and this server have. @param {State} state @returns {Tab[]} */
export function tabsOf(state) {
  const { features } = state.order;
  return /** @type {Tab[]} */ ([
    able(state, 'see_everybody') && 'class', features.chat && 'chat', features.polls && 'poll',
  ].filter(Boolean));
}

/** What waits behind a tab, as a number. @param {State} state @param {Tab} tab */
export function waitingAt(state, tab) {
  if (tab === 'class') return handsInOrder(state).length + bells(state).filter((p) => !p.helper).length + state.order.lobby.count;
  if (tab === 'chat') return state.chat.unread;
  return state.polls.poll?.open && able(state, 'poll_answer') && !state.polls.answer ? 1 : 0;
}

/**
 * @param {{state: State, session: Session, tab: Tab, onTab: (tab: Tab) => void, onClose: (() => void)|null}} props
 */
export function Side({ state, session, tab, onTab, onClose }) {
  const [person, setPerson] = useState(/** @type {string|null} */ (null));
  const [to, setTo] = useState('all');
  const tabs = tabsOf(state);
  const row = useRef(/** @type {HTMLDivElement|null} */ (null));
  const shown = tabs.includes(tab) ? tab : tabs[0];
  // A hand that is up goes before a knock at the door; without hands, the door is first.
  const calm = handsInOrder(state).length === 0;
  const move = (/** @type {KeyboardEvent} */ e) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length];
    onTab(next);
    /** @type {HTMLElement|null|undefined} */ (row.current?.querySelector(`[data-testid="tab-${next}"]`))?.focus();
  };
  return html`<aside class="side" aria-label=${t('side')} data-testid="side">
    ${able(state, 'staff') && html`<${Cockpit} state=${state} session=${session} />`}
    <div class="side-top">
      ${tabs.length > 1 || onClose ? html`<div class="tabs" role="tablist" aria-label=${t('side')} ref=${row} onKeyDown=${move}>
        ${tabs.map((name) => html`<button type="button" class="tab" role="tab" id=${`tab-${name}`} aria-selected=${name === shown} aria-controls="side-panel" tabindex=${name === shown ? 0 : -1}
          data-testid=${`tab-${name}`} onClick=${() => onTab(name)}>
          <${Icon} name=${ICONS[name]} /><span>${t(`tab.${name}`)}</span><${Count} n=${waitingAt(state, name)} />
        </button>`)}
      </div>` : null}
      ${onClose && html`<${Button} label=${t('side.close')} icon="close" iconOnly kind="quiet" testid="side-close" onClick=${onClose} />`}
    </div>
    <div class="side-panel" id="side-panel" tabindex="0" role=${tabs.length > 1 ? 'tabpanel' : 'region'} aria-labelledby=${tabs.length > 1 ? `tab-${shown}` : undefined} aria-label=${tabs.length > 1 ? undefined : t(`tab.${shown}`)}>
      ${shown === 'class' && html`
        ${calm && html`<${Door} state=${state} session=${session} />`}
        <${Bells} state=${state} session=${session} onPerson=${setPerson} />
        <${Queue} state=${state} session=${session} onPerson=${setPerson} />
        ${!calm && html`<${Door} state=${state} session=${session} />`}
        <${People} state=${state} session=${session} onPerson=${setPerson} />
        <${DoorSettings} state=${state} session=${session} />`}
      ${shown === 'chat' && html`<${Chat} state=${state} session=${session} to=${to} onTo=${setTo} />`}
      ${shown === 'poll' && html`<${Polls} state=${state} session=${session} />`}
    </div>
    ${person && html`<${PersonMenu} state=${state} session=${session} id=${person} onClose=${() => setPerson(null)}
      onMessage=${(/** @type {string} */ id) => { setTo(id); onTab('chat'); }} />`}
  </aside>`;
}

/** @param {{n: number}} props */
export function Count({ n }) {
  return n > 0 ? html`<span class="count"><span aria-hidden="true">${n > 99 ? '99+' : n}</span><span class="unseen">${t('count.new', { n })}</span></span>` : null;
}
