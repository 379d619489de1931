/* Counting, and telling what was counted. */
#define _GNU_SOURCE
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SAMPLED = 200 };

struct figures figures;
static struct rusage begun_usage;
static uint32_t *latencies, *outages; /* microseconds */
static size_t latency_count, latency_room, outage_count;

static uint32_t *with_room(uint32_t *values, size_t count, size_t *room) {
    if (count < *room) return values;
    *room = *room ? 2 * *room : 1 << 16;
    values = realloc(values, *room * sizeof *values);
    if (!values) die("no memory");
    return values;
}

void note_delivery(struct connection *c, const unsigned char *stamp, uint64_t received) {
    uint64_t made = 0;
    c->deliveries++;
    figures.deliveries++;
    figures.last_delivery = received;
    if (figures.first_stamp && (c - connections) % (options.wanted / SAMPLED + 1)) return; /* a sample will do */
    for (int i = 3; i < STAMP_BYTES; i++) {
        int digit = stamp[i] <= '9' ? stamp[i] - '0' : (stamp[i] | 32) - 'a' + 10;
        made = made << 4 | (uint64_t)(digit & 15);
    }
    if (!figures.first_stamp || made < figures.first_stamp) figures.first_stamp = made;
    latencies = with_room(latencies, latency_count, &latency_room);
    latencies[latency_count++] = received > made ? (uint32_t)((received - made) / 1000) : 0;
}

void note_outage(uint64_t nanoseconds) {
    static size_t room;
    figures.resumed++;
    outages = with_room(outages, outage_count, &room);
    outages[outage_count++] = (uint32_t)(nanoseconds / 1000);
}

void note_code(int code) {
    for (int i = 0; i < MOST_CODES; i++)
        if (!figures.close_codes[i].times || figures.close_codes[i].code == code) {
            figures.close_codes[i].code = code;
            figures.close_codes[i].times++;
            return;
        }
}

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

void begin_counting(void) {
    for (int i = 0; i < options.wanted; i++) connections[i].deliveries = 0;
    memset(&figures, 0, sizeof figures);
    latency_count = outage_count = 0;
    figures.begun_at = now();
    getrusage(RUSAGE_SELF, &begun_usage);
    printf("{}\n");
}

static void print_count(const char *name, uint64_t value) { printf(",\"%s\":%ju", name, (uintmax_t)value); }

static void print_ms(const char *name, double value) { printf(",\"%s\":%.3f", name, value); }

void show_figures(void) {
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < options.wanted; i++) {
        if (connections[i].deliveries < least) least = connections[i].deliveries;
        if (connections[i].deliveries > most) most = connections[i].deliveries;
    }
    double cpu = cpu_seconds(); /* before the sorting, which is no part of the load */
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    qsort(outages, outage_count, sizeof *outages, by_size);
    double seconds = (double)(now() - figures.begun_at) / 1e9;
    double all_ms = figures.deliveries ? (double)(figures.last_delivery - figures.first_stamp) / 1e6 : 0;
    printf("{\"seconds\":%.4f,\"cpu_s\":%.4f,\"connected\":%d", seconds, cpu, connected);
    print_count("deliveries", figures.deliveries);
    print_count("bytes", figures.bytes);
    print_count("least", least);
    print_count("most", most);
    print_count("samples", latency_count);
    print_ms("p50_ms", quantile(latencies, latency_count, .5));
    print_ms("p99_ms", quantile(latencies, latency_count, .99));
    print_ms("max_ms", quantile(latencies, latency_count, 1));
    print_ms("all_ms", all_ms);
    print_count("gaps", figures.gaps);
    print_count("repeats", figures.repeats);
    print_count("resets", figures.resets);
    print_count("refused", figures.refused);
    print_count("closed", figures.closed);
    print_count("resumed", figures.resumed);
    print_ms("outage_p50_ms", quantile(outages, outage_count, .5));
    print_ms("outage_max_ms", quantile(outages, outage_count, 1));
    printf(",\"close_codes\":{");
    for (int i = 0; i < MOST_CODES && figures.close_codes[i].times; i++)
        printf("%s\"%d\":%ju", i ? "," : "", figures.close_codes[i].code, (uintmax_t)figures.close_codes[i].times);
    printf("}}\n");
}
