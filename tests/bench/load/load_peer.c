#include "tests/bench/load/load_peer.h"

#include "base/wipe.h"
#include "host/host_clock.h"
#include "host/net_sockaddr.h"
#include "wire/demux.h"
#include "wire/rtcp_feedback.h"
#include "wire/rtp.h"
#include "wire/rtp_extension.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <time.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define REPORT_US SECONDS(1)
#define FEEDBACK_US MILLISECONDS(100) /* as browsers do at this rate */
#define MESSAGES 8                    /* taken from one socket at a time */
#define MESSAGE_BYTES 65536u          /* a coalesced run of datagrams */

static struct {
    uint8_t data[MESSAGES][MESSAGE_BYTES];
    uint8_t control[MESSAGES][128];
    struct mmsghdr headers[MESSAGES];
    struct iovec vectors[MESSAGES];
    struct sockaddr_storage from[MESSAGES];
} in; /* benchmark program: one thread, one block */

enum status load_peer_init(struct load_peer *p, struct load_shared *shared, size_t index,
                           const struct net_addr *local)
{
    *p = (struct load_peer){.index = index, .udp.fd = -1, .ssrc = rng_u32(&shared->rng) | 1};
    enum status status = udp_socket_open(&p->udp, local, &shared->log);
    if (status != STATUS_OK)
        return status;
    int on = 1;
    setsockopt(p->udp.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    /* Once their address has gone to another device they still send from it. */
    (void)setsockopt(p->udp.fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on);
    if (shared->gro)
        setsockopt(p->udp.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    return ice_credentials_generate(&p->ice_local);
}

void load_peer_destroy(struct load_peer *p)
{
    udp_socket_close(&p->udp);
    dtls_free(p->dtls);
    media_cipher_free(p->cipher);
    free(p->location);
}

enum status load_peer_start(struct load_peer *p, struct load_shared *shared, usec_t now)
{
    ice_lite_init(&p->lite, now, &p->ice_local, &p->remote.ice, 0);
    struct ice_client_config config = {.local = p->ice_local,
                                       .remote = p->remote.ice,
                                       .candidate_count = p->remote.candidate_count,
                                       .tie_breaker = rng_next(&shared->rng)};
    memcpy(config.candidates, p->remote.candidates, sizeof config.candidates);
    enum status status = ice_client_init(&p->ice, now, &config, rng_next(&shared->rng));
    if (status == STATUS_OK)
        status = dtls_create(&p->dtls, now, shared->dtls, p->remote.our_role, p->remote.fingerprint,
                             &shared->log);
    p->state = status == STATUS_OK ? LOAD_CONNECTING : LOAD_FAILED;
    return status;
}

static void fail(struct load_peer *p, const char *why)
{
    p->state = LOAD_FAILED;
    p->failure = why;
}

void load_peer_send(const struct load_peer *p, const uint8_t *data, size_t size)
{
    (void)!sendto(p->udp.fd, data, size, MSG_DONTWAIT, (const struct sockaddr *)&p->to,
                  p->to_bytes);
}

static void take_keys(struct load_peer *p, usec_t now)
{
    struct media_keys keys;
    if (dtls_export_keys(p->dtls, &keys) != STATUS_OK ||
        media_cipher_create(&p->cipher, &keys) != STATUS_OK) {
        fail(p, "no keys");
        return;
    }
    memory_wipe(&keys, sizeof keys);
    p->state = LOAD_CONNECTED;
    p->connected_at = now;
    /* Spread, so that reports do not come in one burst. */
    p->report_at = now + REPORT_US + (usec_t)(p->index * 7919 % 1000) * 1000;
    p->feedback_at = now + FEEDBACK_US + (usec_t)(p->index * 7919 % 100) * 1000;
}

static void drain(struct load_peer *p, const struct load_shared *shared, usec_t now)
{
    struct net_addr to;
    struct bytes data;
    while (!shared->is_lite && ice_client_poll_datagram(&p->ice, &to, &data)) {
        struct sockaddr_storage addr;
        socklen_t bytes = net_sockaddr_of(&to, &addr);
        (void)!sendto(p->udp.fd, data.data, data.size, MSG_DONTWAIT, (struct sockaddr *)&addr,
                      bytes);
    }
    if (!(shared->is_lite ? ice_lite_get_remote(&p->lite, now, &to)
                          : ice_client_get_remote(&p->ice, now, &to)))
        return;
    p->to_bytes = net_sockaddr_of(&to, &p->to);
    dtls_start(p->dtls, now);
    while (dtls_poll_datagram(p->dtls, &data))
        load_peer_send(p, data.data, data.size);
    enum dtls_state state = dtls_get_state(p->dtls);
    if (state == DTLS_FAILED || state == DTLS_CLOSED)
        fail(p, dtls_get_reason(p->dtls));
    else if (state == DTLS_CONNECTED && p->cipher == NULL)
        take_keys(p, now);
}

/* --- Receiving */

static void take_sample(struct load_peer *p, struct load_shared *shared, usec_t arrived, int line,
                        struct bytes_mut packet)
{
    struct rtp_header header;
    size_t size = packet.size;
    shared->totals.sampled++;
    if (p->cipher == NULL ||
        media_cipher_unprotect_rtp(p->cipher, packet.data, &size) != STATUS_OK ||
        rtp_parse_header(bytes_of(packet.data, size), &header) != STATUS_OK ||
        header.payload.size < LOAD_TAIL_BYTES) {
        shared->totals.not_opened++;
        return;
    }
    struct reader r = reader_of(
        bytes_of(header.payload.data + header.payload.size - LOAD_TAIL_BYTES, LOAD_TAIL_BYTES));
    delay_histogram_add(&shared->totals.delays[line], arrived - (usec_t)read_u64(&r));
}

/* The header is in clear; how much padding there is, is not. */
static void note_arrival(struct load_peer *p, usec_t arrived, struct bytes_mut packet)
{
    struct rtp_header header;
    struct bytes number;
    uint8_t first = packet.data[0];
    packet.data[0] &= (uint8_t)~0x20;
    if (rtp_parse_header(bytes_const(packet), &header) == STATUS_OK &&
        rtp_extension_find(&header, LOAD_EXT_TRANSPORT_CC, &number) && number.size == 2)
        twcc_arrivals_handle_packet(&p->arrivals, arrived, load_u16(number.data));
    packet.data[0] = first;
}

static void take_rtp(struct load_peer *p, struct load_shared *shared, usec_t arrived,
                     struct bytes_mut packet)
{
    uint8_t type = packet.data[1] & 0x7f;
    if (shared->twcc)
        note_arrival(p, arrived, packet);
    if (shared->twcc && type == LOAD_PT_RTX)
        return;
    int line =
        type == p->remote.lines[LOAD_LINE_VIDEO].payload_type ? LOAD_LINE_VIDEO : LOAD_LINE_VOICE;
    if (p->first_media_at == 0)
        p->first_media_at = arrived;
    if (p->first_video_at == 0 && line == LOAD_LINE_VIDEO)
        p->first_video_at = arrived;
    struct load_stream *s = &p->streams[line];
    uint64_t seq = seq_unwrapper_note(&s->unwrapper, load_u16(packet.data + 2));
    s->ssrc = load_u32(packet.data + 8);
    if (s->first == 0)
        s->first = seq;
    s->received++;
    if (!shared->measuring || p->index >= shared->measured_below)
        return;
    shared->totals.packets[line]++;
    shared->totals.bytes += packet.size;
    /* Neighbours in a frame and in the fan-out take turns in being looked at. */
    unsigned mask = line == LOAD_LINE_VOICE ? shared->voice_sample_mask : shared->sample_mask;
    if (((seq + p->index * 5) & mask) == 0)
        take_sample(p, shared, arrived, line, packet);
}

static void take_rtcp(struct load_peer *p, struct load_shared *shared, struct bytes_mut packet)
{
    size_t size = packet.size;
    struct rtcp_packet part;
    if (p->index != 0 || p->cipher == NULL ||
        media_cipher_unprotect_rtcp(p->cipher, packet.data, &size) != STATUS_OK)
        return;
    struct rtcp_iterator it = rtcp_iterate(bytes_of(packet.data, size));
    while (rtcp_next(&it, &part) == STATUS_OK) {
        enum rtcp_feedback feedback = rtcp_feedback_of(&part);
        if (feedback == RTCP_FEEDBACK_PLI || feedback == RTCP_FEEDBACK_FIR)
            shared->key_frame_wanted = true;
    }
}

static void take_stun(struct load_peer *p, const struct load_shared *shared, usec_t now,
                      const struct net_addr *from, struct bytes datagram)
{
    uint8_t answer[ICE_ANSWER_BYTES_MAX];
    size_t size = 0;
    struct ice_path_change change;
    struct sockaddr_storage to;
    if (!shared->is_lite) {
        ice_client_handle_datagram(&p->ice, now, from, datagram);
    } else if (ice_lite_handle_stun(&p->lite, now, from, datagram, answer, &size, &change) ==
               ICE_ANSWERED) {
        socklen_t bytes = net_sockaddr_of(from, &to);
        (void)!sendto(p->udp.fd, answer, size, MSG_DONTWAIT, (struct sockaddr *)&to, bytes);
    }
}

static void take_datagram(struct load_peer *p, struct load_shared *shared, usec_t now,
                          usec_t arrived, const struct sockaddr_storage *from,
                          struct bytes_mut datagram)
{
    struct net_addr addr;
    switch (demux_classify(bytes_const(datagram))) {
    case DEMUX_RTP:
        if (datagram.size >= RTP_FIXED_HEADER_BYTES)
            take_rtp(p, shared, arrived, datagram);
        return;
    case DEMUX_RTCP:
        take_rtcp(p, shared, datagram);
        return;
    case DEMUX_STUN:
        if (p->dtls != NULL && net_addr_of_sockaddr(from, &addr))
            take_stun(p, shared, now, &addr, bytes_const(datagram));
        break;
    case DEMUX_DTLS:
        if (p->dtls != NULL)
            (void)!dtls_handle_datagram(p->dtls, now, bytes_const(datagram));
        break;
    default:
        return;
    }
    if (p->dtls != NULL && p->state != LOAD_FAILED)
        drain(p, shared, now);
}

/* The kernel's time of arrival (0: unknown) and the size of the parts of a coalesced message. */
static void read_control(struct msghdr *h, usec_t *arrived_unix, size_t *segment)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(c), sizeof at);
            *arrived_unix = SECONDS(at.tv_sec) + at.tv_nsec / 1000;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            if (size > 0)
                *segment = (size_t)size;
        }
    }
}

