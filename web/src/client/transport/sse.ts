/**
 * Server-sent events by fetch rather than EventSource: an EventSource hears only the types it was told to
 * listen for, hides the status of a refusal and comes back by itself with a ticket that may be dead.
 */

import { asEvent, type StreamEvent } from '../events.js';
import { failureText, problemText, retryAfterMs } from '../ticket.js';
import { SseParser, type SseMessage } from './sse-parser.js';
import { STOPS, streamUrl, type End, type StreamRequest, type StreamSink, type Transport } from './transport.js';

export const sse: Transport = {
  silenceMs: 37_500, // 2.5 pings
  open(request, sink) {
    const abort = new AbortController();
    void read(request, sink, abort.signal).then((why) => {
      if (!abort.signal.aborted) sink.ended(why);
    });
    return () => abort.abort();
  },
};

async function read(request: StreamRequest, sink: StreamSink, signal: AbortSignal): Promise<End> {
  try {
    const response = await request.platform.fetch(streamUrl(request, 'sse'), {
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal,
    });
    if (!response.ok || response.body === null) return await refusal(response);
    const parser = new SseParser();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return { kind: 'lost', reason: 'ended here' };
      if (done) return endOf(parser.comeBackInMs);
      sink.alive();
      for (const message of parser.feed(decoder.decode(value, { stream: true }))) {
        const event = eventOf(message);
        if (event !== null) sink.event(event);
        if (signal.aborted) break;
      }
    }
  } catch (error) {
    return { kind: 'lost', reason: failureText(error) };
  }
}

function endOf(inMs: number | null): End {
  if (inMs !== null) return { kind: 'moved', reason: STOPS, inMs };
  return { kind: 'lost', reason: 'the connection was lost' };
}

/** The type stands in the `event:` line and the id in `id:`, not in the data. */
export function eventOf(message: SseMessage): StreamEvent | null {
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    data = {}; // `close` need carry nothing
  }
  const properties = typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {};
  const id = message.id === null ? {} : { id: message.id };
  return asEvent({ ...properties, ...id, type: message.type });
}

/** What an unhappy status means; the same for long polling. */
export async function refusal(response: Response): Promise<End> {
  if (response.status === 404) return { kind: 'no-ticket' };
  const reason = await problemText(response);
  const again = response.ok || response.status >= 500 || response.status === 429 || response.status === 408;
  return again
    ? { kind: 'lost', reason, retryAfterMs: retryAfterMs(response) }
    : { kind: 'refused', reason };
}
