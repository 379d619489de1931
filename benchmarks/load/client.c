/* The load client: many loopback connections in one light process.
 *
 *   client --mode ws|sse|nats --ports PORT[,PORT] --connections N --paths FILE
 *          [--at-once K] [--ready] [--ids order|dense] [--stalled] [--subject S]
 *
 * --paths    a request path a line; connection i takes line i, round and round.
 * --at-once  how many may be connecting at the same time (100).
 * --ready    a connection counts as connected, and its deliveries count, when the event `ready` has come.
 * --ids      look at the ids of the events: `order`, each is higher than the one before; `dense`, each is the
 *            one before plus one. A connection that is closed goes to the next port and resumes there.
 * --stalled  read nothing once connected.
 * --subject  what to subscribe to, in the mode `nats`.
 *
 * A delivery is an event whose text holds a stamp, "@t=" and 16 hex digits: CLOCK_MONOTONIC, nanoseconds,
 * when it was made. It prints a line of JSON when all are connected, and one for each command on its standard
 * input: `begin` sets the counters to 0, `show` prints them, `count` only how many deliveries there were, which is
 * cheap, `quit` ends it, as the end of the input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum mode { WS, SSE, NATS };
enum ids { NONE, ORDER, DENSE };
enum state { CONNECTING, ANSWERING, OPEN, CLOSED };

enum { READ_BYTES = 1 << 18, MOST_BYTES = 1 << 24, SAMPLED = 200, PATH_BYTES = 512, STAMP_BYTES = 19 };

struct connection {
    int fd;
    enum state state;
    int port;            /* index into ports */
    int live;            /* `ready` has come, or is not waited for */
    unsigned char *rest; /* what was read and is not whole yet */
    size_t rest_length;
    uint64_t deliveries;
    uint64_t last; /* sequence of the last id; 0: none yet */
    uint64_t closed_at;
};

static enum mode mode = WS;
static enum ids ids = NONE;
static int wait_ready, stalled, wanted, at_once = 100, port_count, ports[8];
static const char *subject = "load";
static char **paths;
static int path_count;

static struct connection *connections;
static int poller, started, connecting, connected, announced;
static unsigned char *buffer;
static char generation[80];

/* Since `begin`. */
static uint64_t begun_at, deliveries, bytes, first_stamp, last_delivery;
static uint64_t gaps, repeats, resets, resumed, refused, closed;
static struct rusage begun_usage;
static uint32_t *latencies, *outages; /* microseconds */
static size_t latency_count, latency_room, outage_count;
static struct { int code; uint64_t times; } close_codes[16];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

/* ---- connecting ---- */

static void poll_for(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - connections)};
    if (epoll_ctl(poller, operation, c->fd, &event)) die("epoll: %s", strerror(errno));
}

static void begin_connecting(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ports[c->port])};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1, little = 4096;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect to port %d: %s", ports[c->port], strerror(errno));
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

static void send_request(struct connection *c) {
    char request[2 * PATH_BYTES], after[128] = "";
    const char *path = paths[(c - connections) % path_count];
    if (c->last) snprintf(after, sizeof after, "?after=%s-%llu", generation, (unsigned long long)c->last);
    const char *rest = mode == SSE ? "Accept: text/event-stream\r\n"
                                   : "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                     "Sec-WebSocket-Key: bG9hZC1jbGllbnQtLS0tLQ==\r\nSec-WebSocket-Version: 13\r\n";
    int length = snprintf(request, sizeof request, "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", path, after,
                          ports[c->port], rest);
    send_all(c, request, (size_t)length);
}

/* A frame from a client must be masked; with the mask 0 the payload stays as it is. */
static void send_frame(struct connection *c, int opcode, const void *payload, size_t length) {
    unsigned char frame[6 + 125] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | length)};
    if (length > 125) die("a frame of %zu bytes is not for this client", length);
    memcpy(frame + 6, payload, length);
    send_all(c, (char *)frame, 6 + length);
}

