/** Who wants to speak, in order; who may speak; who asks for help. */

import { able, bells, floorHolders, handsInOrder } from '../classroom.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { maySpeakAside } from '../state/staff.js';
import { Waited } from './clock.js';
import { Icon } from './icons.js';
import { Doing } from './person_row.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../classroom.js').Person} Person */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {{state: State, session: Session, onPerson: (id: string) => void}} PanelProps */

/** The rest is a number. */
const ROWS_MAX = 40;

/** @param {PanelProps} props */
export function Queue({ state, session, onPerson }) {
  const hands = handsInOrder(state);
  const length = Math.max(hands.length, state.order.queue.list ? state.order.queue.length : 0);
  const give = able(state, 'floor_give');
  const ordered = state.order.features.queue;
  return html`<section class=${`side-part ${length ? 'has-hands' : ''}`} aria-labelledby="hands-title">
    <h2 id="hands-title"><${Icon} name="hand" />${t('hands')}<span class="badge" data-testid="hands-count">${length}</span></h2>
    ${length === 0 && html`<p class="side-empty">${t('hands.none')}</p>`}
    ${ordered && give && length > 0 && html`<${Button} label=${t('floor.next')} kind="primary" icon="mic" testid="floor-next"
      about=${t('floor.next_about', { name: hands[0]?.name ?? '' })} onClick=${() => session.ask('floor_next')} />`}
    <ol class="people" data-testid="hands">
      ${hands.slice(0, ROWS_MAX).map((p, i) => html`<li key=${p.id} class="person" data-testid="hand-row" data-id=${p.id}>
        <span class="person-rank" aria-hidden="true">${i + 1}</span>
        <span class="person-name">${p.name}<span class="person-state" data-testid="hand-waited"><${Waited} state=${state} since=${Number(p.hand)} /></span></span>
        ${give && html`<${Button} label=${t('do.floor')} kind=${ordered ? 'plain' : 'primary'} size="small" testid="floor-give" about=${t('to', { name: p.name })}
          onClick=${() => session.ask('floor_give', { participant: p.id })} />`}
        ${ordered && html`<${Button} label=${t('hand.put_down')} icon="close" iconOnly size="small" kind="quiet" testid="hand-lower" about=${t('of', { name: p.name })}
          onClick=${() => session.ask('hand_lower', { participant: p.id })} />`}
      </li>`)}
    </ol>
    ${length > ROWS_MAX && html`<p class="side-empty">${t('people.more_hands', { n: length - ROWS_MAX })}</p>`}
    ${ordered && length > 1 && html`<${Button} label=${t('hands.lower_all')} size="small" kind="quiet" testid="hands-lower" onClick=${() => session.ask('hand_lower')} />`}
    <${Floors} state=${state} session=${session} onPerson=${onPerson} />
  </section>`;
}

/** @param {PanelProps} props */
function Floors({ state, session, onPerson }) {
  const floors = floorHolders(state);
  const give = able(state, 'floor_give');
  if (floors.length === 0) return null;
  return html`<div class="floors">
    <h3>${t('floors')}<span class="badge">${floors.length}</span></h3>
    <ul class="people" data-testid="floors">
      ${floors.map((p) => html`<li key=${p.id} class="person" data-testid="floor-row" data-id=${p.id}>
        <button type="button" class="person-name is-link" onClick=${() => onPerson(p.id)}>${p.name}<${Doing} person=${p} state=${state} /></button>
        ${give && html`<${Button} label=${t('do.floor_take')} size="small" testid="floor-take" about=${t('from', { name: p.name })}
          onClick=${() => session.ask('floor_take', { participant: p.id })} />`}
      </li>`)}
    </ul>
    ${give && html`<${Button} label=${t('mute_all')} icon="mic-off" size="small" testid="mute-all" onClick=${() => session.ask('mute_all')} />`}
  </div>`;
}

/** @param {PanelProps} props */
export function Bells({ state, session }) {
  const ringing = bells(state);
  if (!state.order.features.help || ringing.length === 0) return null;
  return html`<section class="side-part has-hands" aria-labelledby="bells-title">
    <h2 id="bells-title"><${Icon} name="bell" />${t('bells')}<span class="badge">${ringing.length}</span></h2>
    <ol class="people" data-testid="bells">
      ${ringing.slice(0, ROWS_MAX).map((p) => html`<li key=${p.id} class="person has-deeds" data-testid="bell-row" data-id=${p.id}>
        <span class="person-name">${p.name}<span class="person-state"><${Helped} person=${p} state=${state} /></span></span>
        ${able(state, 'staff') && html`<span class="bell-deeds"><${BellDeeds} person=${p} state=${state} session=${session} /></span>`}
      </li>`)}
    </ol>
  </section>`;
}

/** Who helps, or since when nobody does. @param {{person: Person, state: State}} props */
function Helped({ person, state }) {
  const { aside, helper } = person;
  if (aside && aside === state.me?.id) return t('aside.own');
  const name = state.people[aside ?? helper ?? '']?.name ?? '';
  if (aside) return t('aside.other', { name });
  return helper ? t('bell.helper', { name }) : html`<${Waited} state=${state} since=${Number(person.help)} />`;
}

/** @param {{person: Person, state: State, session: Session}} props */
function BellDeeds({ person, state, session }) {
  const deed = (/** @type {string} */ type) => () => session.ask(type, { participant: person.id });
  const about = t('to', { name: person.name });
  if (person.aside) {
    return person.aside === state.me?.id
      ? html`<${Button} label=${t('aside.stop')} size="small" testid="aside-stop-row" onClick=${() => session.ask('aside_stop')} />` : null;
  }
  // Where somebody else already helps, one does not talk over them.
  const speak = maySpeakAside(state, person) && (!person.helper || person.helper === state.me?.id);
  return html`
    ${speak && html`<${Button} label=${t('aside.start')} kind="primary" icon="mic" size="small" testid="aside-start" about=${about} onClick=${deed('aside_start')} />`}
    ${person.helper ? html`<${Button} label=${t('bell.done')} icon="check" size="small" testid="bell-done" about=${t('for', { name: person.name })} onClick=${deed('help_done')} />`
      : html`<${Button} label=${t('bell.answer')} kind=${speak ? 'plain' : 'primary'} size="small" testid="bell-answer" about=${about} onClick=${deed('help_answer')} />`}`;
}
