/* Connections: made, lost, made again at the next port. */
#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int poller;

void prepare_connecting(void) {
    struct epoll_event commands = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands)) die("epoll: %s", strerror(errno));
}

static void poll_for(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - connections)};
    if (epoll_ctl(poller, operation, c->fd, &event)) die("epoll: %s", strerror(errno));
}

void begin_connecting(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.ports[c->port])};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1, little = 4096;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options.stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect to port %d: %s", options.ports[c->port], strerror(errno));
    c->state = CONNECTING;
    c->live = 0;
    c->rest_length = 0;
    connecting++;
    poll_for(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void send_all(struct connection *c, const char *data, size_t length) {
    /* small, and into an empty socket buffer: it goes at once, or the other side is gone */
    if (send(c->fd, data, length, MSG_NOSIGNAL) < 0) return;
}

static const char stream[] = "Accept: text/event-stream\r\n";
static const char upgrade[] = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: bG9hZC1jbGllbnQtLS0tLQ==\r\nSec-WebSocket-Version: 13\r\n";

static void send_request(struct connection *c) {
    char request[2 * PATH_BYTES], after[128] = "";
    const char *path = options.paths[(c - connections) % options.path_count];
    if (c->last) snprintf(after, sizeof after, "?after=%s-%llu", generation, (unsigned long long)c->last);
    const char *kind = options.mode == SSE ? stream : upgrade;
    int length = snprintf(request, sizeof request, "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", path, after,
                          options.ports[c->port], kind);
    send_all(c, request, (size_t)length);
}

/* A frame from a client must be masked; with the mask 0 the payload stays as it is. */
void send_frame(struct connection *c, int opcode, const void *payload, size_t length) {
    unsigned char frame[6 + 125] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | length)};
    if (length > 125) die("a frame of %zu bytes is not for this client", length);
    memcpy(frame + 6, payload, length);
    send_all(c, (char *)frame, 6 + length);
}

void note_connected(struct connection *c) {
    c->live = 1;
    connecting--;
    connected++;
    if (c->closed_at) {
        note_outage(now() - c->closed_at);
        c->closed_at = 0;
    }
    if (options.stalled) poll_for(c, 0, EPOLL_CTL_MOD);
}

void note_answered(struct connection *c) {
    c->state = OPEN;
    if (options.mode == NATS) {
        char line[125];
        const char *text = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s 1\r\n";
        send_frame(c, 2, line, (size_t)snprintf(line, sizeof line, text, options.subject));
    }
    if (!options.wait_ready) note_connected(c);
}

void note_closed(struct connection *c) {
    if (c->live) connected--;
    else connecting--;
    close(c->fd); /* leaves the poller by that */
    c->state = CLOSED;
    c->live = 0;
    figures.closed++;
    if (options.ids != NONE && c->port + 1 < options.port_count && c->last) {
        c->port++;
        c->closed_at = now();
        begin_connecting(c);
    }
}

static void on_event(struct connection *c, uint32_t events) {
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) die("connect to port %d: %s", options.ports[c->port], strerror(error));
        c->state = ANSWERING;
        poll_for(c, EPOLLIN, EPOLL_CTL_MOD);
        send_request(c);
    } else if (c->live && options.stalled) {
        if (events & (EPOLLERR | EPOLLHUP)) note_closed(c);
    } else if (c->state != CLOSED) {
        read_from(c);
    }
}

void wait_for_events(void (*obey)(void)) {
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == UINT32_MAX) obey();
        else on_event(&connections[events[i].data.u32], events[i].events);
    }
}
