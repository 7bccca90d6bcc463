/** One person of the class, and in a word or two what this person does. */

import { html } from '../html.js';
import { t } from '../i18n.js';
import { teaches } from '../state/roles.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../classroom.js').Person} Person */

/** @param {{person: Person, state: State, onGive?: (() => void)|null, onMore?: (() => void)|null}} props */
export function PersonRow({ person, state, onGive, onMore }) {
  const own = person.id === state.me?.id;
  return html`<li class=${`person ${person.here ? '' : 'is-away'}`} data-testid="person" data-id=${person.id} data-name=${person.name} data-role=${person.role}>
    <span class="person-name">${own ? t('person.own', { name: person.name }) : person.name}
      ${person.role !== 'learner' && html`<span class="role-tag">${t(`role.${person.role}`)}</span>`}
      ${state.klass?.lead === person.id && html`<span class="role-tag is-lead"><${Icon} name="star" />${t('lead')}</span>`}
      <${Doing} person=${person} state=${state} /></span>
    ${onGive && html`<${Button} label=${t('do.floor')} icon="mic" iconOnly=${Boolean(onMore)} size="small" kind="quiet" testid="floor-give" about=${t('to', { name: person.name })} onClick=${onGive} />`}
    ${onMore && html`<${Button} label=${t('person.more')} icon="more" iconOnly size="small" kind="quiet" testid="person-more" about=${t('for', { name: person.name })} onClick=${onMore} />`}
  </li>`;
}

/** @param {{person: Person, state: State}} props */
export function Doing({ person, state }) {
  const speaking = state.speaking.includes(person.id);
  return html`<span class=${`person-state ${speaking ? 'is-speaking' : ''}`}>${t(`person.${doing(person, speaking)}`)}</span>`;
}

/** @param {Person} p @param {boolean} speaking */
export function doing(p, speaking) {
  if (!p.here) return 'away';
  if (speaking) return 'speaking';
  if (p.sharing) return 'sharing';
  if (p.aside) return 'private';
  if (p.help) return 'help';
  if (p.hand !== null && !p.floor) return 'hand';
  if (p.role === 'inspector') return 'watching';
  if (p.media === 'none' || p.media === 'connecting') return 'connecting';
  if (p.media === 'quiet') return 'trouble';
  if (teaches(p.role)) return p.mic ? 'mic_on' : 'mic_off';
  if (p.muted) return 'muted';
  if (p.floor || p.mic) return p.mic ? 'mic_on' : 'mic_off';
  return 'listening';
}
