/* What comes over a connection: frames of WebSockets, chunks of event streams, and the events in them. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_BYTES = 1 << 18, MOST_BYTES = 1 << 24 };

static unsigned char buffer[MOST_BYTES];

/* The sequence of the id at the end of an event, 0 when it has none. Learns the generation. */
static uint64_t sequence_of(const unsigned char *event, size_t length) {
    const unsigned char *end = event + length;
    if (options.mode == WS) {
        if (length < 10 || end[-1] != '}' || end[-2] != '"') return 0;
        end -= 2;
    }
    const unsigned char *digit = end;
    while (digit > event && digit[-1] >= '0' && digit[-1] <= '9') digit--;
    if (digit == end || digit == event || digit[-1] != '-') return 0;
    const unsigned char *name = digit - 1;
    while (name > event && name[-1] != '"' && name[-1] != ' ') name--;
    const char *before = options.mode == WS ? "\"id\":\"" : "\nid: ";
    size_t before_length = strlen(before);
    if ((size_t)(name - event) < before_length || memcmp(name - before_length, before, before_length)) return 0;
    size_t name_length = (size_t)(digit - 1 - name);
    if (!*generation && name_length < sizeof generation) memcpy(generation, name, name_length);
    return strtoull((const char *)digit, NULL, 10);
}

static int is_event(const unsigned char *event, size_t length, const char *type) {
    char head[32];
    int n = snprintf(head, sizeof head, options.mode == WS ? "{\"type\":\"%s\"" : "event: %s\n", type);
    return length >= (size_t)n && !memcmp(event, head, (size_t)n);
}

static void check_sequence(struct connection *c, uint64_t sequence) {
    if (c->last) {
        if (sequence <= c->last) figures.repeats++;
        else if (options.ids == DENSE && sequence != c->last + 1) figures.gaps++;
    }
    if (sequence > c->last) c->last = sequence;
}

static void take_event(struct connection *c, const unsigned char *event, size_t length, uint64_t received) {
    uint64_t sequence = options.ids == NONE ? 0 : sequence_of(event, length);
    if (is_event(event, length, "ready")) {
        if (sequence > c->last) {
            if (c->last && options.ids == DENSE) figures.gaps++; /* told to go on from where it never was */
            c->last = sequence;
        }
        if (!c->live) note_connected(c);
        return;
    }
    if (!c->live && !sequence) {
        if (c->last && is_event(event, length, "reset")) figures.resets++, c->last = 0;
        return; /* the state that a stream begins with */
    }
    if (sequence) check_sequence(c, sequence);
    else if (options.ids != NONE && is_event(event, length, "reset")) figures.resets++, c->last = 0;
    const unsigned char *stamp = memmem(event, length, "@t=", 3);
    if (stamp && (size_t)(event + length - stamp) >= STAMP_BYTES && (options.ids == NONE || sequence))
        note_delivery(c, stamp, received);
}

/* Each takes what is whole and returns how many bytes that was. */

static size_t take_frames(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    size_t at = 0;
    while (length - at >= 2) {
        size_t head = 2, size = data[at + 1] & 127;
        if (size == 126) head = 4;
        if (size == 127) head = 10;
        if (length - at < head) break;
        if (head > 2) {
            size = 0;
            for (size_t i = 2; i < head; i++) size = size << 8 | data[at + i];
        }
        if (length - at < head + size) break;
        unsigned char *payload = data + at + head;
        switch (data[at] & 15) {
        case 1: take_event(c, payload, size, received); break;
        case 8:
            note_code(size < 2 ? 0 : payload[0] << 8 | payload[1]);
            send_frame(c, 8, payload, size);
            note_closed(c);
            return length;
        case 9: send_frame(c, 10, payload, size); break;
        }
        at += head + size;
    }
    return at;
}

static void take_block(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    unsigned char *end = data + length, *event = data;
    while (event < end) {
        unsigned char *stop = memmem(event, (size_t)(end - event), "\n\n", 2);
        if (!stop) die("an event is spread over several chunks, which this client does not read");
        take_event(c, event, (size_t)(stop - event), received);
        event = stop + 2;
    }
}

static size_t take_chunks(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    size_t at = 0;
    for (;;) {
        unsigned char *line = memmem(data + at, length - at, "\r\n", 2);
        if (!line) return at;
        size_t head = (size_t)(line - data) - at + 2, size = strtoul((char *)data + at, NULL, 16);
        if (length - at < head + size + 2) return at;
        if (!size) {
            note_closed(c); /* the end of the stream */
            return length;
        }
        take_block(c, data + at + head, size, received);
        at += head + size + 2;
    }
}

static size_t take_messages(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    /* nats-server's frames are not aligned to messages: only the stamps are of interest */
    size_t at = 0;
    for (;;) {
        unsigned char *stamp = memmem(data + at, length - at, "@t=", 3);
        if (!stamp) return length - at < 2 ? at : length - 2;
        if ((size_t)(data + length - stamp) < STAMP_BYTES) return (size_t)(stamp - data);
        note_delivery(c, stamp, received);
        at = (size_t)(stamp - data) + STAMP_BYTES;
    }
}

static size_t take_answer(struct connection *c, unsigned char *data, size_t length) {
    unsigned char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *want = options.mode == SSE ? "HTTP/1.1 200" : "HTTP/1.1 101";
    if (memcmp(data, want, strlen(want))) {
        if (!figures.refused++) fprintf(stderr, "refused: %.*s\n", (int)length, data);
        note_closed(c);
        return length;
    }
    note_answered(c);
    return (size_t)(end - data) + 4;
}

static size_t take(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    size_t at = 0;
    if (c->state == ANSWERING && !(at = take_answer(c, data, length))) return 0;
    if (c->state != OPEN) return length;
    switch (options.mode) {
    case WS: return at + take_frames(c, data + at, length - at, received);
    case SSE: return at + take_chunks(c, data + at, length - at, received);
    default: return at + take_messages(c, data + at, length - at, received);
    }
}

void read_from(struct connection *c) {
    if (c->rest_length) memcpy(buffer, c->rest, c->rest_length);
    ssize_t got = recv(c->fd, buffer + c->rest_length, READ_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        note_closed(c);
        return;
    }
    figures.bytes += (uint64_t)got;
    size_t length = c->rest_length + (size_t)got, taken = take(c, buffer, length, now());
    if (c->state == CLOSED || c->state == CONNECTING) return;
    c->rest_length = length - taken;
    if (c->rest_length + READ_BYTES > MOST_BYTES) die("a frame of more than %d bytes", MOST_BYTES);
    if (!c->rest_length) {
        free(c->rest);
        c->rest = NULL;
        return;
    }
    c->rest = realloc(c->rest, c->rest_length);
    if (!c->rest) die("no memory");
    memcpy(c->rest, buffer + taken, c->rest_length);
}
