#include "relay/core/redundancy.h"

#include "wire/codec_red.h"

#define LOSS_FOR_TWO_PERMILLE 5
#define LOSS_FOR_THREE_PERMILLE 40
#define DISTANCES_MAX 3
#define LINE_BPS (44 * 8 * 50) /* IPv4, UDP and SRTP tag of 50 packets a second */
#define SOUND_BYTES_MIN 3      /* less is Opus saying that there is none (DTX) */

/* Oldest first, as they stand in the packet; 0 ends the list. The last distance is what hears a
 * burst: lines lose packets in rows more often than one by one. */
static const uint8_t distances[REDUNDANCY_LEVELS][DISTANCES_MAX] = {{0}, {1}, {5, 1}, {8, 2, 1}};

void redundancy_handle_loss(struct subscription *s, usec_t now, uint32_t loss_permille)
{
    uint8_t level = loss_permille >= LOSS_FOR_THREE_PERMILLE ? 3
                    : loss_permille >= LOSS_FOR_TWO_PERMILLE ? 2
                                                             : 1;
    if (level < s->redundancy && now < s->redundancy_until)
        return;
    s->redundancy = level;
    s->redundancy_until = now + REDUNDANCY_KEEP_US;
}

unsigned redundancy_get_level(const struct subscription *s)
{
    if (s->red_payload_type == 0)
        return 0;
    bool is_limited = s->redundancy_limit > 0 && s->redundancy >= s->redundancy_limit;
    return is_limited ? s->redundancy_limit - 1u : s->redundancy;
}

uint32_t redundancy_line_bps(uint32_t bps, unsigned level)
{
    return bps * (level + 1) + LINE_BPS;
}

unsigned redundancy_fit(uint32_t bps, uint64_t most_bps)
{
    unsigned level = REDUNDANCY_LEVELS - 1;
    while (level > 0 && redundancy_line_bps(bps, level) > most_bps)
        level--;
    return level;
}

unsigned redundancy_choose(const struct subscription *s, const struct media_packet *packet)
{
    if (s->red_payload_type == 0 || s->source_serial != packet->source_serial)
        return 0;
    unsigned level = redundancy_get_level(s);
    while (level > 0 && packet->seq < s->first_seq + distances[level][0])
        level--;
    return level;
}

static void add_block(struct codec_red *red, const struct publication *p,
                      const struct media_packet *packet, uint64_t seq, uint8_t payload_type,
                      size_t *room)
{
    const struct retransmit_entry *e = retransmit_cache_find(&p->streams[0].cache, seq);
    struct rtp_header header;
    if (e == NULL || rtp_parse_header(bytes_of(e->data, e->size), &header) != STATUS_OK)
        return;
    uint32_t offset = packet->header.timestamp - header.timestamp;
    size_t bytes = header.payload.size;
    if (bytes < SOUND_BYTES_MIN || bytes > CODEC_RED_BLOCK_BYTES_MAX || bytes + 4 > *room ||
        offset == 0 || offset > CODEC_RED_OFFSET_MAX)
        return;
    *room -= bytes + 4;
    red->blocks[red->block_count].payload_type = payload_type;
    red->blocks[red->block_count].timestamp_offset = (uint16_t)offset;
    red->blocks[red->block_count++].data = header.payload;
}

size_t redundancy_write(const struct publication *p, const struct media_packet *packet,
                        unsigned level, uint8_t payload_type, uint8_t out[REDUNDANCY_BYTES_MAX])
{
    struct codec_red red = {0};
    if (packet->header.payload.size + 1 > REDUNDANCY_BYTES_MAX)
        return 0;
    size_t room = REDUNDANCY_BYTES_MAX - packet->header.payload.size - 1;
    for (size_t i = 0; p->streams[0].has_cache && i < DISTANCES_MAX && distances[level][i] != 0;
         i++) {
        if (packet->seq >= distances[level][i])
            add_block(&red, p, packet, packet->seq - distances[level][i], payload_type, &room);
    }
    red.blocks[red.block_count].payload_type = payload_type;
    red.blocks[red.block_count++].data = packet->header.payload;
    struct writer w = writer_of((struct bytes_mut){out, REDUNDANCY_BYTES_MAX});
    return codec_red_write(&w, &red) ? writer_size(&w) : 0;
}
