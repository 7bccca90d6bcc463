/* netlab-link: joins two network namespaces by an emulated line.
 *
 *     netlab-link NAMESPACE:DEVICE NAMESPACE:DEVICE SEED
 *
 * Makes a TUN device in each namespace (they vanish with this process) and carries IP packets
 * between them through two link models, "down" from the first to the second, "up" back. Standard
 * input takes lines as in link_script.h, each answered "ok" or "error ..."; "stats" is answered
 * with one line of JSON; its peak is of the time since the last one. Ends when standard input does,
 * so it never outlives who started it. */
#include "host/host_clock.h"
#include "netlab/link_script.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CHANGES_MAX = 256, LINE_BYTES_MAX = 1024, PACKETS_PER_TURN = 64 };

struct lab {
    int tun[2]; /* near end, far end */
    struct link_model *models[LINK_DIRECTION_COUNT];
    struct link_change changes[CHANGES_MAX]; /* `at` is an instant here */
    size_t change_count;
    char line[LINE_BYTES_MAX];
    size_t line_size;
    bool skipping; /* a line too long, up to its end */
    bool done;
};

/* `where` is NAMESPACE:DEVICE. */
static enum status open_tun(const char *where, int *out)
{
    enum status status = STATUS_SYSTEM;
    char path[128];
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = -1;
    int space = -1;
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const char *colon = strchr(where, ':');
    if (home < 0 || colon == NULL || strlen(colon + 1) >= IFNAMSIZ || colon[1] == '\0')
        goto done;
    if (snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(colon - where), where) >=
        (int)sizeof(path))
        goto done;
    memcpy(request.ifr_name, colon + 1, strlen(colon + 1));
    space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) < 0)
        goto done;
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        goto done;
    *out = fd;
    fd = -1;
    status = STATUS_OK;
done:
    if (status != STATUS_OK)
        fprintf(stderr, "netlab-link: %s: %s\n", where, strerror(errno));
    if (home >= 0 && setns(home, CLONE_NEWNET) < 0)
        status = STATUS_SYSTEM;
    for (size_t i = 0; i < 3; i++) {
        int each = (int[]){home, space, fd}[i];
        if (each >= 0)
            close(each);
    }
    return status;
}

/* --- changes --- */

static void apply_change(struct lab *lab, const struct link_change *change, usec_t now)
{
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++) {
        if (!change->applies[i])
            continue;
        struct link_config config = *link_model_config(lab->models[i]);
        link_change_apply(change, &config);
        if (link_model_set_config(lab->models[i], now, &config) != STATUS_OK)
            printf("error a value is out of range\n");
    }
}

/* In the order given among those of one instant. */
static void apply_due_changes(struct lab *lab, usec_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < lab->change_count; i++) {
        if (lab->changes[i].at <= now)
            apply_change(lab, &lab->changes[i], now);
        else
            lab->changes[kept++] = lab->changes[i];
    }
    lab->change_count = kept;
}

static usec_t next_change_at(const struct lab *lab)
{
    usec_t next = USEC_NEVER;
    for (size_t i = 0; i < lab->change_count; i++)
        next = usec_min(next, lab->changes[i].at);
    return next;
}

static void print_stats(const struct lab *lab)
{
    static const char *const names[] = {"down", "up"};
    printf("{");
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++) {
        const struct link_stats *s = link_model_stats(lab->models[i]);
        printf("%s\"%s\":{\"packets_in\":%" PRIu64 ",\"bytes_in\":%" PRIu64
               ",\"packets_out\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"lost\":%" PRIu64
               ",\"queue_dropped\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"reordered\":%" PRIu64
               ",\"duplicated\":%" PRIu64 ",\"queue_us_max\":%" PRId64 ",\"queue_us_peak\":%" PRId64
               "}",
               i == 0 ? "" : ",", names[i], s->packets_in, s->bytes_in, s->packets_out,
               s->bytes_out, s->lost, s->queue_dropped, s->refused, s->reordered, s->duplicated,
               s->queue_us_max, link_model_take_peak(lab->models[i]));
    }
    printf("}\n");
}