void load_peer_receive(struct load_peer *p, struct load_shared *shared, usec_t now)
{
    for (int i = 0; i < MESSAGES; i++) {
        in.vectors[i] = (struct iovec){in.data[i], MESSAGE_BYTES};
        in.headers[i].msg_hdr = (struct msghdr){.msg_name = &in.from[i],
                                                .msg_namelen = sizeof in.from[i],
                                                .msg_iov = &in.vectors[i],
                                                .msg_iovlen = 1,
                                                .msg_control = in.control[i],
                                                .msg_controllen = sizeof in.control[i]};
    }
    int count = recvmmsg(p->udp.fd, in.headers, MESSAGES, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        size_t size = in.headers[i].msg_len, segment = size;
        usec_t arrived_unix = 0;
        read_control(&in.headers[i].msg_hdr, &arrived_unix, &segment);
        usec_t arrived = arrived_unix > 0 ? arrived_unix - shared->unix_minus_now : now;
        if (shared->measuring)
            shared->totals.messages++;
        for (size_t at = 0; at < size; at += segment)
            take_datagram(
                p, shared, now, arrived, &in.from[i],
                (struct bytes_mut){in.data[i] + at, size - at < segment ? size - at : segment});
    }
}

/* --- Timers */

static void send_report(struct load_peer *p)
{
    uint8_t data[256];
    struct writer w = writer_of((struct bytes_mut){data, sizeof data - MEDIA_CIPHER_TRAILER_BYTES});
    struct rtcp_report report = {.ssrc = p->ssrc};
    for (int line = 0; line < LOAD_LINE_COUNT; line++) {
        const struct load_stream *s = &p->streams[line];
        if (s->received > 0)
            report.blocks[report.block_count++] = (struct rtcp_report_block){
                .ssrc = s->ssrc, .highest_seq = (uint32_t)(s->unwrapper.highest - 0x10000)};
    }
    if (report.block_count == 0)
        return;
    rtcp_write_report(&w, &report);
    rtcp_write_sdes(&w, p->ssrc, bytes_of_string("bench"));
    size_t size = writer_size(&w);
    if (!w.failed && media_cipher_protect_rtcp(p->cipher, data, &size) == STATUS_OK)
        load_peer_send(p, data, size);
}

