/* What a test may ask. */
#include "sim/sim_private.h"

#include <stdlib.h>

struct sim_voice sim_voice(const struct sim *sim, int listener, int speaker)
{
    struct sim_participant *p = sim_participant(sim, listener);
    const struct sim_heard *heard = &p->heard[sim_participant(sim, speaker)->number];
    enum headless_line line = heard->voice > 0 ? heard->voice_line : HEADLESS_LINE_VOICE_0;
    struct voice_playout *playout = &p->peer.playouts[line];
    voice_playout_advance(playout, sim->clock.now);
    usec_t silence = voice_playout_get_silence(playout, sim->clock.now);
    return (struct sim_voice){
        .packets = heard->voice,
        .played = playout->played,
        .concealed = playout->concealed,
        .late = playout->late,
        .longest_gap_us = usec_max(playout->longest_gap_us, silence),
        .first_at = heard->first_voice_at,
        .last_at = heard->last_voice_at,
        .last_sent_at = heard->last_voice_sent_at,
        .first_behind_ticks = heard->first_behind_ticks,
    };
}

struct sim_screen sim_screen(const struct sim *sim, int viewer)
{
    const struct sim_participant *p = sim_participant(sim, viewer);
    const struct video_sink *v = p->peer.pictures;
    usec_t since = v->last_frame_at > 0 ? sim->clock.now - v->last_frame_at : 0;
    return (struct sim_screen){
        .frames = v->frames - p->mark.frames,
        .key_frames = v->key_frames - p->mark.key_frames,
        .first_frame_us = v->first_frame_at > 0 ? v->first_frame_at - p->entered_at : USEC_NEVER,
        .longest_freeze_us = usec_max(v->longest_freeze_us, since),
        .key_frames_asked = p->peer.key_frames_wanted - p->mark.asked,
    };
}

static int compare_us(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return (x > y) - (x < y);
}

/* 0: it never was. */
static usec_t find_read_at(const struct sim_participant *p, usec_t slide_at)
{
    for (size_t i = 0; i < p->slide_count; i++) {
        if (p->slides[i].at == slide_at)
            return p->slides[i].read_at;
    }
    return 0;
}

struct sim_slides sim_slides(const struct sim *sim, int viewer, int publisher)
{
    const struct sim_participant *p = sim_participant(sim, viewer);
    const struct headless_encoding *e = &sim_participant(sim, publisher)->peer.encodings[0];
    usec_t period = e->source.shape.slide_frames * e->source.frame_us;
    usec_t times[SIM_SLIDES_MAX];
    size_t count = 0;
    struct sim_slides slides = {0};
    for (usec_t at = e->slide_at - period; period > 0 && at >= p->forgotten_at; at -= period) {
        usec_t read_at = find_read_at(p, at);
        slides.shown++;
        slides.never += read_at == 0;
        if (read_at != 0 && count < SIM_SLIDES_MAX)
            times[count++] = read_at - at;
    }
    qsort(times, count, sizeof times[0], compare_us);
    slides.median_us = count > 0 ? times[count / 2] : 0;
    slides.longest_us = count > 0 ? times[count - 1] : 0;
    return slides;
}

usec_t sim_voice_delay_us(const struct sim *sim, int listener, double quantile)
{
    return delay_histogram_get(&sim_participant(sim, listener)->voice_delays, quantile);
}

usec_t sim_screen_delay_us(const struct sim *sim, int viewer, double quantile)
{
    return delay_histogram_get(&sim_participant(sim, viewer)->video_delays, quantile);
}

uint64_t sim_key_frame_requests(const struct sim *sim, int publisher)
{
    const struct sim_participant *p = sim_participant(sim, publisher);
    return p->peer.key_frames_requested - p->mark.requests;
}

uint64_t sim_bytes_down(const struct sim *sim, int who)
{
    return sim_link_stats(sim, who, LINK_DOWN)->bytes_in -
           sim_participant(sim, who)->mark.bytes_down;
}

uint64_t sim_told(const struct sim *sim, int who, const char *type)
{
    const struct sim_participant *p = sim_participant(sim, who);
    for (size_t i = 0; i < SIM_MESSAGE_KINDS_MAX; i++) {
        if (strcmp(p->told[i].type, type) == 0)
            return p->told[i].count;
    }
    return 0;
}

const char *sim_delivery(const struct sim *sim, int who)
{
    return sim_participant(sim, who)->delivery;
}

uint64_t sim_forbidden(const struct sim *sim)
{
    uint64_t sum = 0;
    for (int i = 0; i < sim->participant_count; i++)
        sum += sim->participants[i]->forbidden;
    return sum;
}

uint64_t sim_get_digest(const struct sim *sim)
{
    return sim->digest;
}

void sim_forget(struct sim *sim)
{
    for (int i = 0; i < sim->participant_count; i++)
        sim_participant_forget(sim->participants[i]);
}

void sim_link_set_config(struct sim *sim, int who, enum link_direction direction,
                         struct link_config config)
{
    sim_link_set_direction(&sim_participant(sim, who)->link, direction, config);
}

const struct link_stats *sim_link_stats(const struct sim *sim, int who,
                                        enum link_direction direction)
{
    return link_model_stats(sim_participant(sim, who)->link.models[direction]);
}