static void handle_line(struct lab *lab, struct bytes line, usec_t now)
{
    struct link_change change;
    if (bytes_equal_string(line, "stats")) {
        print_stats(lab);
        return;
    }
    enum status status = link_script_parse_line(line, &change);
    if (status == STATUS_OK && lab->change_count == CHANGES_MAX)
        status = STATUS_LIMIT;
    if (status != STATUS_OK) {
        printf("error %s: %.*s\n", status_name(status), (int)line.size, (const char *)line.data);
        return;
    }
    change.at += now;
    lab->changes[lab->change_count++] = change;
    apply_due_changes(lab, now);
    printf("ok\n");
}

static void read_commands(struct lab *lab, usec_t now)
{
    char text[512];
    ssize_t got = read(STDIN_FILENO, text, sizeof(text));
    lab->done = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
    for (ssize_t i = 0; i < got; i++) {
        if (text[i] == '\n') {
            if (lab->skipping)
                printf("error line too long\n");
            else
                handle_line(lab, bytes_of(lab->line, lab->line_size), now);
            lab->line_size = 0;
            lab->skipping = false;
        } else if (lab->line_size < sizeof(lab->line)) {
            lab->line[lab->line_size++] = text[i];
        } else {
            lab->skipping = true;
        }
    }
    fflush(stdout);
}

/* --- packets --- */

static void carry(struct lab *lab, usec_t now)
{
    uint8_t
        packet[LINK_PACKET_BYTES_MAX + 1]; /* one more, so that the model sees what is too long */
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++) {
        for (size_t n = 0; n < PACKETS_PER_TURN; n++) {
            ssize_t got = read(lab->tun[i], packet, sizeof(packet));
            if (got <= 0)
                break;
            link_model_handle_packet(lab->models[i], now, bytes_of(packet, (size_t)got));
        }
        struct bytes out;
        while (link_model_poll_packet(lab->models[i], now, &out)) {
            /* A device that is down or full loses the packet, as a line would. */
            if (write(lab->tun[1 - i], out.data, out.size) < 0)
                continue;
        }
    }
}

static void wait_for_work(struct lab *lab, usec_t now, struct pollfd *fds)
{
    usec_t next = next_change_at(lab);
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++)
        next = usec_min(next, link_model_next_timeout(lab->models[i]));
    usec_t wait = next == USEC_NEVER ? 0 : usec_max(0, next - now);
    struct timespec time = {wait / 1000000, (long)(wait % 1000000) * 1000};
    if (ppoll(fds, 3, next == USEC_NEVER ? NULL : &time, NULL) < 0 && errno != EINTR)
        lab->done = true;
}

int main(int argc, char **argv)
{
    static struct lab lab = {.tun = {-1, -1}};
    if (argc != 4) {
        fprintf(stderr, "usage: netlab-link NAMESPACE:DEVICE NAMESPACE:DEVICE SEED\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[3], NULL, 10);
    if (open_tun(argv[1], &lab.tun[0]) != STATUS_OK || open_tun(argv[2], &lab.tun[1]) != STATUS_OK)
        return 1;
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++)
        if (link_model_create(&lab.models[i], seed * 2 + i) != STATUS_OK)
            return 1;
    printf("ready\n");
    fflush(stdout);
    struct pollfd fds[3] = {{.fd = lab.tun[0], .events = POLLIN},
                            {.fd = lab.tun[1], .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    while (!lab.done) {
        wait_for_work(&lab, host_clock_now(), fds);
        usec_t now = host_clock_now();
        if (fds[2].revents != 0)
            read_commands(&lab, now);
        apply_due_changes(&lab, now);
        carry(&lab, now);
    }
    for (size_t i = 0; i < LINK_DIRECTION_COUNT; i++)
        link_model_free(lab.models[i]);
    return 0;
}
