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
#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct options options = {.mode = WS, .ids = NONE, .at_once = 100, .subject = "load"};
struct connection *connections;
int connecting, connected;
char generation[80];

uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
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
        if (!strcmp(line, "begin")) begin_counting();
        else if (!strcmp(line, "count")) printf("{\"deliveries\":%llu}\n", (unsigned long long)figures.deliveries);
        else if (!strcmp(line, "show")) show_figures();
        else if (!strcmp(line, "quit")) exit(0);
        else die("there is no command %s", line);
        length -= (size_t)(end + 1 - line);
        memmove(line, end + 1, length + 1);
    }
}

static void read_paths(const char *name) {
    char line[PATH_BYTES];
    FILE *file = fopen(name, "r");
    if (!file) die("%s: %s", name, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        options.paths = realloc(options.paths, sizeof *options.paths * (size_t)(options.path_count + 1));
        if (!options.paths || !(options.paths[options.path_count++] = strdup(line))) die("no memory");
    }
    fclose(file);
    if (!options.path_count) die("%s holds no path", name);
}

static int one_of(const char *text, const char *const *names) {
    for (int i = 0; names[i]; i++)
        if (!strcmp(text, names[i])) return i;
    die("%s is not known here", text);
    return 0;
}

static void read_options(int count, char **arguments) {
    static const struct option known[] = {
        {"mode", 1, 0, 'm'},   {"ports", 1, 0, 'p'}, {"connections", 1, 0, 'n'}, {"paths", 1, 0, 'f'},
        {"at-once", 1, 0, 'k'}, {"ready", 0, 0, 'r'}, {"ids", 1, 0, 'i'},         {"stalled", 0, 0, 's'},
        {"subject", 1, 0, 'u'}, {0, 0, 0, 0}};
    static const char *const modes[] = {"ws", "sse", "nats", 0}, *const all_ids[] = {"none", "order", "dense", 0};
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) switch (option) {
        case 'm': options.mode = (enum mode)one_of(optarg, modes); break;
        case 'p':
            for (char *port = strtok(optarg, ","); port && options.port_count < MOST_PORTS; port = strtok(NULL, ","))
                options.ports[options.port_count++] = atoi(port);
            break;
        case 'n': options.wanted = atoi(optarg); break;
        case 'f': read_paths(optarg); break;
        case 'k': options.at_once = atoi(optarg); break;
        case 'r': options.wait_ready = 1; break;
        case 'i': options.ids = (enum ids)one_of(optarg, all_ids); break;
        case 's': options.stalled = 1; break;
        case 'u': options.subject = optarg; break;
        default: exit(2);
        }
    if (!options.port_count || !options.wanted || !options.path_count)
        die("--ports, --connections and --paths are required");
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    connections = calloc((size_t)options.wanted, sizeof *connections);
    if (!connections) die("no memory");
    prepare_connecting();
    uint64_t begun_at = now();
    for (int started = 0, announced = 0;;) {
        while (started < options.wanted && connecting < options.at_once) begin_connecting(&connections[started++]);
        if (!announced && started == options.wanted && !connecting) {
            announced = 1;
            printf("{\"connected\":%d,\"seconds\":%.3f}\n", connected, (double)(now() - begun_at) / 1e9);
        }
        wait_for_events(obey);
    }
}
