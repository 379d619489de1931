/**
 * `<pbxis-timer>`: the time since an instant of the service, counting. With `until` it stands still there:
 * a figure that is not known to be right any more must not go on counting.
 */

import { duration, UNKNOWN } from '../store/format.js';
import { everySecond, now } from './ticker.js';

export class Timer extends HTMLElement {
  #since: number | null = null;
  #until: number | null = null;
  #end: (() => void) | null = null;

  set since(value: number | null) {
    this.#since = value;
    this.#show();
  }

  set until(value: number | null) {
    this.#until = value;
    this.#show();
  }

  connectedCallback(): void {
    this.#end = everySecond(() => this.#show());
    this.#show();
  }

  disconnectedCallback(): void {
    this.#end?.();
    this.#end = null;
  }

  #show(): void {
    const text = this.#since === null ? UNKNOWN : duration((this.#until ?? now()) - this.#since);
    if (this.textContent !== text) this.textContent = text;
  }
}

customElements.define('pbxis-timer', Timer);
