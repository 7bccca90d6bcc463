/** The trainer's panel: hands first, then who has the floor, then everybody. */

import { useState } from 'preact/hooks';
import { floorHolders, handsInOrder, peopleInOrder } from '../classroom.js';
import { html } from '../html.js';
import { clockTime, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../classroom.js').Person} Person */
/** @typedef {import('../session.js').Session} Session */

/** Longer lists are searched, not scrolled. */
const ROWS_MAX = 60;
const SEARCH_FROM = 12;

/** @param {{state: State, session: Session}} props */
export function Side({ state, session }) {
  const hands = handsInOrder(state);
  const floors = floorHolders(state);
  return html`<aside class="side" aria-label=${t('side')}>
    <section class=${`side-part ${hands.length ? 'has-hands' : ''}`} aria-labelledby="hands-title">
      <h2 id="hands-title"><${Icon} name="hand" />${t('hands')}<span class="badge" data-testid="hands-count">${hands.length}</span></h2>
      ${hands.length === 0 && html`<p class="side-empty">${t('hands.none')}</p>`}
      <ol class="people" data-testid="hands">
        ${hands.map((p) => html`<li key=${p.id} class="person" data-testid="hand-row" data-id=${p.id}>
          <span class="person-name">${p.name}<span class="person-state">${t('hands.since', { time: clockTime(Number(p.hand)) })}</span></span>
          <${Button} label=${t('floor.give')} kind="primary" size="small" testid="floor-give" about=${t('to', { name: p.name })}
            onClick=${() => session.giveFloor(p.id)} />
        </li>`)}
      </ol>
    </section>
    ${floors.length > 0 && html`<section class="side-part" aria-labelledby="floors-title">
      <h2 id="floors-title"><${Icon} name="mic" />${t('floors')}<span class="badge">${floors.length}</span></h2>
      <ul class="people" data-testid="floors">
        ${floors.map((p) => html`<li key=${p.id} class="person" data-testid="floor-row" data-id=${p.id}>
          <span class="person-name">${p.name}<${Doing} person=${p} state=${state} /></span>
          <${Button} label=${t('floor.take')} size="small" testid="floor-take" about=${t('from', { name: p.name })}
            onClick=${() => session.takeFloor(p.id)} />
        </li>`)}
      </ul>
      <${Button} label=${t('mute_all')} icon="mic-off" size="small" testid="mute-all" onClick=${() => session.muteAll()} />
    </section>`}
    <${Everybody} state=${state} session=${session} />
  </aside>`;
}

/** @param {{state: State, session: Session}} props */
function Everybody({ state, session }) {
  const [wanted, setWanted] = useState('');
  const people = peopleInOrder(state);
  const found = people.filter((p) => p.name.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase()));
  return html`<section class="side-part" aria-labelledby="people-title">
    <h2 id="people-title"><${Icon} name="people" />${t('people')}<span class="badge" data-testid="people-count">${people.length}</span></h2>
    ${people.length > SEARCH_FROM && html`<label class="search">
      <span class="unseen">${t('people.search')}</span>
      <input type="search" data-testid="people-search" placeholder=${t('people.search')} value=${wanted}
        onInput=${(/** @type {any} */ e) => setWanted(e.target.value)} />
    </label>`}
    <ul class="people" data-testid="people">
      ${found.slice(0, ROWS_MAX).map((p) => html`<${Row} key=${p.id} person=${p} state=${state} session=${session} />`)}
    </ul>
    ${found.length > ROWS_MAX && html`<p class="side-empty">${t('people.more', { n: found.length - ROWS_MAX })}</p>`}
    ${found.length === 0 && html`<p class="side-empty">${t('people.not_found')}</p>`}
  </section>`;
}

/** @param {{person: Person, state: State, session: Session}} props */
function Row({ person, state, session }) {
  const own = person.id === state.me?.id;
  const giveable = person.role === 'learner' && !person.floor && person.here && person.hand === null;
  return html`<li class=${`person ${person.here ? '' : 'is-away'}`} data-testid="person" data-id=${person.id} data-name=${person.name}>
    <span class="person-name">${own ? t('person.own', { name: person.name }) : person.name}<${Doing} person=${person} state=${state} /></span>
    ${giveable && html`<${Button} label=${t('floor.give')} size="small" kind="quiet" testid="floor-give" about=${t('to', { name: person.name })}
      onClick=${() => session.giveFloor(person.id)} />`}
  </li>`;
}

/** What a participant is doing, in one or two words. @param {{person: Person, state: State}} props */
function Doing({ person, state }) {
  const speaking = state.speaking.includes(person.id);
  return html`<span class=${`person-state ${speaking ? 'is-speaking' : ''}`}>${t(`person.${doing(person, speaking)}`)}</span>`;
}

/** @param {Person} p @param {boolean} speaking */
function doing(p, speaking) {
  if (!p.here) return 'away';
  if (speaking) return 'speaking';
  if (p.sharing) return 'sharing';
  if (p.hand !== null && !p.floor) return 'hand';
  if (p.media === 'none' || p.media === 'connecting') return 'connecting';
  if (p.media === 'quiet') return 'trouble';
  if (p.role === 'trainer') return p.mic ? 'trainer_on' : 'trainer_off';
  if (p.floor) return p.mic ? 'mic_on' : 'mic_off';
  return 'listening';
}
