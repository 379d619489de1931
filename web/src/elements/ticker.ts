/** One tick a second for the whole page, on the service's clock. */

let clock: () => number = () => Date.now();
const ticking = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | null = null;

/** The clock that all timers of the page run on: milliseconds since the epoch. */
export function useClock(now: () => number): void {
  clock = now;
}

export function now(): number {
  return clock();
}

/** Call at each full second; the answer ends it. */
export function everySecond(fn: () => void): () => void {
  ticking.add(fn);
  if (timer === null) schedule();
  return () => ticking.delete(fn);
}

function schedule(): void {
  timer = setTimeout(() => {
    timer = null;
    for (const fn of [...ticking]) fn();
    if (ticking.size > 0) schedule();
  }, 1000 - (clock() % 1000));
}