static void subscribe(struct connection *c) {
    char line[125];
    int length = snprintf(line, sizeof line, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s 1\r\n", subject);
    send_frame(c, 2, line, (size_t)length);
}

static void note_connected(struct connection *c) {
    c->live = 1;
    connected++;
    if (c->closed_at) {
        resumed++;
        outages[outage_count++ % (size_t)wanted] = (uint32_t)((now() - c->closed_at) / 1000);
        c->closed_at = 0;
    }
    if (stalled) poll_for(c, 0, EPOLL_CTL_MOD);
}

static void note_closed(struct connection *c) {
    if (c->live) connected--;
    else connecting--;
    close(c->fd); /* leaves the poller by that */
    c->state = CLOSED;
    c->live = 0;
    closed++;
    if (ids != NONE && c->port + 1 < port_count && c->last) {
        c->port++;
        c->closed_at = now();
        begin_connecting(c);
    }
}

/* ---- what comes ---- */

static void take_stamp(struct connection *c, const unsigned char *stamp, uint64_t received) {
    uint64_t made = 0;
    c->deliveries++;
    deliveries++;
    last_delivery = received;
    if (first_stamp && (c - connections) % (wanted / SAMPLED + 1)) return;
    for (int i = 3; i < STAMP_BYTES; i++) {
        int digit = stamp[i] <= '9' ? stamp[i] - '0' : (stamp[i] | 32) - 'a' + 10;
        made = made << 4 | (uint64_t)(digit & 15);
    }
    if (!first_stamp || made < first_stamp) first_stamp = made;
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 1 << 16;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) die("no memory");
    }
    latencies[latency_count++] = received > made ? (uint32_t)((received - made) / 1000) : 0;
}

/* The sequence of the id at the end of an event, 0 when it has none. Learns the generation. */
static uint64_t sequence_of(const unsigned char *event, size_t length) {
    const unsigned char *end = event + length;
    if (mode == WS) {
        if (length < 10 || end[-1] != '}' || end[-2] != '"') return 0;
        end -= 2;
    }
    const unsigned char *digit = end;
    while (digit > event && digit[-1] >= '0' && digit[-1] <= '9') digit--;
    if (digit == end || digit == event || digit[-1] != '-') return 0;
    const unsigned char *name = digit - 1;
    while (name > event && name[-1] != '"' && name[-1] != ' ') name--;
    const char *before = mode == WS ? "\"id\":\"" : "\nid: ";
    size_t before_length = strlen(before);
    if ((size_t)(name - event) < before_length || memcmp(name - before_length, before, before_length)) return 0;
    if (!*generation && (size_t)(digit - 1 - name) < sizeof generation) memcpy(generation, name, (size_t)(digit - 1 - name));
    return strtoull((const char *)digit, NULL, 10);
}

static int is_event(const unsigned char *event, size_t length, const char *type) {
    char head[32];
    int n = snprintf(head, sizeof head, mode == WS ? "{\"type\":\"%s\"" : "event: %s\n", type);
    return length >= (size_t)n && !memcmp(event, head, (size_t)n);
}

static void check_sequence(struct connection *c, uint64_t sequence) {
    if (c->last) {
        if (sequence <= c->last) repeats++;
        else if (ids == DENSE && sequence != c->last + 1) gaps++;
    }
    if (sequence > c->last) c->last = sequence;
}

static void take_event(struct connection *c, const unsigned char *event, size_t length, uint64_t received) {
    uint64_t sequence = ids == NONE ? 0 : sequence_of(event, length);
    if (is_event(event, length, "ready")) {
        if (sequence > c->last) {
            if (c->last && ids == DENSE) gaps++; /* told to go on from where it never was */
            c->last = sequence;
        }
        if (!c->live) {
            connecting--;
            note_connected(c);
        }
        return;
    }
    if (!c->live && !sequence) {
        if (c->last && is_event(event, length, "reset")) resets++, c->last = 0;
        return; /* the state that a stream begins with */
    }
    if (sequence) check_sequence(c, sequence);
    else if (ids != NONE && is_event(event, length, "reset")) resets++, c->last = 0;
    const unsigned char *stamp = memmem(event, length, "@t=", 3);
    if (stamp && (size_t)(event + length - stamp) >= STAMP_BYTES && (ids == NONE || sequence))
        take_stamp(c, stamp, received);
}

