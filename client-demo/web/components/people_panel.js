/** Everybody in class, the door before it, and what can be done for or about one person. */

import { useState } from 'preact/hooks';
import { able, peopleInOrder } from '../classroom.js';
import { teaches } from '../state/roles.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { maySpeakAside } from '../state/staff.js';
import { Waited } from './clock.js';
import { Icon } from './icons.js';
import { PersonRow } from './person_row.js';
import { Button, Dialog } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../classroom.js').Person} Person */
/** @typedef {import('../session.js').Session} Session */

/** Longer lists are searched, not scrolled. */
const ROWS_MAX = 60;
const SEARCH_FROM = 12;
const REASON_MAX = 200;

/** @param {{state: State, session: Session, onPerson: (id: string) => void}} props */
export function People({ state, session, onPerson }) {
  const [wanted, setWanted] = useState('');
  const people = peopleInOrder(state);
  const found = people.filter((p) => p.name.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase()));
  const actions = state.order.features.moderation && able(state, 'staff');
  const give = (/** @type {Person} */ p) => able(state, 'floor_give') && !teaches(p.role) && ['learner', 'assistant'].includes(p.role) && !p.floor && p.here && p.hand === null;
  return html`<section class="side-part" aria-labelledby="people-title">
    <h2 id="people-title"><${Icon} name="people" />${t('people')}<span class="badge" data-testid="people-count">${people.length}</span></h2>
    ${people.length > SEARCH_FROM && html`<label class="search">
      <span class="unseen">${t('people.search')}</span>
      <input type="search" data-testid="people-search" placeholder=${t('people.search')} value=${wanted}
        onInput=${(/** @type {any} */ e) => setWanted(e.target.value)} />
    </label>`}
    <ul class="people" data-testid="people">
      ${found.slice(0, ROWS_MAX).map((p) => html`<${PersonRow} key=${p.id} person=${p} state=${state}
        onGive=${give(p) ? () => session.ask('floor_give', { participant: p.id }) : null}
        onMore=${actions && p.id !== state.me?.id && p.role !== 'inspector' ? () => onPerson(p.id) : null} />`)}
    </ul>
    ${found.length > ROWS_MAX && html`<p class="side-empty">${t('people.more', { n: found.length - ROWS_MAX })}</p>`}
    ${found.length === 0 && html`<p class="side-empty">${t('people.not_found')}</p>`}
  </section>`;
}

/** Who waits before the door. @param {{state: State, session: Session}} props */
export function Door({ state, session }) {
  const { waiting, count } = state.order.lobby;
  if (!count || !able(state, 'lobby')) return null;
  return html`<section class="side-part has-hands" aria-labelledby="door-title" data-testid="door">
    <h2 id="door-title"><${Icon} name="door" />${t('door')}<span class="badge" data-testid="door-count">${count}</span></h2>
    ${count > 1 && html`<${Button} label=${t('door.admit_all', { n: count })} kind="primary" icon="enter" testid="door-admit-all" onClick=${() => session.ask('lobby_admit')} />`}
    <ul class="people">
      ${waiting.map((w) => html`<li key=${w.id} class="person" data-testid="door-row" data-id=${w.id}>
        <span class="person-name">${w.name}<span class="person-state"><${Waited} state=${state} since=${w.since_ms} /></span></span>
        <${Button} label=${t('door.admit')} kind=${count > 1 ? 'plain' : 'primary'} size="small" testid="door-admit" about=${t('of', { name: w.name })} onClick=${() => session.ask('lobby_admit', { waiting: w.id })} />
        <${Button} label=${t('door.refuse')} size="small" kind="quiet" testid="door-refuse" about=${t('to', { name: w.name })} onClick=${() => session.ask('lobby_refuse', { waiting: w.id })} />
      </li>`)}
    </ul>
  </section>`;
}

/** Whether unknown people wait, and whether anybody comes in at all. @param {{state: State, session: Session}} props */
export function DoorSettings({ state, session }) {
  const { features } = state.order;
  if (!features.lobby || !able(state, 'lobby')) return null;
  return html`<section class="side-part" aria-labelledby="door-settings">
    <h2 id="door-settings"><${Icon} name=${state.klass?.locked ? 'lock' : 'door'} />${t('door.settings')}</h2>
    <${Switch} label=${t('door.lobby')} help=${t(state.klass?.lobby ? 'door.lobby_on' : 'door.lobby_off')} on=${Boolean(state.klass?.lobby)} testid="door-toggle"
      onChange=${(/** @type {boolean} */ on) => session.ask('lobby_set', { on })} />
    ${features.lock && able(state, 'lock') && html`<${Switch} label=${t('door.lock')} help=${t(state.klass?.locked ? 'door.lock_on' : 'door.lock_off')} on=${Boolean(state.klass?.locked)}
      testid="lock-toggle" onChange=${(/** @type {boolean} */ on) => session.ask('lock', { on })} />`}
  </section>`;
}

