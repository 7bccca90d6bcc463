/** Starts the page: the language, the invite of the link, the session, the view that fits. */

import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { REACH_EVERY_MS, SAY_EVERY_MS, announcements, gather, reachNews } from './announce.js';
import { createStore, initialState, reduce, roleOf } from './classroom.js';
import { Entry, Joining, Stopped, Waiting } from './components/entry.js';
import { Doorway, firstStep } from './doorway.js';
import { html } from './html.js';
import { has, preferredLang, t, useLang } from './i18n.js';
import { readInvite, tokenFromHash } from './invite.js';

/** @typedef {import('./classroom.js').State} State */
/** @typedef {import('./session.js').Session} Session */

const SLOW_AFTER_MS = 4000;
const RELOAD_AFTER_MS = 2000;

/** @param {{store: ReturnType<typeof makeStore>, session: Session|Doorway}} props */
function App({ store, session }) {
  const [state, setState] = useState(store.state);
  const [, redraw] = useState(0);
  useEffect(() => {
    setState(store.state); // what happened between the first drawing and now
    return store.subscribe(setState);
  }, []);
  const onLang = async (/** @type {import('./i18n.js').Lang} */ lang) => {
    await useLang(lang, true);
    redraw((n) => n + 1);
  };
  return html`<${View} state=${state} session=${session} onLang=${onLang} /><${Announcer} state=${state} />`;
}

/** @param {{state: State, session: Session|Doorway, onLang: (l: any) => void}} props */
function View({ state, session, onLang }) {
  const slow = useSlow(state.phase === 'joining');
  switch (state.phase) {
    case 'lobby':
      return html`<${Entry} state=${state} session=${session} onLang=${onLang} />`;
    case 'joining':
      return html`<${Joining} slow=${slow} onLang=${onLang} />`;
    case 'waiting':
      return html`<${Waiting} state=${state} session=${session} onLang=${onLang} />`;
    case 'class':
      return roleOf(state) === 'operator'
        ? html`<${Later} load=${operatorPage} state=${state} session=${session} onLang=${onLang} />`
        : html`<${Later} load=${classPage} state=${state} session=${session} onLang=${onLang} />`;
    case 'stopped':
      return html`<${Stopped} state=${state} session=${session} onLang=${onLang} />`;
    default:
      return null;
  }
}

/** @type {Record<string, Promise<void>>} */
const sheets = {};
/** Rules of style that the first page does without. @param {string} href */
function styled(href) {
  return (sheets[href] ??= new Promise((done, failed) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
    link.onload = () => done();
    link.onerror = () => {
      delete sheets[href];
      link.remove();
      failed(new Error(href));
    };
    document.head.append(link);
  }));
}

/** Learners load neither the operator's page nor its rules of style. */
const operatorPage = () => Promise.all([import('./components/operator.js'), styled('/class.css'), styled('/operator.css')]).then(([module]) => module.Operator);
/** The first page can be used before this is there; it is fetched while that is read. */
const classPage = () => Promise.all([import('./components/class_view.js'), styled('/class.css')]).then(([module]) => module.ClassView);

/** Not before the server answers with a page: else the browser's own, or a proxy's, would stand here, and stay. */
function reloadWhenAnswered() {
  const ask = () => fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
  setTimeout(() => ask().then((answer) => (answer.ok ? location.reload() : reloadWhenAnswered()), reloadWhenAnswered), RELOAD_AFTER_MS * (1 + Math.random()));
}

/** @param {any} props `load` promises a component, which gets the others */
function Later({ load, ...props }) {
  const [Loaded, setLoaded] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    // A line that was cut at this very moment: the same participant comes back with the page.
    load().then((/** @type {any} */ component) => setLoaded(() => component), () => {
      setFailed(true);
      reloadWhenAnswered();
    });
  }, [load]);
  return Loaded ? html`<${Loaded} ...${props} />` : html`<${Joining} slow=${failed} onLang=${props.onLang} />`;
}

/** @param {boolean} waiting */
function useSlow(waiting) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (!waiting) return undefined;
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return slow;
}

/** One quiet voice for screen readers: a burst of changes is one sentence or two. @param {{state: State}} props */
function Announcer({ state }) {
  const before = useRef(state);
  const pending = useRef(/** @type {import('./announce.js').Announcement[]} */ ([]));
  const timer = useRef(/** @type {any} */ (null));
  const [text, setText] = useState('');
  const say = () => {
    timer.current = null;
    if (pending.current.length === 0) return;
    setText(pending.current.map((a) => t(a.key, said(a.params))).join(' '));
    pending.current = [];
    timer.current = setTimeout(say, SAY_EVERY_MS);
  };
  const add = (/** @type {import('./announce.js').Announcement[]} */ fresh) => {
    pending.current = gather(pending.current, fresh);
    if (pending.current.length && timer.current === null) timer.current = setTimeout(say, 100);
  };
  useEffect(() => {
    add(announcements(before.current, state));
    before.current = state;
  }, [state]);
  useEffect(() => {
    let reach = /** @type {import('./announce.js').Reach} */ ({ subject: '', now: [], told: [], news: [] });
    const looks = setInterval(() => {
      reach = reachNews(reach, before.current);
      add(reach.news);
    }, REACH_EVERY_MS);
    return () => clearInterval(looks);
  }, []);
  return html`<div class="unseen" aria-live="polite" data-testid="announcer">${text}</div>`;
}

/** A mode is named by its key until here, where the language is known. @param {Record<string, string|number>} [params] */
function said(params) {
  return params?.mode && has(String(params.mode)) ? { ...params, mode: t(String(params.mode)) } : params;
}

function makeStore() {
  return createStore(reduce, initialState());
}

/** For tests and the curious. @param {ReturnType<typeof makeStore>} store @param {() => Session|undefined} session */
function showInside(store, session) {
  Object.defineProperty(window, 'amphi', {
    value: Object.freeze({
      get state() {
        return store.state;
      },
      get peer() {
        return session()?.peer;
      },
      stats: () => session()?.stats(),
    }),
  });
}

const afterDrawing = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

/** On a slow line the first page would share it, and on a slow phone wait for its reading. All at once: nothing is left to be discovered. */
function loadTheRest() {
  for (const link of /** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link[rel=later]'))) link.rel = 'modulepreload';
  styled('/class.css').catch(() => {}); // tried again when it is needed
  return import('./session.js');
}

async function start() {
  await useLang(preferredLang());
  const store = makeStore();
  const token = tokenFromHash(location.hash);
  store.dispatch({ type: 'invite', invite: token ? readInvite(token) : null });
  const step = firstStep(store.state, token, Date.now());
  if (step.kind === 'door') store.dispatch({ type: 'phase', phase: 'lobby' });
  document.title = t('page_title', { title: store.state.invite?.title || t('lobby.title') });
  const draw = (/** @type {Session|Doorway} */ session) =>
    render(html`<${App} store=${store} session=${session} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
  const drawn = step.kind === 'door' ? afterDrawing() : Promise.resolve();
  const loading = drawn.then(loadTheRest).then(({ Session }) => new Session(store, token));
  draw(new Doorway(store, loading));
  let session = /** @type {Session|undefined} */ (undefined);
  showInside(store, () => session);
  try {
    session = await loading;
  } catch {
    reloadWhenAnswered(); // a line that was cut just now
    return;
  }
  draw(session);
  session.begin(step);
  if (roleOf(store.state) !== 'operator') classPage().catch(() => {}); // tried again when it is needed
}

start();