static void note_code(int code) {
    for (int i = 0; i < 16; i++)
        if (!close_codes[i].times || close_codes[i].code == code) {
            close_codes[i].code = code;
            close_codes[i].times++;
            return;
        }
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
        case 8: note_code(size < 2 ? 0 : payload[0] << 8 | payload[1]); break;
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
        take_stamp(c, stamp, received);
        at = (size_t)(stamp - data) + STAMP_BYTES;
    }
}

static size_t take_answer(struct connection *c, unsigned char *data, size_t length) {
    unsigned char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *want = mode == SSE ? "HTTP/1.1 200" : "HTTP/1.1 101";
    if (memcmp(data, want, strlen(want))) {
        if (!refused++) fprintf(stderr, "refused: %.*s\n", (int)length, data);
        note_closed(c);
        return length;
    }
    c->state = OPEN;
    if (mode == NATS) subscribe(c);
    if (!wait_ready) {
        connecting--;
        note_connected(c);
    }
    return (size_t)(end - data) + 4;
}

static size_t take(struct connection *c, unsigned char *data, size_t length, uint64_t received) {
    size_t at = 0;
    if (c->state == ANSWERING && !(at = take_answer(c, data, length))) return 0;
    if (c->state != OPEN) return length;
    switch (mode) {
    case WS: return at + take_frames(c, data + at, length - at, received);
    case SSE: return at + take_chunks(c, data + at, length - at, received);
    default: return at + take_messages(c, data + at, length - at, received);
    }
}

static void read_from(struct connection *c) {
    memcpy(buffer, c->rest, c->rest_length);
    ssize_t got = recv(c->fd, buffer + c->rest_length, READ_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        note_closed(c);
        return;
    }
    bytes += (uint64_t)got;
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

static void on_event(struct connection *c, uint32_t events) {
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) die("connect to port %d: %s", ports[c->port], strerror(error));
        c->state = ANSWERING;
        poll_for(c, EPOLLIN, EPOLL_CTL_MOD);
        send_request(c);
    } else if (c->live && stalled) {
        if (events & (EPOLLERR | EPOLLHUP)) note_closed(c);
    } else if (c->state != CLOSED) {
        read_from(c);
    }
}

/* ---- commands ---- */

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double quantile(const uint32_t *sorted, size_t count, double q) {
    return count ? sorted[(size_t)((double)(count - 1) * q)] / 1000.0 : 0;
}

static double seconds_of(const struct timeval *t) { return (double)t->tv_sec + (double)t->tv_usec / 1e6; }

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime) - seconds_of(&begun_usage.ru_utime) -
           seconds_of(&begun_usage.ru_stime);
}

static void begin(void) {
    for (int i = 0; i < wanted; i++) connections[i].deliveries = 0;
    deliveries = bytes = first_stamp = last_delivery = 0;
    gaps = repeats = resets = resumed = refused = closed = 0;
    latency_count = outage_count = 0;
    memset(close_codes, 0, sizeof close_codes);
    begun_at = now();
    getrusage(RUSAGE_SELF, &begun_usage);
    printf("{}\n");
}

static void show(void) {
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < wanted; i++) {
        if (connections[i].deliveries < least) least = connections[i].deliveries;
        if (connections[i].deliveries > most) most = connections[i].deliveries;
    }
    double cpu = cpu_seconds(); /* before the sorting, which is no part of the load */
    size_t outage_kept = outage_count < (size_t)wanted ? outage_count : (size_t)wanted;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    qsort(outages, outage_kept, sizeof *outages, by_size);
    printf("{\"seconds\":%.4f,\"cpu_s\":%.4f,\"connected\":%d,\"deliveries\":%llu,\"bytes\":%llu,\"least\":%llu,\"most\":%llu",
           (double)(now() - begun_at) / 1e9, cpu, connected, (unsigned long long)deliveries, (unsigned long long)bytes,
           (unsigned long long)least, (unsigned long long)most);
    printf(",\"samples\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"all_ms\":%.3f", latency_count,
           quantile(latencies, latency_count, .5), quantile(latencies, latency_count, .99),
           quantile(latencies, latency_count, 1), deliveries ? (double)(last_delivery - first_stamp) / 1e6 : 0.0);
    printf(",\"gaps\":%llu,\"repeats\":%llu,\"resets\":%llu,\"refused\":%llu,\"closed\":%llu,\"resumed\":%llu",
           (unsigned long long)gaps, (unsigned long long)repeats, (unsigned long long)resets,
           (unsigned long long)refused, (unsigned long long)closed, (unsigned long long)resumed);
    printf(",\"outage_p50_ms\":%.3f,\"outage_max_ms\":%.3f,\"close_codes\":{", quantile(outages, outage_kept, .5),
           quantile(outages, outage_kept, 1));
    for (int i = 0; i < 16 && close_codes[i].times; i++)
        printf("%s\"%d\":%llu", i ? "," : "", close_codes[i].code, (unsigned long long)close_codes[i].times);
    printf("}}\n");
}

