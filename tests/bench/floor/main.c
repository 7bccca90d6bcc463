/* bench-floor: the least that a relay has to do for the same media over the same loopback: rewrite
 * the header, seal with AES-GCM, hand runs of datagrams to the kernel. No signalling, no ICE, no
 * RTCP, no sequence logic, no resends. What it costs is the yardstick for docs/performance.md.
 *
 * The sender stays on the core it is started on; a child on --drain-core takes the datagrams in as
 * bench-load's learners do. Prints one JSON object. */
#include "base/bytes.h"
#include "base/rng.h"
#include "client-demo/headless/delay_histogram.h"
#include "host/host_clock.h"
#include "tests/bench/floor/floor_seal.h"
#include "tests/bench/load/process_use.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define LEARNERS_MAX 4000
#define PAYLOAD_BYTES 1158 /* as tests/bench/load/load_media.c */
#define VOICE_PAYLOAD_BYTES 80
#define VIDEO_BPS 2500000.0
#define FPS 30
#define HEADER_BYTES 20 /* with mid */
#define FRAME_PACKETS 64
#define BLOCK_BYTES (60 * 1024)
#define MESSAGES 16 /* per sendmmsg, each a run of datagrams to one learner */

struct counts { /* shared with the child */
    uint64_t packets, messages;
};

struct floor {
    size_t learners;
    struct floor_sealer *sealers[LEARNERS_MAX];
    struct sockaddr_in addrs[LEARNERS_MAX];
    int receive_fds[LEARNERS_MAX];
    int fd;
    struct rng rng;
    uint16_t seq;
    uint64_t sent;
    struct delay_histogram voice, video; /* from a burst's beginning until the kernel has a copy */
    uint8_t source[FRAME_PACKETS][1400]; /* "decrypted" packets of one burst */
    uint8_t blocks[MESSAGES][BLOCK_BYTES];
};

/* --- The learners' side */

static void drain(struct floor *f, struct counts *counts, int core)
{
    static uint8_t data[8][65536], control[8][128];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof set, &set);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int epoll_fd = epoll_create1(0);
    for (size_t i = 0; i < f->learners; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = f->receive_fds[i]};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, f->receive_fds[i], &event);
    }
    for (int ready = 0;;) {
        struct epoll_event events[64];
        /* Woken by the clock, not by the sender, as bench-load is. */
        if (ready < 64)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        ready = epoll_wait(epoll_fd, events, 64, 0);
        for (int e = 0; e < ready; e++) {
            struct mmsghdr headers[8];
            struct iovec vectors[8];
            for (int i = 0; i < 8; i++) {
                vectors[i] = (struct iovec){data[i], sizeof data[i]};
                headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i],
                                                     .msg_iovlen = 1,
                                                     .msg_control = control[i],
                                                     .msg_controllen = sizeof control[i]};
            }
            int count = recvmmsg(events[e].data.fd, headers, 8, MSG_DONTWAIT, NULL);
            for (int i = 0; i < count; i++) {
                size_t size = headers[i].msg_len, segment = size;
                struct msghdr *h = &headers[i].msg_hdr;
                for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
                    int value;
                    memcpy(&value, CMSG_DATA(c), sizeof value);
                    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO && value > 0)
                        segment = (size_t)value;
                }
                counts->packets += (size + segment - 1) / segment;
                counts->messages++;
            }
        }
    }
}

/* --- The relay's side */

/* One burst to every learner: `count` packets of `size` bytes each before sealing. What a relay's
 * histogram counts of each packet is noted once for each sendmmsg. */
