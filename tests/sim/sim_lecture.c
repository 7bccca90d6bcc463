#include "sim/sim_lecture.h"

#include <stdio.h>

struct sim_participant_config sim_lecture_layered(void)
{
    struct sim_participant_config c = sim_participant_config_default("trainer");
    c.screen[0] = (struct made_up_screen){.bitrate_bps = 18000,
                                          .fps = 5,
                                          .slide_frames = 25,
                                          .slide_bytes = 30000,
                                          .key_bytes = 110000,
                                          .has_layers = true};
    c.screen[1] = (struct made_up_screen){
        .bitrate_bps = 40000, .fps = 5, .slide_bytes = 30000, .key_bytes = 32000};
    return c;
}

struct sim_participant_config sim_lecture_page(void)
{
    struct sim_participant_config c = sim_participant_config_default("trainer");
    c.screen[0] = (struct made_up_screen){.bitrate_bps = 18000,
                                          .fps = 5,
                                          .slide_frames = 25,
                                          .slide_bytes = 22000,
                                          .key_bytes = 50000,
                                          .has_layers = true};
    c.screen[1] = (struct made_up_screen){
        .bitrate_bps = 16000, .fps = 5, .slide_bytes = 18000, .key_bytes = 32000};
    return c;
}

struct sim_participant_config sim_lecture_plain(void)
{
    struct sim_participant_config c = sim_participant_config_default("trainer");
    c.screen[0] = (struct made_up_screen){.bitrate_bps = 30000,
                                          .fps = 5,
                                          .slide_frames = 25,
                                          .slide_bytes = 60000,
                                          .key_bytes = 90000,
                                          .sharpening_bytes = 30000,
                                          .sharp_after = 3};
    return c;
}

static double percent_of(uint64_t concealed, uint64_t played)
{
    return concealed + played > 0 ? 100.0 * (double)concealed / (double)(concealed + played) : 100;
}

static void note_join(struct sim *sim, int trainer, int learner, struct sim_lecture *l,
                      struct sim_voice *joining)
{
    sim_run_for(sim, SIM_LECTURE_JOIN_US);
    *joining = sim_voice(sim, learner, trainer);
    l->voice_us = joining->first_at > 0
                      ? joining->first_at - sim_participant(sim, learner)->entered_at
                      : USEC_NEVER;
    l->join_concealed = percent_of(joining->concealed, joining->played);
    l->gap_us = joining->longest_gap_us;
    sim_forget(sim);
}

struct sim_lecture sim_lecture_hold(struct sim *sim, const struct sim_lecture_config *config)
{
    struct sim *s = sim_create(sim_seed(sim), sim_shards(sim));
    struct sim_lecture l = {0};
    struct sim_voice joining;
    int trainer = sim_enter_with(s, &config->trainer);
    if (config->trainer_line != NULL)
        sim_link_set(s, trainer, config->trainer_line);
    sim_wait_connected(s);
    usec_t wait_us = SECONDS(2) + (usec_t)sim_draw(s, SECONDS(5));
    sim_run_for(s, config->enters_after_us > 0 ? config->enters_after_us : wait_us);
    usec_t entered_at = sim_now(s);
    struct sim_participant_config watcher = config->learner;
    watcher.impatient_us = SECONDS(3); /* as Chromium is */
    int learner = sim_enter_with(s, &watcher);
    sim_link_set(s, learner, config->line);
    sim_wait_connected(s);
    l.connected_us = sim_now(s) - entered_at;
    sim_forget(s);
    note_join(s, trainer, learner, &l, &joining);
    sim_run_for(s, config->duration);
    struct sim_voice voice = sim_voice(s, learner, trainer);
    struct sim_screen screen = sim_screen(s, learner);
    l.concealed = percent_of(voice.concealed + joining.concealed, voice.played + joining.played);
    l.later_concealed = percent_of(voice.concealed, voice.played);
    l.gap_us = usec_max(l.gap_us, voice.longest_gap_us);
    l.voice_p99_us = sim_voice_delay_us(s, learner, 0.99);
    l.slides = sim_slides(s, learner, trainer);
    l.first_us = screen.first_frame_us;
    l.freeze_us = screen.longest_freeze_us;
    l.age_us = sim_screen_delay_us(s, learner, 0.5);
    l.frames = screen.frames;
    l.key_frames = screen.key_frames;
    l.requests = sim_key_frame_requests(s, trainer);
    l.down_bps = sim_bytes_down(s, learner) * 8000000 / (uint64_t)config->duration;
    sim_free(s);
    return l;
}

struct sim_lecture sim_lecture_run(struct sim *sim, const char *line,
                                   struct sim_participant_config trainer, usec_t duration)
{
    struct sim_lecture_config config = {.trainer = trainer,
                                        .learner = sim_participant_config_default("learner"),
                                        .line = line,
                                        .duration = duration};
    return sim_lecture_hold(sim, &config);
}

void sim_lecture_print(const char *what, const struct sim_lecture *l)
{
    printf("%-60s connected %4lld voice %4lld first %5lld, concealed join %5.2f then %5.2f all "
           "%5.2f %% gap %4lld, voice p99 %4lld, age %4lld, "
           "slides %2d never %2d median %5lld worst %5lld, freeze %5lld, frames %3llu keys %llu, "
           "requests %llu, down %llu kbit/s\n",
           what, (long long)l->connected_us / 1000,
           (long long)(l->voice_us == USEC_NEVER ? -1 : l->voice_us / 1000),
           (long long)(l->first_us == USEC_NEVER ? -1 : l->first_us / 1000), l->join_concealed,
           l->later_concealed, l->concealed, (long long)l->gap_us / 1000,
           (long long)l->voice_p99_us / 1000, (long long)l->age_us / 1000, l->slides.shown,
           l->slides.never, (long long)l->slides.median_us / 1000,
           (long long)l->slides.longest_us / 1000, (long long)l->freeze_us / 1000,
           (unsigned long long)l->frames, (unsigned long long)l->key_frames,
           (unsigned long long)l->requests, (unsigned long long)l->down_bps / 1000);
}
