#include "host/log_stderr.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "host/host_clock.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define LINES_PER_SECOND 10
#define EVENTS_TRACKED 128

struct event_count {
    uint64_t hash;
    usec_t second;
    unsigned written, left_out;
};

struct log_stderr {
    struct log_sink sink;
    pthread_mutex_t mutex;
    struct event_count events[EVENTS_TRACKED];
};

/* False when this event has had its lines for this second. *left_out: how many were kept back
 * before this one. */
static bool admit(struct log_stderr *l, const char *event, usec_t now, unsigned *left_out)
{
    static const uint64_t key[2];
    uint64_t hash = hash_bytes(bytes_of_string(event), key);
    struct event_count *e = &l->events[hash % EVENTS_TRACKED];
    usec_t second = now / SECONDS(1);
    pthread_mutex_lock(&l->mutex);
    if (e->hash != hash) {
        *e = (struct event_count){.hash = hash, .second = second};
    } else if (e->second != second) {
        e->second = second;
        e->written = 0;
    }
    bool admitted = e->written < LINES_PER_SECOND;
    *left_out = 0;
    if (admitted) {
        e->written++;
        *left_out = e->left_out;
        e->left_out = 0;
    } else {
        e->left_out++;
    }
    pthread_mutex_unlock(&l->mutex);
    return admitted;
}

static void write_line(void *context, enum log_level level, const char *event, const char *line)
{
    unsigned left_out;
    usec_t unix_us = host_clock_unix();
    if (!admit(context, event, unix_us, &left_out))
        return;
    time_t seconds = (time_t)(unix_us / SECONDS(1));
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char text[LOG_LINE_BYTES + 160];
    size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    char more[48] = "";
    if (left_out > 0)
        snprintf(more, sizeof more, " left_out=%u", left_out);
    int rest = snprintf(text + used, sizeof text - used, ".%03dZ %s %s %s%s\n",
                        (int)(unix_us / 1000 % 1000), log_level_name(level), event, line, more);
    if (rest > 0)
        used += (size_t)rest < sizeof text - used ? (size_t)rest : sizeof text - used - 1;
    /* One write per line, so that lines of several threads do not mix. A full pipe loses the line.
     */
    (void)!write(STDERR_FILENO, text, used);
}

struct log_stderr *log_stderr_create(enum log_level level)
{
    struct log_stderr *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    pthread_mutex_init(&l->mutex, NULL);
    l->sink = (struct log_sink){.level = level, .write = write_line, .context = l};
    return l;
}

void log_stderr_free(struct log_stderr *l)
{
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

struct log log_stderr_get(struct log_stderr *l)
{
    return (struct log){.sink = &l->sink};
}

bool log_level_find(const char *name, enum log_level *out)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_TRACE; level++) {
        if (strcmp(name, log_level_name((enum log_level)level)) == 0) {
            *out = (enum log_level)level;
            return true;
        }
    }
    return false;
}