static void forward(struct floor *f, size_t count, size_t size)
{
    struct mmsghdr headers[MESSAGES];
    struct iovec vectors[MESSAGES];
    union {
        struct cmsghdr header;
        uint8_t space[CMSG_SPACE(sizeof(uint16_t))];
    } controls[MESSAGES];
    size_t sealed = size + FLOOR_TAG_BYTES;
    usec_t began = host_clock_now();
    for (size_t first = 0; first < f->learners; first += MESSAGES) {
        size_t batch = f->learners - first < MESSAGES ? f->learners - first : MESSAGES;
        for (size_t i = 0; i < batch; i++) {
            uint8_t *out = f->blocks[i];
            for (size_t k = 0; k < count; k++, out += sealed) {
                uint16_t seq = (uint16_t)(f->seq + k);
                memcpy(out, f->source[k], HEADER_BYTES);
                store_u16(out + 2, seq);
                store_u32(out + 8, (uint32_t)(first + i));
                floor_seal(f->sealers[first + i], seq, (struct bytes_mut){out, HEADER_BYTES},
                           bytes_of(f->source[k] + HEADER_BYTES, size - HEADER_BYTES));
            }
            vectors[i] = (struct iovec){f->blocks[i], count * sealed};
            headers[i].msg_hdr = (struct msghdr){.msg_name = &f->addrs[first + i],
                                                 .msg_namelen = sizeof f->addrs[0],
                                                 .msg_iov = &vectors[i],
                                                 .msg_iovlen = 1};
            if (count > 1) {
                controls[i].header = (struct cmsghdr){.cmsg_level = IPPROTO_UDP,
                                                      .cmsg_type = UDP_SEGMENT,
                                                      .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
                uint16_t segment = (uint16_t)sealed;
                memcpy(CMSG_DATA(&controls[i].header), &segment, sizeof segment);
                headers[i].msg_hdr.msg_control = &controls[i];
                headers[i].msg_hdr.msg_controllen = sizeof controls[i].space;
            }
        }
        int sent = sendmmsg(f->fd, headers, (unsigned)batch, 0);
        f->sent += sent > 0 ? (size_t)sent * count : 0;
        delay_histogram_add(count > 1 ? &f->video : &f->voice, host_clock_now() - began);
    }
    f->seq = (uint16_t)(f->seq + count);
}

static void send_frame(struct floor *f, bool key_frame)
{
    double mean = VIDEO_BPS / 8 / FPS;
    double size = key_frame ? mean * 4 : mean * (0.75 + 0.5 * rng_fraction(&f->rng));
    size_t packets = ((size_t)size + PAYLOAD_BYTES - 1) / PAYLOAD_BYTES;
    /* Sizes within a frame differ by a byte; the floor evens them out. */
    forward(f, packets, HEADER_BYTES + ((size_t)size + packets - 1) / packets);
}

static void wait_until(usec_t at)
{
    struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void run_for(struct floor *f, usec_t duration)
{
    usec_t now = host_clock_now(), end = now + duration, voice_at = now, frame_at = now;
    for (size_t frames = 0; now < end; now = host_clock_now()) {
        if (now >= voice_at) {
            forward(f, 1, HEADER_BYTES + VOICE_PAYLOAD_BYTES);
            voice_at += MILLISECONDS(20);
        }
        if (now >= frame_at) {
            send_frame(f, frames++ % 300 == 0);
            frame_at += SECONDS(1) / FPS;
        }
        wait_until(usec_min(voice_at, frame_at));
    }
}

static bool set_up(struct floor *f, const char *address, size_t learners)
{
    f->learners = learners;
    f->rng = rng_of_seed(1);
    f->fd = socket(AF_INET, SOCK_DGRAM, 0);
    int bytes = 4 << 20, on = 1;
    setsockopt(f->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    for (size_t i = 0; i < FRAME_PACKETS; i++) {
        for (size_t k = 0; k < sizeof f->source[i]; k++)
            f->source[i][k] = (uint8_t)(i * 31 + k);
    }
    for (size_t i = 0; i < learners; i++) {
        struct sockaddr_in any = {.sin_family = AF_INET};
        socklen_t size = sizeof f->addrs[i];
        inet_pton(AF_INET, address, &any.sin_addr);
        int fd = f->receive_fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0 ||
            getsockname(fd, (struct sockaddr *)&f->addrs[i], &size) != 0)
            return false;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
        f->sealers[i] = floor_sealer_create((uint32_t)i);
        if (f->sealers[i] == NULL)
            return false;
    }
    return f->fd >= 0;
}

static double quantile_ms(const struct delay_histogram *h, double q)
{
    return (double)delay_histogram_get(h, q) / 1e3;
}

static void print_delays(const char *name, const struct delay_histogram *h)
{
    printf("\"%s\": {\"p50\": %.1f, \"p95\": %.1f, \"p99\": %.1f}", name, quantile_ms(h, 0.5),
           quantile_ms(h, 0.95), quantile_ms(h, 0.99));
}

int main(int argc, char **argv)
{
    static struct floor f;
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: bench-floor ADDRESS LEARNERS SECONDS DRAIN_CORE [COMMAND]\n");
        return 2;
    }
    size_t learners = (size_t)strtoul(argv[2], NULL, 10);
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files);
    if (learners == 0 || learners > LEARNERS_MAX || !set_up(&f, argv[1], learners)) {
        fprintf(stderr, "bench-floor: cannot start\n");
        return 1;
    }
    struct counts *counts =
        mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        return 1;
    int core = (int)strtol(argv[4], NULL, 10);
    pid_t child = fork();
    if (child == 0)
        drain(&f, counts, core);
    if (child < 0)
        return 1;
    if (argc == 6 && system(argv[5]) != 0) /* see bench-load --once-joined */
        return 1;
    run_for(&f, SECONDS(1));
    struct process_use before = {0}, after = {0};
    usec_t began = host_clock_now();
    uint64_t first = f.sent, first_received = counts->packets;
    f.voice = f.video = (struct delay_histogram){0};
    if (process_use_read(getpid(), &before) != STATUS_OK)
        return 1;
    run_for(&f, SECONDS(strtol(argv[3], NULL, 10)));
    if (process_use_read(getpid(), &after) != STATUS_OK)
        return 1;
    double seconds = (double)(host_clock_now() - began) / 1e6;
    usleep(50000);
    double packets = (double)(f.sent - first);
    double received = (double)(counts->packets - first_received);
    double user = (double)(after.user_us - before.user_us);
    double system = (double)(after.system_us - before.system_us);
    double run = (double)(after.run_us - before.run_us);
    double cpu = run > 0 ? run : user + system, ticks = user + system > 0 ? user + system : 1;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf(
        "{\"server\": \"floor\", \"sealed_by\": \"%s\", \"learners\": %zu, \"connected\": %zu, "
        "\"seconds\": %.3f, \"packets\": %.0f, \"packets_s\": %.0f, \"cpu_us_per_packet\": %.4f, "
        "\"user_us_per_packet\": %.4f, \"system_us_per_packet\": %.4f, \"cpu_percent\": %.2f, "
        "\"waited_percent\": %.2f, \"delivered_percent\": %.3f, \"relay_delay_ms\": {",
        floor_sealer_name(), learners, learners, seconds, packets, packets / seconds, cpu / packets,
        cpu / packets * user / ticks, cpu / packets * system / ticks, cpu / seconds / 1e4,
        (double)(after.waited_us - before.waited_us) / seconds / 1e4, received / packets * 100);
    print_delays("voice", &f.voice);
    printf(", ");
    print_delays("video", &f.video);
    printf("}}\n");
    return 0;
}
