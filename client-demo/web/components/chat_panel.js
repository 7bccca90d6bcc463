/** Written messages and questions. Text is text: nothing of it becomes markup. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { able, peopleInOrder } from '../classroom.js';
import { TEXT_MAX, linkParts, openQuestions } from '../state/chat.js';
import { html } from '../html.js';
import { clockTime, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../state/chat.js').Message} Message */

/** @param {{state: State, session: Session, to: string, onTo: (to: string) => void}} props */
export function Chat({ state, session, to, onTo }) {
  const [onlyQuestions, setOnly] = useState(false);
  const list = useRef(/** @type {HTMLDivElement|null} */ (null));
  const placed = useRef(false);
  const { messages, more } = state.chat;
  const staff = able(state, 'chat_moderate');
  const questions = openQuestions(state.chat);
  const shown = onlyQuestions ? questions : messages;
  useEffect(() => {
    session.store.dispatch({ type: 'chat_seen', open: true });
    return () => session.store.dispatch({ type: 'chat_seen', open: false });
  }, []);
  useEffect(() => {
    // Who reads older messages is left in peace.
    const box = list.current;
    const first = box && !placed.current && messages.length > 0;
    if (first) placed.current = true;
    if (first) box.scrollTop = box.scrollHeight;
    else if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 250) box.scrollTop = box.scrollHeight;
  }, [messages.length]);
  const closed = state.klass?.chat === false;
  return html`<section class="chat" aria-label=${t('chat')} data-testid="chat">
    ${staff && html`<div class="chat-tools">
      <${Button} label=${t('chat.questions', { n: questions.length })} icon="help" size="small" kind=${questions.length ? 'call' : 'plain'} pressed=${onlyQuestions} testid="chat-questions" onClick=${() => setOnly(!onlyQuestions)} />
      <${Button} label=${t(closed ? 'chat.do_open' : 'chat.do_close')} icon=${closed ? 'unlock' : 'lock'} size="small" kind="quiet" testid="chat-switch" onClick=${() => session.ask('chat_open', { on: closed })} />
    </div>`}
    <div class="chat-list" ref=${list} tabindex="0" role="log" aria-live="off" aria-label=${t('chat.list')} data-testid="chat-list">
      ${more && !onlyQuestions && html`<${Button} label=${t('chat.older')} size="small" kind="quiet" testid="chat-older" onClick=${() => session.loadChat()} />`}
      ${shown.length === 0 && html`<p class="side-empty">${t(onlyQuestions ? 'chat.no_question' : 'chat.empty')}</p>`}
      ${shown.map((m) => html`<${Line} key=${m.id} message=${m} state=${state} session=${session} staff=${staff} />`)}
    </div>
    ${able(state, 'chat') && html`<${Compose} state=${state} session=${session} to=${to} onTo=${onTo} staff=${staff} closed=${closed} />`}
  </section>`;
}

/** @param {{message: Message, state: State, session: Session, staff: boolean}} props */
function Line({ message: m, state, session, staff }) {
  const own = m.from === state.me?.id;
  return html`<article class=${`message ${own ? 'is-own' : ''} ${m.question && !m.answered_ms ? 'is-question' : ''}`} data-testid="chat-message" data-id=${m.id}>
    <p class="message-head"><strong>${own ? t('chat.me') : m.name}</strong>${m.to !== 'all' && html`<span class="role-tag">${t('chat.private', { name: recipient(state, m) })}</span>`}
      <time>${clockTime(m.at_ms)}</time>
      ${staff && html`<${Button} label=${t('chat.delete')} icon="trash" iconOnly size="small" kind="quiet" testid="chat-delete" about=${t('from_name', { name: m.name })} onClick=${() => session.ask('chat_delete', { message: m.id })} />`}</p>
    ${m.question && html`<p class="message-mark"><${Icon} name=${m.answered_ms ? 'check' : 'help'} />${t(m.answered_ms ? 'chat.answered' : 'chat.question_mark')}</p>`}
    <p class="message-text">${linkParts(m.text).map((part) => part.href
      ? html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow">${part.text}</a>` : part.text)}</p>
    ${staff && m.question && !m.answered_ms && html`<p class="message-do">
      <${Button} label=${t('chat.mark_answered')} icon="check" size="small" testid="chat-answered" about=${t('from_name', { name: m.name })} onClick=${() => session.ask('chat_answered', { message: m.id })} /></p>`}
  </article>`;
}

/** @param {State} state @param {Message} m */
function recipient(state, m) {
  if (m.to === 'staff') return t('chat.to_staff_short');
  return m.to === state.me?.id ? t('you') : state.people[m.to]?.name ?? t('unknown');
}

/** @param {{state: State, session: Session, to: string, onTo: (to: string) => void, staff: boolean, closed: boolean}} props */
function Compose({ state, session, to, onTo, staff, closed }) {
  const [text, setText] = useState('');
  const [question, setQuestion] = useState(false);
  const [sending, setSending] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement|null} */ (null));
  const shut = closed && !staff && to === 'all';
  const send = async () => {
    const said = text.trim();
    if (!said || sending || shut) return;
    setSending(true);
    const sent = await session.sayInWriting({ text: said, to, question });
    setSending(false);
    if (!sent) return; // what was written stays
    setText('');
    setQuestion(false);
    field.current?.focus();
  };
  const people = staff ? peopleInOrder(state).filter((p) => p.id !== state.me?.id && p.role !== 'inspector') : [];
  return html`<form class="compose" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); send(); }}>
    <label class="compose-to"><span>${t('chat.to')}</span>
      <select data-testid="chat-to" value=${to} onChange=${(/** @type {any} */ e) => onTo(e.target.value)}>
        <option value="all" selected=${to === 'all'}>${t('chat.to_all')}</option>
        <option value="staff" selected=${to === 'staff'}>${t(staff ? 'chat.to_staff' : 'chat.to_trainer')}</option>
        ${people.map((p) => html`<option value=${p.id} selected=${to === p.id}>${p.name}</option>`)}
      </select>
    </label>
    ${shut && html`<p class="field-help" id="chat-shut">${t('chat.shut')}</p>`}
    <textarea ref=${field} rows="1" maxlength=${TEXT_MAX} value=${text} data-testid="chat-text" aria-label=${t('chat.write')} placeholder=${t('chat.write')}
      onInput=${(/** @type {any} */ e) => setText(e.target.value)}
      onKeyDown=${(/** @type {KeyboardEvent} */ e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); } }}></textarea>
    <div class="compose-foot">
      <label class="check"><input type="checkbox" data-testid="chat-question" checked=${question} onChange=${(/** @type {any} */ e) => setQuestion(e.target.checked)} /><span>${t('chat.is_question')}</span></label>
      <button type="submit" class="button is-primary is-small" data-testid="chat-send" disabled=${sending || shut}><${Icon} name="send" /><span>${t('chat.send')}</span></button>
    </div>
  </form>`;
}
