/* What the parts of the load client share. See client.c. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stddef.h>
#include <stdint.h>

enum mode { WS, SSE, NATS };
enum ids { NONE, ORDER, DENSE };
enum state { CONNECTING, ANSWERING, OPEN, CLOSED };

enum { PATH_BYTES = 512, MOST_PORTS = 8, MOST_CODES = 16, STAMP_BYTES = 19 };

struct connection {
    int fd;
    enum state state;
    int port;            /* index into options.ports */
    int live;            /* `ready` has come, or is not waited for */
    unsigned char *rest; /* what was read and is not whole yet */
    size_t rest_length;
    uint64_t deliveries;
    uint64_t last; /* sequence of the last id; 0: none yet */
    uint64_t closed_at;
};

struct options {
    enum mode mode;
    enum ids ids;
    int wait_ready, stalled, wanted, at_once;
    int ports[MOST_PORTS], port_count;
    const char *subject;
    char **paths;
    int path_count;
};

/* Since the command `begin`; times in nanoseconds of CLOCK_MONOTONIC. */
struct figures {
    uint64_t begun_at, deliveries, bytes, first_stamp, last_delivery;
    uint64_t gaps, repeats, resets, resumed, refused, closed;
    struct {
        int code;
        uint64_t times;
    } close_codes[MOST_CODES];
};

extern struct options options;
extern struct figures figures;
extern struct connection *connections;
extern int connecting, connected; /* how many are */
extern char generation[80];       /* of the ids */

/* client.c */
uint64_t now(void);
void die(const char *format, ...);

/* connecting.c */
void prepare_connecting(void);
void begin_connecting(struct connection *c);
void wait_for_events(void (*obey)(void));
void send_frame(struct connection *c, int opcode, const void *payload, size_t length);
void note_answered(struct connection *c);
void note_connected(struct connection *c);
void note_closed(struct connection *c);

/* reading.c */
void read_from(struct connection *c);

/* figures.c */
void begin_counting(void);
void show_figures(void);
void note_delivery(struct connection *c, const unsigned char *stamp, uint64_t received);
void note_outage(uint64_t nanoseconds);
void note_code(int code);

#endif
