/** One request after the other, each answered by an array of events. */

import { asEvent } from '../events.js';
import { failureText, retryAfterMs } from '../ticket.js';
import { refusal } from './sse.js';
import { STOPS, streamUrl, type End, type StreamRequest, type StreamSink, type Transport } from './transport.js';

const HELD_MS = 250;
const PAUSE_MS = 1_000;

export const longPoll: Transport = {
  silenceMs: 45_000, // the service answers within 40 s at most, if only with []
  open(request, sink) {
    const abort = new AbortController();
    void poll(request, sink, abort.signal).then((why) => {
      if (!abort.signal.aborted) sink.ended(why);
    });
    return () => abort.abort();
  },
};

async function poll(request: StreamRequest, sink: StreamSink, signal: AbortSignal): Promise<End> {
  try {
    for (;;) {
      const asked = request.platform.monotonic();
      const response = await request.platform.fetch(streamUrl(request, 'long-poll'), {
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        signal,
      });
      if (!response.ok) return await refusal(response);
      const answer: unknown = await response.json();
      if (signal.aborted || !Array.isArray(answer)) return { kind: 'lost', reason: 'the answer was no list' };
      sink.alive();
      for (const item of answer) {
        const event = asEvent(item);
        if (event !== null) sink.event(event);
        if (signal.aborted) return { kind: 'lost', reason: 'ended here' };
      }
      sink.caughtUp();
      if (signal.aborted) return { kind: 'lost', reason: 'ended here' };
      // With an answer that is good in itself: this gateway stops.
      const inMs = retryAfterMs(response);
      if (inMs > 0) return { kind: 'moved', reason: STOPS, inMs };
      // The service holds a poll until there is something; whatever makes it answer at once, do not spin.
      if (answer.length === 0 && request.platform.monotonic() - asked < HELD_MS) {
        await new Promise<void>((resolve) => request.platform.later(PAUSE_MS, resolve));
        if (signal.aborted) return { kind: 'lost', reason: 'ended here' };
      }
    }
  } catch (error) {
    return { kind: 'lost', reason: failureText(error) };
  }
}
