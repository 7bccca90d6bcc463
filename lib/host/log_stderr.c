#include "host/log_stderr.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "host/host_clock.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define LINES_PER_SECOND 10
#define EVENTS_TRACKED 128 /* event names; there are fewer in any of our programs */
#define EVENT_BYTES 48
#define TEXT_BYTES (LOG_LINE_BYTES + EVENT_BYTES + LOG_TAG_BYTES)

struct event_count {
    char name[EVENT_BYTES]; /* "": free */
    usec_t second;
    unsigned written, left_out;
};

struct log_stderr {
    struct log_sink sink;
    pthread_mutex_t mutex;
    struct event_count events[EVENTS_TRACKED];
    usec_t swept; /* the second in which left out lines were last looked for */
};

/* By name, from the place that its hash says; the last place serves all that find none. */
static struct event_count *find_event(struct log_stderr *l, const char *name)
{
    static const uint64_t key[2];
    uint64_t hash = hash_bytes(bytes_of_string(name), key);
    struct event_count *e = NULL;
    for (size_t i = 0; i < EVENTS_TRACKED; i++) {
        e = &l->events[(hash + i) % EVENTS_TRACKED];
        if (e->name[0] == '\0')
            snprintf(e->name, sizeof e->name, "%s", name);
        if (strncmp(e->name, name, sizeof e->name - 1) == 0)
            break;
    }
    return e;
}

/* False when this event has had its lines for this second. */
static bool admit(struct log_stderr *l, const char *name, usec_t second)
{
    struct event_count *e = find_event(l, name);
    if (e->second != second) {
        e->second = second;
        e->written = 0;
    }
    if (e->written >= LINES_PER_SECOND) {
        e->left_out++;
        return false;
    }
    e->written++;
    return true;
}

/* A line is worth less than the thread that writes it: a full pipe loses it. */
static bool has_room(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static void put(usec_t unix_us, enum log_level level, const char *event, const char *line)
{
    char text[TEXT_BYTES];
    time_t seconds = (time_t)(unix_us / SECONDS(1));
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    int rest =
        snprintf(text + used, sizeof text - used, ".%03dZ %s %s%s%s", (int)(unix_us / 1000 % 1000),
                 log_level_name(level), event, line[0] != '\0' ? " " : "", line);
    if (rest < 0 || !has_room())
        return;
    used += (size_t)rest < sizeof text - used ? (size_t)rest : sizeof text - used - 1;
    text[used++] = '\n'; /* in the place of the terminating zero */
    /* One write a line, so that lines of several threads do not mix. */
    (void)!write(STDERR_FILENO, text, used);
}

/* Once a second: says what earlier seconds have kept back. */
static void sweep(struct log_stderr *l, usec_t unix_us, usec_t second)
{
    if (l->swept == second)
        return;
    l->swept = second;
    for (size_t i = 0; i < EVENTS_TRACKED; i++) {
        struct event_count *e = &l->events[i];
        char line[EVENT_BYTES + 32];
        if (e->left_out == 0 || e->second == second)
            continue;
        snprintf(line, sizeof line, "of=%s count=%u", e->name, e->left_out);
        put(unix_us, LOG_LEVEL_WARN, "lines_left_out", line);
        e->left_out = 0;
    }
}

static void write_line(void *context, enum log_level level, const char *event, const char *line)
{
    struct log_stderr *l = context;
    usec_t unix_us = host_clock_unix();
    usec_t second = unix_us / SECONDS(1);
    pthread_mutex_lock(&l->mutex);
    sweep(l, unix_us, second);
    bool admitted = admit(l, event, second);
    pthread_mutex_unlock(&l->mutex);
    if (admitted)
        put(unix_us, level, event, line);
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
    sweep(l, host_clock_unix(), -1);
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
