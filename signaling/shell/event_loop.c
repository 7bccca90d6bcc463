#include "signaling/shell/event_loop.h"

#include "host/host_clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define READ_BYTES 16384 /* libwebsockets' buffer: one read of a socket */

struct event_loop {
    struct lws_context *context;
    struct lws_vhost *vhost;    /* of the watches; it listens nowhere */
    struct event_timer *timers; /* armed ones; a handful */
    struct event_watch *again;  /* wanted to write while they did */
    int timer_fd;               /* readable when the first of them is due */
    const struct log *log;
};

struct event_watch {
    struct event_loop *loop;
    struct lws *wsi;
    struct event_watch_callbacks callbacks;
    bool removed, is_writing;
    bool wants_again; /* in the loop's list */
    struct event_watch *next_again;
};

/* libwebsockets 4.1 forgets what is wanted for a descriptor inside its writable callback: it turns
 * the wish off when the callback is through. So such a wish waits for the end of the turn. */
static void want_again(struct event_watch *watch)
{
    if (watch->wants_again)
        return;
    watch->wants_again = true;
    watch->next_again = watch->loop->again;
    watch->loop->again = watch;
}

static void forget_again(struct event_watch *watch)
{
    struct event_watch **at = &watch->loop->again;
    while (*at != NULL && *at != watch)
        at = &(*at)->next_again;
    if (*at != NULL)
        *at = watch->next_again;
    watch->wants_again = false;
}

static void serve_again(struct event_loop *loop)
{
    for (struct event_watch *watch; (watch = loop->again) != NULL;) {
        forget_again(watch);
        if (!watch->removed)
            lws_callback_on_writable(watch->wsi);
    }
}

static void handle_writable(struct event_watch *watch)
{
    if (watch == NULL || watch->removed)
        return;
    watch->is_writing = true;
    watch->callbacks.on_writable(watch->callbacks.context);
    watch->is_writing = false;
}

static void handle_watch_closed(struct event_watch *watch)
{
    forget_again(watch);
    if (!watch->removed && watch->callbacks.on_gone != NULL)
        watch->callbacks.on_gone(watch->callbacks.context);
    free(watch);
}

static int handle_watch(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct event_watch *watch = lws_get_opaque_user_data(wsi);
    (void)user;
    (void)in;
    (void)len;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        if (watch != NULL && !watch->removed)
            watch->callbacks.on_readable(watch->callbacks.context);
        break;
    case LWS_CALLBACK_RAW_WRITEABLE_FILE:
        handle_writable(watch);
        break;
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        lws_set_opaque_user_data(wsi, NULL);
        if (watch != NULL)
            handle_watch_closed(watch);
        return 0;
    default:
        return 0;
    }
    return watch != NULL && watch->removed ? -1 : 0;
}

static const struct lws_protocols watch_protocols[] = {
    {.name = "amphi-watch", .callback = handle_watch},
    {0},
};

/* libwebsockets names peers' addresses and header contents: none of that is for our log. */
static void drop_log_line(int level, const char *line)
{
    (void)level;
    (void)line;
}

/* It sizes its tables by this limit, so a limit of millions is lowered as well. */
static void set_descriptor_limit(size_t wanted, const struct log *log)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
        log_warn(log, "descriptor_limit_low", "limit=%llu wanted=%zu",
                 (unsigned long long)limit.rlim_cur, wanted);
}

/* --- Timers. Not libwebsockets' own: it waits in whole milliseconds, rounded down, and looks again
 * and again for the rest of the last one, half a millisecond of the processor for each timer. */

