/** What the three transports have in common. Each is input and output alone: no state, no retry. */

import type { StreamEvent } from '../events.js';
import type { Platform } from '../platform.js';

export type Tech = 'websocket' | 'sse' | 'long-poll';

export interface StreamRequest {
  readonly platform: Platform;
  readonly base: URL;
  readonly ticket: string;
  /** The id to resume after; read anew for each poll. */
  after(): string | null;
}

/** Why a stream ended. */
export type End =
  /** Come back later; not before `retryAfterMs`. */
  | { readonly kind: 'lost'; readonly reason: string; readonly retryAfterMs?: number }
  /** The service stops and asks us to come back in so many milliseconds, to it or to another. */
  | { readonly kind: 'moved'; readonly reason: string; readonly inMs: number }
  /** The service does not know this ticket (any more). */
  | { readonly kind: 'no-ticket' }
  /** The service does not want us back. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface StreamSink {
  /** Bytes came: the connection lives. */
  alive(): void;
  event(event: StreamEvent): void;
  /** All that the service had so far has been given; said by a transport whose answers have an end. */
  caughtUp(): void;
  /** At most once; nothing comes after it. */
  ended(why: End): void;
}

export interface Transport {
  /** The longest silence of a healthy stream, with a margin. */
  readonly silenceMs: number;
  /** Begin; the answer ends it, and then the sink is not called any more. */
  open(request: StreamRequest, sink: StreamSink): () => void;
}

/** What a service says that stops, where it has no words of its own. */
export const STOPS = 'the service stops';

/** `<base>/<ticket>/<tech>`, with `?after=` when there is something to resume. */
export function streamUrl(request: StreamRequest, tech: Tech): URL {
  const url = new URL(`${encodeURIComponent(request.ticket)}/${tech}`, request.base);
  const after = request.after();
  if (after !== null) url.searchParams.set('after', after);
  return url;
}
