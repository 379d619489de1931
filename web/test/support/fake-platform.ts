/** A browser by hand: time stands still until it is moved, and every answer is written down beforehand. */

import type { Platform } from '../../src/client/platform.js';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class FakePlatform implements Platform {
  time = 0;
  wallOffset = 1_000_000;
  randomValue = 0;
  readonly requests: { url: string; body: unknown; headers: Headers }[] = [];
  /** Answers to fetch, in order; when they run out, tickets `t1`, `t2` … */
  readonly answers: (() => Response | Promise<Response>)[] = [];
  readonly WebSocket = class {} as unknown as typeof WebSocket;
  #timers = new Set<Timer>();
  #wakers = new Set<() => void>();
  #tickets = 0;

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
    this.requests.push({ url: String(input), body, headers: new Headers(init?.headers) });
    const answer = this.answers.shift();
    return answer === undefined ? Response.json(`t${++this.#tickets}`) : answer();
  };

  monotonic(): number {
    return this.time;
  }

  wall(): number {
    return this.time + this.wallOffset;
  }

  random(): number {
    return this.randomValue;
  }

  later(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  onWake(fn: () => void): () => void {
    this.#wakers.add(fn);
    return () => this.#wakers.delete(fn);
  }

  wake(): void {
    for (const fn of [...this.#wakers]) fn();
  }

  /** Milliseconds until the next timer; null when there is none. */
  get nextTimer(): number | null {
    const times = [...this.#timers].map((timer) => timer.at - this.time);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Move time on, running what falls due in between. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.time = due.at;
      due.fn();
    }
    this.time = end;
    await settle();
  }
}

/** Let everything that is under way come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
}
