/**
 * The service's clock, guessed from the `now` of its messages.
 *
 * A message's `now` is always a little old when it arrives, so the guess that lies furthest ahead had the
 * shortest way and is the best. A guess more than `STEP_MS` behind means that a clock was set: start anew.
 */

const STEP_MS = 2_000;

export class ServerClock {
  #offset: number | null = null;

  constructor(
    private readonly monotonic: () => number,
    private readonly wall: () => number,
  ) {}

  /** Take in the `now` of a message that arrived just now. */
  sample(now: unknown): void {
    if (typeof now !== 'number' || !Number.isFinite(now)) return;
    const offset = now - this.monotonic();
    if (this.#offset === null || offset > this.#offset || offset < this.#offset - STEP_MS) {
      this.#offset = offset;
    }
  }

  /** Milliseconds since the epoch; by this machine's clock until the service has told its own. */
  now(): number {
    return this.#offset === null ? this.wall() : this.monotonic() + this.#offset;
  }
}
