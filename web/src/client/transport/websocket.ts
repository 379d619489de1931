/** One event a message. The service's own `ping` events show that the connection lives. */

import { parseEvent } from '../events.js';
import { STOPS, streamUrl, type End, type Transport } from './transport.js';

const UNKNOWN_TICKET = 4504;
/** The gateway stops; the reason holds `retry in <ms> ms`. */
const DRAIN = 4001;
const RETRY_IN = /\bretry in (\d{1,9}) ms\b/;

export const websocket: Transport = {
  silenceMs: 37_500, // 2.5 pings
  open(request, sink) {
    const url = streamUrl(request, 'websocket');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new request.platform.WebSocket(url);
    const listening = new AbortController();
    const { signal } = listening;
    socket.addEventListener('open', () => sink.alive(), { signal });
    socket.addEventListener(
      'message',
      (message: MessageEvent<unknown>) => {
        sink.alive();
        const event = typeof message.data === 'string' ? parseEvent(message.data) : null;
        if (event !== null) sink.event(event);
      },
      { signal },
    );
    socket.addEventListener('close', (close) => sink.ended(endOf(close.code, close.reason)), { signal });
    return () => {
      listening.abort();
      socket.close();
    };
  },
};

/** What a close code tells a client to do. */
export function endOf(code: number, reason: string): End {
  if (code === UNKNOWN_TICKET) return { kind: 'no-ticket' };
  if (code === 1008 || (code >= 4500 && code <= 4999)) {
    return { kind: 'refused', reason: reason || `the service closed the stream (${code})` };
  }
  const inMs = code === DRAIN ? RETRY_IN.exec(reason)?.[1] : undefined;
  if (inMs !== undefined) return { kind: 'moved', reason: STOPS, inMs: Number(inMs) };
  return { kind: 'lost', reason: reason || 'the connection was lost' };
}