/** @param {{label: string, help: string, on: boolean, testid: string, onChange: (on: boolean) => void}} props */
export function Switch({ label, help, on, testid, onChange }) {
  return html`<button type="button" class="switch" role="switch" aria-checked=${on} data-testid=${testid} onClick=${() => onChange(!on)}>
    <span class="switch-text"><strong>${label}</strong><span>${help}</span></span>
    <span class="switch-mark" aria-hidden="true"></span>
  </button>`;
}

/**
 * What can be done about one person: words, not symbols, and the gentle ways first.
 * @param {{state: State, session: Session, id: string, onClose: () => void, onMessage: (id: string) => void}} props
 */
export function PersonMenu({ state, session, id, onClose, onMessage }) {
  const [banning, setBanning] = useState(false);
  const p = state.people[id];
  if (!p) return null;
  const learner = p.role === 'learner';
  const deed = (/** @type {string} */ type, fields = {}) => () => { session.ask(type, { participant: id, ...fields }); onClose(); };
  const item = (/** @type {boolean} */ when, /** @type {string} */ key, /** @type {any} */ icon, /** @type {() => void} */ onClick, kind = 'plain') => when && html`<${Button}
    label=${t(`do.${key}`)} icon=${icon} kind=${kind} size="wide" testid=${`do-${key}`} onClick=${onClick} />`;
  return html`<${Dialog} title=${p.name} testid="person-menu" onClose=${onClose}>
    ${banning ? html`<${BanForm} name=${p.name} onBan=${(/** @type {string} */ reason) => { session.ask('ban', { participant: id, reason }); onClose(); }} onBack=${() => setBanning(false)} />` : html`
    <div class="menu">
      ${item(able(state, 'floor_give') && !teaches(p.role) && !p.floor, 'floor', 'mic', deed('floor_give'))}
      ${item(able(state, 'floor_give') && !teaches(p.role) && p.floor, 'floor_take', 'mic-off', deed('floor_take'))}
      ${item(able(state, 'mute_ask'), 'mute_ask', 'info', deed('mute_ask'))}
      ${item(able(state, 'floor_give') && learner && !p.muted, 'mute', 'mic-off', deed('mute'))}
      ${item(able(state, 'floor_give') && learner && Boolean(p.muted), 'unmute', 'mic', deed('mute', { on: false }))}
      ${item(able(state, 'floor_give') && learner, 'mute_others', 'mic-off', () => { session.ask('mute_all', { except: [id] }); onClose(); })}
      ${item(maySpeakAside(state, p), 'aside', 'mic', deed('aside_start'))}
      ${item(state.order.features.chat && able(state, 'staff'), 'message', 'chat', () => { onMessage(id); onClose(); })}
      ${item(able(state, 'lead_give') && teaches(p.role), 'lead', 'star', deed('lead_give'))}
    </div>
    ${able(state, 'kick') && !teaches(p.role) && html`<div class="menu is-last">
      ${item(learner, 'lobby', 'door', deed('to_lobby'))}
      ${item(true, 'kick', 'leave', deed('kick'), 'danger')}
      ${item(able(state, 'ban'), 'ban', 'ban', () => setBanning(true), 'danger')}
    </div>`}`}
  <//>`;
}

/** @param {{name: string, onBan: (reason: string) => void, onBack: () => void}} props */
function BanForm({ name, onBan, onBack }) {
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const submit = (/** @type {Event} */ e) => {
    e.preventDefault();
    const text = reason.trim();
    setMissing(!text);
    if (text) onBan(text.slice(0, REASON_MAX));
  };
  return html`<form class="menu" onSubmit=${submit}>
    <p>${t('ban.text', { name })}</p>
    <label class="field"><span class="field-label">${t('ban.reason')}</span>
      <input type="text" maxlength=${REASON_MAX} value=${reason} data-testid="ban-reason" aria-invalid=${missing} aria-describedby="ban-help"
        onInput=${(/** @type {any} */ e) => { setReason(e.target.value); setMissing(false); }} /></label>
    <p id="ban-help" class=${missing ? 'field-error' : 'field-help'} role=${missing ? 'alert' : undefined}>${t(missing ? 'ban.missing' : 'ban.help')}</p>
    <div class="dialog-actions">
      <${Button} label=${t('cancel')} testid="ban-back" onClick=${onBack} />
      <button type="submit" class="button is-danger" data-testid="ban-confirm"><span>${t('do.ban')}</span></button>
    </div>
  </form>`;
}