static void send_feedback(struct load_peer *p, usec_t now)
{
    uint8_t data[RTCP_TWCC_WRITE_BYTES + 100];
    struct writer w = writer_of((struct bytes_mut){data, sizeof data - MEDIA_CIPHER_TRAILER_BYTES});
    if (!twcc_arrivals_write_due(&p->arrivals, now, &w, p->ssrc, p->streams[0].ssrc))
        return;
    size_t size = writer_size(&w);
    if (!w.failed && media_cipher_protect_rtcp(p->cipher, data, &size) == STATUS_OK)
        load_peer_send(p, data, size);
}

void load_peer_handle_timeout(struct load_peer *p, struct load_shared *shared, usec_t now)
{
    if (p->dtls == NULL || p->state == LOAD_FAILED)
        return;
    if (!shared->is_lite)
        ice_client_handle_timeout(&p->ice, now);
    dtls_handle_timeout(p->dtls, now);
    drain(p, shared, now);
    if (p->state == LOAD_CONNECTED && now >= p->report_at) {
        p->report_at = now + REPORT_US;
        if (shared->reports)
            send_report(p);
    }
    if (shared->twcc && p->state == LOAD_CONNECTED && now >= p->feedback_at) {
        p->feedback_at = now + FEEDBACK_US;
        send_feedback(p, now);
    }
}

