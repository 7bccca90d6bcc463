/* Packets that a peer sealed, and what a stranger makes of them: cut, changed, repeated, made up.
 * The receiver opens what libsrtp opens, to the same bytes, and nothing else. */
#include "rtc/srtp_receiver.h"

#include "base/bytes.h"
#include "support/srtp_reference.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 64
#define PACKET_BYTES 64
#define ROOM_BYTES (PACKET_BYTES + 200)

enum step { STEP_SEALED, STEP_CHANGED, STEP_CUT, STEP_MADE_UP };
#define STEP_COUNT 4

struct scene {
    struct srtp_receiver *ours;
    srtp_t theirs, sender;
    bool has_begun[4]; /* by SSRC: libsrtp does not find a stream whose beginning was lost */
};

static void give(struct scene *s, const uint8_t *packet, size_t bytes, bool rtcp)
{
    uint8_t theirs[ROOM_BYTES], *ours = malloc(bytes + 1); /* so that an overrun shows */
    size_t size = bytes;
    int length = (int)bytes;
    CHECK(ours != NULL && bytes <= sizeof theirs);
    memcpy(ours, packet, bytes);
    memcpy(theirs, packet, bytes);
    enum status got = rtcp ? srtp_receiver_open_rtcp(s->ours, ours, &size)
                           : srtp_receiver_open_rtp(s->ours, ours, &size);
    srtp_err_status_t expected = rtcp ? srtp_unprotect_rtcp(s->theirs, theirs, &length)
                                      : srtp_unprotect(s->theirs, theirs, &length);
    CHECK((got == STATUS_OK) == (expected == srtp_err_status_ok));
    if (got == STATUS_OK)
        CHECK((int)size == length && memcmp(ours, theirs, size) == 0);
    free(ours);
}

/* A packet of the peer's, sealed; of 4 SSRCs, so that the table's end is another test's matter. */
static size_t seal(struct scene *s, struct reader *r, bool rtcp, uint8_t *packet)
{
    uint8_t shape = read_u8(r);
    uint16_t seq = read_u16(r);
    int length = 28 + shape % (PACKET_BYTES - 28);
    memset(packet, shape, (size_t)length);
    packet[0] = (uint8_t)(0x80 | (rtcp ? 0 : shape & 3));
    store_u16(packet + 2, seq);
    store_u32(packet + (rtcp ? 4 : 8), 1 + shape % 4);
    return (rtcp ? srtp_protect_rtcp(s->sender, packet, &length)
                 : srtp_protect(s->sender, packet, &length)) == srtp_err_status_ok
               ? (size_t)length
               : 0;
}

static void step(struct scene *s, struct reader *r, uint8_t op)
{
    uint8_t packet[ROOM_BYTES];
    bool rtcp = (op & 0x80) != 0;
    if (op % STEP_COUNT == STEP_MADE_UP) {
        struct bytes made_up = read_bytes(r, read_u8(r));
        give(s, made_up.data != NULL ? made_up.data : packet, made_up.size, rtcp);
        return;
    }
    size_t size = seal(s, r, rtcp, packet);
    if (size == 0)
        return;
    size_t at = read_u8(r) % size;
    bool *has_begun = &s->has_begun[packet[rtcp ? 7 : 11] - 1];
    if (!rtcp && !*has_begun) {
        *has_begun = true;
        op = STEP_SEALED;
    }
    if (op % STEP_COUNT == STEP_CHANGED)
        packet[at] ^= read_u8(r);
    give(s, packet, op % STEP_COUNT == STEP_CUT ? at : size, rtcp);
    if ((op & 0x40) != 0)
        give(s, packet, size, rtcp); /* again */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        CHECK(srtp_init() == srtp_err_status_ok);
    ready = true;
    struct reader r = reader_of(bytes_of(data, size));
    uint8_t variant = read_u8(&r);
    bool gcm = (variant & 1) != 0;
    struct media_keys keys = {.profile = gcm ? MEDIA_PROFILE_GCM_128 : MEDIA_PROFILE_CM_80,
                              .bytes = gcm ? 28 : 30};
    for (size_t i = 0; i < keys.bytes; i++)
        keys.remote[i] = (uint8_t)(i * 7);
    struct scene s = {0};
    enum srtp_backend backend = (variant & 2) != 0 ? SRTP_BACKEND_OPENSSL : SRTP_BACKEND_AUTO;
    CHECK(srtp_receiver_create(&s.ours, backend, &keys) == STATUS_OK);
    srtp_reference_open(&s.theirs, keys.profile, keys.remote, ssrc_any_inbound, SRTP_WINDOW_NUMBERS,
                        true);
    srtp_reference_open(&s.sender, keys.profile, keys.remote, ssrc_any_outbound,
                        SRTP_WINDOW_NUMBERS, true);
    for (int i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
        step(&s, &r, read_u8(&r));
    srtp_receiver_free(s.ours);
    srtp_dealloc(s.theirs);
    srtp_dealloc(s.sender);
    return 0;
}