static void obey(void) {
    static char line[256];
    static size_t length;
    ssize_t got = read(0, line + length, sizeof line - 1 - length);
    if (got <= 0) exit(0);
    length += (size_t)got;
    line[length] = 0;
    for (char *end; (end = strchr(line, '\n'));) {
        *end = 0;
        if (!strcmp(line, "begin")) begin();
        else if (!strcmp(line, "count")) printf("{\"deliveries\":%llu}\n", (unsigned long long)deliveries);
        else if (!strcmp(line, "show")) show();
        else if (!strcmp(line, "quit")) exit(0);
        else die("there is no command %s", line);
        length -= (size_t)(end + 1 - line);
        memmove(line, end + 1, length + 1);
    }
}

/* ---- beginning ---- */

static void read_paths(const char *name) {
    char line[PATH_BYTES];
    FILE *file = fopen(name, "r");
    if (!file) die("%s: %s", name, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        paths = realloc(paths, sizeof *paths * (size_t)(path_count + 1));
        if (!paths || !(paths[path_count++] = strdup(line))) die("no memory");
    }
    fclose(file);
    if (!path_count) die("%s holds no path", name);
}

static int one_of(const char *text, const char *const *names) {
    for (int i = 0; names[i]; i++)
        if (!strcmp(text, names[i])) return i;
    die("%s is not known here", text);
    return 0;
}

static void read_options(int count, char **arguments) {
    static const struct option options[] = {
        {"mode", 1, 0, 'm'},   {"ports", 1, 0, 'p'}, {"connections", 1, 0, 'n'}, {"paths", 1, 0, 'f'},
        {"at-once", 1, 0, 'k'}, {"ready", 0, 0, 'r'}, {"ids", 1, 0, 'i'},         {"stalled", 0, 0, 's'},
        {"subject", 1, 0, 'u'}, {0, 0, 0, 0}};
    static const char *const modes[] = {"ws", "sse", "nats", 0}, *const all_ids[] = {"none", "order", "dense", 0};
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) switch (option) {
        case 'm': mode = (enum mode)one_of(optarg, modes); break;
        case 'p':
            for (char *port = strtok(optarg, ","); port && port_count < 8; port = strtok(NULL, ","))
                ports[port_count++] = atoi(port);
            break;
        case 'n': wanted = atoi(optarg); break;
        case 'f': read_paths(optarg); break;
        case 'k': at_once = atoi(optarg); break;
        case 'r': wait_ready = 1; break;
        case 'i': ids = (enum ids)one_of(optarg, all_ids); break;
        case 's': stalled = 1; break;
        case 'u': subject = optarg; break;
        default: exit(2);
        }
    if (!port_count || !wanted || !path_count) die("--ports, --connections and --paths are required");
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    connections = calloc((size_t)wanted, sizeof *connections);
    outages = calloc((size_t)wanted, sizeof *outages);
    buffer = malloc(MOST_BYTES);
    if (!connections || !outages || !buffer) die("no memory");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event commands = {.events = EPOLLIN, .data.u32 = UINT32_MAX}, events[512];
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands);
    begun_at = now();
    for (;;) {
        while (started < wanted && connecting < at_once) begin_connecting(&connections[started++]);
        if (!announced && started == wanted && !connecting) {
            announced = 1;
            printf("{\"connected\":%d,\"seconds\":%.3f}\n", connected, (double)(now() - begun_at) / 1e9);
        }
        int ready = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 == UINT32_MAX) obey();
            else on_event(&connections[events[i].data.u32], events[i].events);
        }
    }
}
