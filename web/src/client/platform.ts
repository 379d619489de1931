/** What the library needs of the browser, in one place, so that a test can bring its own. */

export interface Platform {
  readonly fetch: typeof globalThis.fetch;
  readonly WebSocket: typeof globalThis.WebSocket;
  /** Milliseconds that no change of the wall clock moves. */
  monotonic(): number;
  /** Milliseconds since the epoch by this machine's clock, right or wrong. */
  wall(): number;
  /** From 0 up to but not 1. */
  random(): number;
  /** Call once after so many milliseconds; the answer cancels it. */
  later(ms: number, fn: () => void): () => void;
  /** Call when the machine wakes, the page is shown or the network comes back; the answer ends it. */
  onWake(fn: () => void): () => void;
}

/** The browser itself. */
export function browser(): Platform {
  return {
    fetch: (input, init) => globalThis.fetch(input, init),
    WebSocket: globalThis.WebSocket,
    monotonic: () => performance.now(),
    wall: () => Date.now(),
    random: () => Math.random(),
    later(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
    onWake(fn) {
      const shown = () => {
        if (document.visibilityState === 'visible') fn();
      };
      window.addEventListener('online', fn);
      window.addEventListener('pageshow', fn);
      document.addEventListener('visibilitychange', shown);
      return () => {
        window.removeEventListener('online', fn);
        window.removeEventListener('pageshow', fn);
        document.removeEventListener('visibilitychange', shown);
      };
    },
  };
}
