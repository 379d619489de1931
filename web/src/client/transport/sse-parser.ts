/**
 * Server-sent events read from text that comes in pieces. Source: WHATWG HTML, "Interpreting an event stream".
 * `retry` is ignored: the client keeps its own back-off.
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
    return null;
  }

  #dispatch(): SseMessage | null {
    const message = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const empty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.#id = null;
    return empty ? null : message;
  }
}
