/** Microphones, loudspeakers and the shared screen: what the browser gives, and why not. */

/** A device that could not be had. `code` is a key of the strings under `problem.`. */
export class DeviceError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @returns {'insecure'|'no_webrtc'|null} why this page cannot work here */
export function findObstacle() {
  if (!window.isSecureContext) return 'insecure';
  if (!('RTCPeerConnection' in window) || !('WebSocket' in window)) return 'no_webrtc';
  if (!('replaceTrack' in RTCRtpSender.prototype) || !('addTransceiver' in RTCPeerConnection.prototype))
    return 'no_webrtc';
  return null;
}

export function canShareScreen() {
  return Boolean(navigator.mediaDevices && 'getDisplayMedia' in navigator.mediaDevices);
}

/**
 * @param {string} deviceId '' for the one that the browser proposes
 * @returns {Promise<MediaStreamTrack>} rejects with a DeviceError
 */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices) throw new DeviceError('mic_none');
  const audio = {
    echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1,
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
  };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const track = stream.getAudioTracks()[0];
    if ('contentHint' in track) track.contentHint = 'speech';
    return track;
  } catch (error) {
    // The one chosen last time has been unplugged: any other will do.
    if (deviceId && /** @type {any} */ (error)?.name === 'OverconstrainedError') return openMicrophone('');
    throw new DeviceError(microphoneProblem(/** @type {any} */ (error)));
  }
}

/** @param {{name?: string, message?: string}} error @returns {string} */
export function microphoneProblem(error) {
  const message = error?.message ?? '';
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      // Chromium and Firefox say in words whether they or the system said no.
      if (/system|platform/i.test(message)) return 'mic_denied_system';
      return /dismiss/i.test(message) ? 'mic_dismissed' : 'mic_denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'mic_none';
    case 'NotReadableError':
    case 'AbortError':
      return 'mic_busy';
    default:
      return 'mic_failed';
  }
}

/** @returns {Promise<{id: string, label: string}[]>} labels are empty until permission is given */
export async function listMicrophones() {
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter((d) => d.kind === 'audioinput' && d.deviceId && d.deviceId !== 'communications')
      .map((d) => ({ id: d.deviceId, label: d.label }));
  } catch {
    return [];
  }
}

/**
 * The screen, a window or a tab, as the person chooses; with its sound where the browser can.
 * @returns {Promise<{video: MediaStreamTrack, audio: MediaStreamTrack|null}>} rejects with a DeviceError
 */
export async function openScreen() {
  if (!canShareScreen()) throw new DeviceError('share_unsupported');
  const video = { frameRate: { ideal: 15, max: 15 } };
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const wishes = { video, audio, systemAudio: 'include', surfaceSwitching: 'include', selfBrowserSurface: 'exclude' };
  let stream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia(/** @type {any} */ (wishes));
  } catch (error) {
    throw new DeviceError(screenProblem(/** @type {any} */ (error)));
  }
  const track = stream.getVideoTracks()[0];
  // 'text' keeps letters sharp; a browser that does not know it takes 'detail'.
  for (const hint of ['text', 'detail']) if (track.contentHint === '') track.contentHint = hint;
  return { video: track, audio: stream.getAudioTracks()[0] ?? null };
}

/** @param {{name?: string, message?: string}} error @returns {string} */
export function screenProblem(error) {
  if (error?.name === 'NotAllowedError')
    return /system/i.test(error.message ?? '') ? 'share_denied_system' : 'share_cancelled';
  return error?.name === 'NotFoundError' || error?.name === 'NotSupportedError' ? 'share_unsupported' : 'share_failed';
}

/** One for the page: browsers allow few, and it may only start in a gesture. */
/** @type {AudioContext|null} */
let sharedContext = null;

/** @returns {AudioContext|null} */
function audioContext() {
  const Context = window.AudioContext ?? /** @type {any} */ (window).webkitAudioContext;
  if (!Context) return null;
  sharedContext ??= /** @type {AudioContext} */ (new Context());
  if (sharedContext.state === 'suspended') sharedContext.resume().catch(() => {});
  return sharedContext;
}

/** Two soft notes. @returns {number} how long they last, in ms; 0 when this browser cannot */
export function playTestTone() {
  const context = audioContext();
  if (!context) return 0;
  const start = context.currentTime + 0.05;
  [523.25, 659.25, 783.99].forEach((hertz, i) => {
    const at = start + i * 0.35;
    const tone = context.createOscillator();
    const loudness = context.createGain();
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, at);
    loudness.gain.linearRampToValueAtTime(0.22, at + 0.04);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(loudness).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.65);
  });
  return 1400;
}

/**
 * Calls `onLevel` with the loudness of `track`, 0 to 1, about 20 times a second.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} onLevel
 * @returns {() => void} ends it
 */
export function watchLevel(track, onLevel) {
  const context = audioContext();
  if (!context) return () => {};
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const s of samples) sum += s * s;
    const decibels = 10 * Math.log10(sum / samples.length + 1e-9);
    onLevel(Math.min(1, Math.max(0, (decibels + 60) / 50)));
  }, 50);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}
