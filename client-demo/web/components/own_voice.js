/** "Am I heard?": the one answer that nobody may misread. In words, with a sign, and in colour. */

import { ownHand, ownVoice } from '../classroom.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icons.js';
import { LevelMeter } from './ui.js';

/** @param {{state: import('../classroom.js').State, session: import('../session.js').Session}} props */
export function OwnVoice({ state, session }) {
  const voice = ownVoice(state);
  const heard = voice === 'heard' || voice === 'private';
  const why = voice === 'closed' && ownHand(state) !== null ? 'waits' : voice;
  return html`<div class=${`voice is-${why}`} data-testid="mic-state" data-status=${state.mic.status} data-voice=${voice}>
    <${Icon} name=${heard ? 'mic' : voice === 'cut_off' ? 'warning' : 'mic-off'} />
    <div class="voice-text">
      <p><strong>${t(voice === 'private' ? 'voice.one' : heard ? 'voice.yes' : 'voice.no', { name: state.order.aside?.name ?? '' })}</strong>${voice !== 'heard' && html`<span class="voice-why">${t(`voice.${why}`)}</span>`}</p>
      ${heard && html`<${LevelMeter} track=${session.mic.track} />`}
    </div>
  </div>`;
}
