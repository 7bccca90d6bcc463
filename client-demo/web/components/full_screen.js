/** The class in full screen; its controls hide while nobody moves. */

import { useEffect, useState } from 'preact/hooks';

const IDLE_AFTER_MS = 3500;

/** @param {{current: HTMLElement|null}} root */
export function useFullScreen(root) {
  const [full, setFull] = useState(false);
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    /** @type {any} */
    let timer = null;
    const stir = () => {
      setIdle(false);
      clearTimeout(timer);
      // A keyboard user who stands on a control keeps it in sight.
      timer = setTimeout(() => setIdle(!root.current?.querySelector('.bar :focus-visible')), IDLE_AFTER_MS);
    };
    const changed = () => {
      setFull(document.fullscreenElement === root.current && root.current !== null);
      stir();
    };
    const signs = ['pointermove', 'pointerdown', 'keydown', 'focusin'];
    document.addEventListener('fullscreenchange', changed);
    for (const sign of signs) document.addEventListener(sign, stir, { passive: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('fullscreenchange', changed);
      for (const sign of signs) document.removeEventListener(sign, stir);
    };
  }, []);
  return { full, idle };
}

/** @param {HTMLElement|null} root */
export function toggleFullScreen(root) {
  if (document.fullscreenElement) {
    document.exitFullscreen();
    return;
  }
  if (root?.requestFullscreen) {
    // A phone is turned for the reader; other devices cannot, and say so.
    const turn = () => /** @type {any} */ (screen.orientation)?.lock?.('landscape');
    root.requestFullscreen().then(turn).catch(() => {});
    return;
  }
  // iPhones give full screen to a video only.
  /** @type {any} */ (root?.querySelector('video'))?.webkitEnterFullscreen?.();
}
