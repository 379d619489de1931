/**
 * Server-sent events read from text that comes in pieces. Source: WHATWG HTML, "Interpreting an event stream".
 *
 * `retry`: the service begins every stream with one, which is for a browser's own EventSource; this client has a
 * back-off of its own. One that comes later, with nothing behind it, is a service's last word before it stops.
 */

export interface SseMessage {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
}

export class SseParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;
  #begun = false;
  #retryMs: number | null = null;

  /** When the service that stops wants us back, in milliseconds; null if it said no such thing. */
  get comeBackInMs(): number | null {
    return this.#retryMs;
  }

  /** Take a piece; give the messages that it completes. */
  feed(piece: string): SseMessage[] {
    const text = this.#rest + piece;
    // A carriage return at the very end may be half of a CRLF: keep it for the next piece.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + text.slice(whole.length);
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): SseMessage | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) {
      this.#retryMs = this.#begun ? Number(value) : null;
      this.#begun = true;
    }
    return null;
  }

  #dispatch(): SseMessage | null {
    const message = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const empty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.#id = null;
    if (empty) return null;
    this.#retryMs = null;
    this.#begun = true;
    return message;
  }
}
