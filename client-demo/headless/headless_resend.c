/* What a headless participant has sent, kept for who asks for it again. */
#include "client-demo/headless/headless_peer.h"

#include "wire/rtx.h"

void headless_resend_keep_voice(struct headless_peer *p, uint64_t seq, struct bytes sealed)
{
    struct headless_sent *kept = &p->mic_sent[seq % HEADLESS_VOICE_KEPT];
    kept->seq = seq;
    kept->size = (uint16_t)sealed.size;
    if (sealed.size > 0)
        memcpy(kept->data, sealed.data, sealed.size);
}

void headless_resend_forget_voice(struct headless_peer *p)
{
    for (size_t i = 0; p->mic_sent != NULL && i < HEADLESS_VOICE_KEPT; i++)
        p->mic_sent[i].size = 0;
}

/* What was numbered `seq16`, if it is kept. */
static const struct headless_sent *find_sent(const struct headless_sent *sent, size_t kept,
                                             const struct headless_sender *s, uint16_t seq16)
{
    uint64_t seq = s->seq - 1 - (uint16_t)(s->seq - 1 - seq16);
    const struct headless_sent *found = &sent[seq % kept];
    return found->size > 0 && found->seq == seq ? found : NULL;
}

void headless_resend_voice(struct headless_peer *p, usec_t now, const struct rtcp_nack *nack)
{
    uint16_t seqs[RTCP_NACK_SEQS_MAX];
    size_t count = p->mic_sent != NULL ? rtcp_nack_list(nack, seqs, COUNT_OF(seqs)) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct headless_sent *kept =
            find_sent(p->mic_sent, HEADLESS_VOICE_KEPT, &p->mic, seqs[i]);
        struct net_addr to;
        uint8_t *space = kept != NULL && ice_client_get_remote(&p->ice, now, &to)
                             ? headless_peer_queue_datagram(p, &to)
                             : NULL;
        if (space == NULL)
            continue;
        memcpy(space, kept->data, kept->size);
        headless_peer_commit_datagram(p, kept->size);
    }
}

void headless_resend_video(struct headless_peer *p, usec_t now, struct headless_encoding *e,
                           const struct rtcp_nack *nack)
{
    uint16_t seqs[RTCP_NACK_SEQS_MAX];
    size_t count = rtcp_nack_list(nack, seqs, COUNT_OF(seqs));
    uint8_t type = video_source_get_codec(&e->source) == MEDIA_CODEC_VP9 ? HEADLESS_PT_VP9_RTX
                                                                         : HEADLESS_PT_VP8_RTX;
    for (size_t i = 0; i < count; i++) {
        const struct headless_sent *kept =
            find_sent(e->sent, HEADLESS_SENT_KEPT, &e->sender, seqs[i]);
        uint8_t packet[HEADLESS_DATAGRAM_BYTES];
        struct writer w = writer_of((struct bytes_mut){packet, sizeof packet});
        if (kept == NULL || rtx_write_packet(&w, bytes_of(kept->data, kept->size), type,
                                             e->rtx_ssrc, (uint16_t)e->rtx_seq) != STATUS_OK)
            continue;
        e->rtx_seq++;
        (void)headless_media_seal(p, now, packet, writer_size(&w), false);
    }
}