usec_t load_peer_next_timeout(const struct load_peer *p, const struct load_shared *shared,
                              usec_t now)
{
    if (p->dtls == NULL || p->state == LOAD_FAILED)
        return USEC_NEVER;
    usec_t next = shared->is_lite ? USEC_NEVER : ice_client_next_timeout(&p->ice);
    if (p->state == LOAD_CONNECTED)
        return usec_min(next, shared->twcc ? usec_min(p->feedback_at, p->report_at) : p->report_at);
    return usec_min(next, dtls_next_timeout(p->dtls, now));
}

void load_peer_begin_window(struct load_peer *p)
{
    for (int line = 0; line < LOAD_LINE_COUNT; line++) {
        struct load_stream *s = &p->streams[line];
        s->first = s->unwrapper.started ? s->unwrapper.highest + 1 : 0;
        s->received = 0;
    }
}

uint64_t load_peer_get_missing(const struct load_peer *p)
{
    uint64_t missing = 0;
    for (int line = 0; line < LOAD_LINE_COUNT; line++) {
        const struct load_stream *s = &p->streams[line];
        if (s->first == 0 || !s->unwrapper.started || s->unwrapper.highest < s->first)
            continue;
        uint64_t expected = s->unwrapper.highest - s->first + 1;
        missing += expected > s->received ? expected - s->received : 0;
    }
    return missing;
}
