/** One event a message. The service's own `ping` events show that the connection lives. */

import { parseEvent } from '../events.js';
import { streamUrl, type End, type Transport } from './transport.js';

const UNKNOWN_TICKET = 4504;

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
  return { kind: 'lost', reason: reason || 'the connection was lost' };
}
