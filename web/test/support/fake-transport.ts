/** A transport by hand: the test plays the service. */

import type { StreamEvent } from '../../src/client/events.js';
import type { End, StreamRequest, StreamSink, Transport } from '../../src/client/transport/transport.js';

export interface FakeStream {
  readonly ticket: string;
  readonly after: string | null;
  readonly sink: StreamSink;
  open: boolean;
}

export class FakeTransport implements Transport {
  readonly streams: FakeStream[] = [];

  constructor(readonly silenceMs = 37_500) {}

  open(request: StreamRequest, sink: StreamSink): () => void {
    const stream = { ticket: request.ticket, after: request.after(), sink, open: true };
    this.streams.push(stream);
    return () => {
      stream.open = false;
    };
  }

  get last(): FakeStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }

  say(...events: StreamEvent[]): void {
    const { sink } = this.last;
    for (const event of events) {
      sink.alive();
      sink.event(event);
    }
  }

  end(why: End): void {
    this.last.sink.ended(why);
  }
}