static void set_timer_fd(const struct event_loop *loop)
{
    usec_t first = USEC_NEVER;
    for (const struct event_timer *t = loop->timers; t != NULL; t = t->next)
        first = usec_min(first, t->deadline);
    struct itimerspec at = {0}; /* zero: never */
    if (first != USEC_NEVER)
        at.it_value =
            (struct timespec){.tv_sec = first / SECONDS(1), .tv_nsec = first % SECONDS(1) * 1000};
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void take_out(struct event_timer *timer)
{
    struct event_timer **at = &timer->loop->timers;
    while (*at != NULL && *at != timer)
        at = &(*at)->next;
    if (*at != NULL)
        *at = timer->next;
    timer->next = NULL;
}

static struct event_timer *find_due(const struct event_loop *loop, usec_t now)
{
    struct event_timer *first = NULL;
    for (struct event_timer *t = loop->timers; t != NULL; t = t->next) {
        if (t->deadline <= now && (first == NULL || t->deadline < first->deadline))
            first = t;
    }
    return first;
}

/* What is armed meanwhile is due after `now`. */
static void handle_timer_fd(void *context)
{
    struct event_loop *loop = context;
    usec_t now = host_clock_now();
    uint64_t times;
    (void)!read(loop->timer_fd, &times, sizeof times);
    for (struct event_timer *t; (t = find_due(loop, now)) != NULL;) {
        take_out(t);
        t->deadline = USEC_NEVER;
        t->on_due(t->context);
    }
    set_timer_fd(loop);
}

static enum status watch_timers(struct event_loop *loop)
{
    struct event_watch *watch; /* goes with the loop */
    return loop->timer_fd >= 0
               ? event_loop_watch(loop, loop->timer_fd,
                                  &(struct event_watch_callbacks){.context = loop,
                                                                  .on_readable = handle_timer_fd},
                                  &watch)
               : STATUS_SYSTEM;
}

enum status event_loop_create(struct event_loop **out, size_t descriptors_max,
                              const struct log *log)
{
    struct event_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return STATUS_NO_MEMORY;
    loop->log = log;
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    set_descriptor_limit(descriptors_max, log);
    lws_set_log_level(LLL_ERR, drop_log_line);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .pt_serv_buf_size = READ_BYTES,
        .gid = -1,
        .uid = -1,
    };
    loop->context = lws_create_context(&info);
    if (loop->context != NULL) {
        info.vhost_name = "watches";
        info.protocols = watch_protocols;
        loop->vhost = lws_create_vhost(loop->context, &info);
    }
    enum status status = loop->vhost != NULL ? watch_timers(loop) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        *out = loop;
    else
        event_loop_free(loop);
    return status;
}

void event_loop_free(struct event_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->context != NULL)
        lws_context_destroy(loop->context);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    free(loop);
}

struct lws_context *event_loop_context(struct event_loop *loop)
{
    return loop->context;
}

struct instant event_loop_instant(void)
{
    return (struct instant){.now = host_clock_now(), .unix_us = host_clock_unix()};
}

bool event_loop_turn(struct event_loop *loop)
{
    bool turned = lws_service(loop->context, 0) >= 0;
    serve_again(loop);
    return turned;
}

enum status event_loop_watch(struct event_loop *loop, int fd,
                             const struct event_watch_callbacks *callbacks,
                             struct event_watch **out)
{
    struct event_watch *watch = calloc(1, sizeof(*watch));
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* lws closes what it is given */
    if (watch == NULL || own < 0) {
        if (own >= 0)
            close(own);
        free(watch);
        return STATUS_NO_MEMORY;
    }
    watch->loop = loop;
    watch->callbacks = *callbacks;
    lws_adopt_desc_t adopted = {
        .vh = loop->vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .fd.filefd = own,
        .vh_prot_name = watch_protocols[0].name,
        .opaque = watch,
    };
    watch->wsi = lws_adopt_descriptor_vhost_via_info(&adopted);
    if (watch->wsi == NULL) {
        close(own);
        free(watch);
        return STATUS_SYSTEM;
    }
    *out = watch;
    return STATUS_OK;
}

void event_watch_want_writable(struct event_watch *watch)
{
    if (watch->is_writing)
        want_again(watch);
    else
        lws_callback_on_writable(watch->wsi);
}

void event_watch_remove(struct event_watch *watch)
{
    watch->removed = true;
    lws_set_timeout(watch->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void event_timer_init(struct event_timer *timer, struct event_loop *loop, void *context,
                      void (*on_due)(void *context))
{
    *timer = (struct event_timer){
        .loop = loop, .deadline = USEC_NEVER, .context = context, .on_due = on_due};
}

void event_timer_arm(struct event_timer *timer, usec_t now, usec_t deadline)
{
    if (timer->loop == NULL)
        return; /* its owner is freed half made */
    take_out(timer);
    timer->deadline = deadline != USEC_NEVER ? usec_max(deadline, now + 1) : USEC_NEVER;
    if (deadline != USEC_NEVER) {
        timer->next = timer->loop->timers;
        timer->loop->timers = timer;
    }
    set_timer_fd(timer->loop);
}
