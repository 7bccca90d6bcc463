/**
 * What is received, made heard and seen: each voice through its own <audio>, the screen in a
 * <video>. Browsers may refuse to play before a gesture; `onBlocked` says so, `unlock` is that gesture.
 */

/** How long a slot that was emptied stays quiet: what a player makes up for missing sound ends sooner. */
const HUSH_MS = 600;

/** How far a picture is enlarged at most: beyond it only the blur grows. */
const UPSCALE_MAX = 2;

export class Playback {
  /**
   * @param {object} options
   * @param {(blocked: boolean) => void} options.onBlocked
   * @param {() => void} options.onPicture a picture of the screen slot was shown
   * @param {() => void} [options.onVolume] something has made it louder or quieter
   */
  constructor({ onBlocked, onPicture, onVolume = () => {} }) {
    this.onBlocked = onBlocked;
    this.onVolume = onVolume;
    this.onPicture = onPicture;
    /** @type {Map<string, HTMLAudioElement>} */
    this.voices = new Map();
    /** @type {HTMLElement|null} */
    this.stage = null;
    /** @type {HTMLVideoElement|null} */
    this.video = null;
    /** The next connection's picture, until its first frame is there. @type {HTMLVideoElement|null} */
    this.nextVideo = null;
    this.volume = 1;
    /** Those that are quiet on our account. @type {Set<HTMLMediaElement>} */
    this.hushed = new Set();
    this.shelf = document.createElement('div');
    this.shelf.hidden = true;
    this.shelf.dataset.testid = 'audio-elements';
    document.body.append(this.shelf);
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  setTrack(slot, track) {
    if (track.kind === 'audio') this.#setVoice(slot, track);
    else if (slot === 'screen') this.#setScreen(track);
  }

  /**
   * Ahead of `setTrack`, while the person reads the page: at the first sound element of a page the
   * browser starts its audio service, and the page stands still meanwhile, a tenth of a second.
   * @param {string} slot @param {MediaStreamTrack} track
   */
  prepare(slot, track) {
    if (track.kind === 'audio') this.#voiceElement(slot, track);
  }

  /** The element that holds the picture; may change as the page is drawn anew. @param {HTMLElement|null} stage */
  attach(stage) {
    this.stage = stage;
    for (const video of [this.video, this.nextVideo]) if (video && stage) stage.append(video);
    // A video that moves in the document stops.
    if (stage && this.video) this.#play(this.video);
    if (stage && this.nextVideo) this.#play(this.nextVideo);
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.volume = volume;
    for (const element of this.voices.values()) element.volume = volume;
    this.onVolume();
  }

  /**
   * What of it can be heard at most, whoever has set it: an extension may mute what a page plays. That a browser
   * mutes a whole tab, and that a computer has no loudspeaker, no page can see.
   */
  get loudest() {
    const elements = [...this.voices.values()];
    if (elements.length === 0) return this.volume;
    return Math.max(...elements.map((e) => (e.muted && !this.hushed.has(e) ? 0 : e.volume)));
  }

  /**
   * A voice has left its slot: the browser would draw its last sound out for some tenths of a second.
   * Quiet for a moment only, so that nothing of a next voice is lost if the news of it comes late.
   * @param {string} slot
   */
  hush(slot) {
    const element = this.voices.get(slot);
    if (!element) return;
    element.muted = true;
    this.hushed.add(element);
    setTimeout(() => this.unhush(slot), HUSH_MS);
  }

  /** @param {string} slot */
  unhush(slot) {
    const element = this.voices.get(slot);
    if (element && this.hushed.delete(element)) element.muted = false;
  }

  /** To be called in a gesture. */
  unlock() {
    this.onBlocked(false);
    for (const element of this.voices.values()) this.#play(element);
    if (this.video) this.#play(this.video);
  }

  /** Calls onPicture at the next picture that arrives: somebody else's share begins. */
  awaitPicture() {
    const video = this.nextVideo ?? this.video;
    if (!video) return;
    whenFrame(video, () => this.onPicture());
  }

  close() {
    for (const element of this.voices.values()) {
      element.srcObject = null;
      element.remove();
    }
    this.voices.clear();
    for (const video of [this.video, this.nextVideo]) video?.remove();
    this.video = this.nextVideo = null;
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  #setVoice(slot, track) {
    const element = this.#voiceElement(slot, track);
    element.autoplay = true;
    this.#play(element);
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  #voiceElement(slot, track) {
    let element = this.voices.get(slot);
    if (!element) {
      element = document.createElement('audio');
      element.dataset.slot = slot;
      element.volume = this.volume;
      element.addEventListener('volumechange', () => this.onVolume());
      element.addEventListener('pause', () => this.#handlePause(slot));
      this.voices.set(slot, element);
      this.shelf.append(element);
    }
    const stream = /** @type {MediaStream|null} */ (element.srcObject);
    if (stream?.getTracks()[0] !== track) element.srcObject = new MediaStream([track]);
    return element;
  }

  /**
   * A key of the keyboard, or the browser's own button for media: ours turns it on again. A track that has ended
   * pauses its element as well, and that says nothing.
   * @param {string} slot
   */
  #handlePause(slot) {
    const stream = /** @type {MediaStream|null} */ (this.voices.get(slot)?.srcObject ?? null);
    if (stream?.getAudioTracks().some((track) => track.readyState === 'live')) this.onBlocked(true);
  }

  /**
   * The present picture stays until the new connection has one: while the relay restarts the class
   * keeps looking at the last slide, not at a black page.
   * @param {MediaStreamTrack} track
   */
  #setScreen(track) {
    const video = document.createElement('video');
    video.playsInline = true;
    video.muted = true; // its sound has its own element: a muted video may always play
    video.autoplay = true;
    video.dataset.testid = this.video ? 'screen-video-next' : 'screen-video';
    video.classList.toggle('is-next', Boolean(this.video));
    video.srcObject = new MediaStream([track]);
    video.addEventListener('resize', () => limitUpscale(video));
    this.nextVideo?.remove();
    if (this.video) this.nextVideo = video;
    else this.video = video;
    this.stage?.append(video);
    this.#play(video);
    whenFrame(video, () => this.#swap(video));
  }

  /** @param {HTMLVideoElement} video */
  #swap(video) {
    if (video === this.nextVideo) {
      this.video?.remove();
      this.video = video;
      this.nextVideo = null;
      video.classList.remove('is-next');
      video.dataset.testid = 'screen-video';
    }
    if (video !== this.video) return;
    limitUpscale(video);
    this.onPicture();
  }

  /** @param {HTMLMediaElement} element */
  #play(element) {
    element.play()?.catch((error) => {
      if (error.name === 'NotAllowedError') this.onBlocked(true);
    });
  }
}

/** @param {HTMLVideoElement} video @param {() => void} f called once, at the next frame */
function whenFrame(video, f) {
  if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(() => f());
  else /** @type {any} */ (video).addEventListener('timeupdate', () => f(), { once: true });
}

/** @param {HTMLVideoElement} video */
function limitUpscale(video) {
  const most = UPSCALE_MAX / (window.devicePixelRatio || 1);
  video.style.setProperty('--most-wide', `${Math.round(video.videoWidth * most)}px`);
  video.style.setProperty('--most-high', `${Math.round(video.videoHeight * most)}px`);
  video.style.setProperty('--natural', `${video.videoWidth}px`);
}
