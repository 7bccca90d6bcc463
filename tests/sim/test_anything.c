/* Whatever happens, in whatever order: nothing is heard that signaling has not allowed, and when
 * all is mended everybody hears the trainer again. (Each run holds every packet that anybody heard
 * against the slots: sim_forbidden.) */
#include "sim/sim_test.h"

#define STEPS 80
#define PEOPLE_MAX 12

struct class_state {
    bool relay, signaling;
    int trainer, people[PEOPLE_MAX], count;
};

static void enter(struct sim *sim, struct class_state *c)
{
    if (!c->signaling || c->count == PEOPLE_MAX)
        return;
    struct sim_participant_config config = sim_participant_config_default("learner");
    config.ignores_floor = sim_draw(sim, 2) == 0;
    config.shares = config.ignores_floor;
    c->people[c->count++] = sim_enter_with(sim, &config);
}

static void leave(struct sim *sim, struct class_state *c, int index)
{
    if (c->count < 3)
        return;
    sim_leave(sim, c->people[index]);
    c->people[index] = c->people[--c->count];
}

static void touch_services(struct sim *sim, struct class_state *c)
{
    switch (sim_draw(sim, 6)) {
    case 0:
        c->relay ? sim_kill_relay(sim) : sim_start_relay(sim);
        c->relay = !c->relay;
        break;
    case 1:
        c->signaling ? sim_kill_signaling(sim) : sim_start_signaling(sim);
        c->signaling = !c->signaling;
        break;
    case 2:
        sim_control_set(sim, (enum sim_control_fault)sim_draw(sim, 3));
        break;
    case 3:
        if (c->relay)
            sim_hold_shard(sim, (uint32_t)sim_draw(sim, sim_shards(sim)),
                           MILLISECONDS(1 + sim_draw(sim, 700)));
        break;
    default: /* three times as often mended as broken */
        if (!c->relay)
            sim_start_relay(sim);
        if (!c->signaling)
            sim_start_signaling(sim);
        sim_control_set(sim, SIM_CONTROL_MENDED);
        c->relay = c->signaling = true;
        break;
    }
}

static void touch_line(struct sim *sim, int who)
{
    static const char *const lines[] = {"loss 0% jitter 0ms", "loss 5%", "down loss 30%",
                                        "jitter 15ms reorder 3% duplicate 3%",
                                        "loss 100%\nat 3 loss 0%"};
    sim_link_set(sim, who, lines[sim_draw(sim, COUNT_OF(lines))]);
}

/* The trainer and one learner in private, or no longer. */
static void touch_aside(struct sim *sim, struct class_state *c, int who)
{
    char text[80];
    snprintf(text, sizeof text, "{\"type\":\"aside_start\",\"id\":73,\"participant\":\"%llu\"}",
             (unsigned long long)sim_participant(sim, who)->id);
    if (sim_draw(sim, 3) == 0)
        sim_say(sim, c->trainer, "{\"type\":\"aside_stop\",\"id\":74}");
    else
        sim_say(sim, c->trainer, text);
}

static void do_something(struct sim *sim, struct class_state *c)
{
    int index = (int)sim_draw(sim, (uint64_t)c->count);
    int who = c->people[index];
    switch (sim_draw(sim, 14)) {
    case 0:
        enter(sim, c);
        break;
    case 1:
        leave(sim, c, index);
        break;
    case 2:
    case 3:
    case 4:
        sim_give_floor(sim, who);
        break;
    case 5:
    case 6:
        sim_take_floor(sim, who);
        break;
    case 7:
        sim_say(sim, c->trainer, "{\"type\":\"mute_all\",\"id\":71}");
        break;
    case 8:
        sim_cut_socket(sim, who, MILLISECONDS(sim_draw(sim, 3000)));
        break;
    case 9:
        sim_draw(sim, 2) == 0 ? sim_move(sim, who) : sim_restart_ice(sim, who);
        break;
    case 10:
        touch_line(sim, who);
        break;
    case 11:
    case 12:
        touch_aside(sim, c, who);
        break;
    default:
        touch_services(sim, c);
        break;
    }
}

static void mend_all(struct sim *sim, struct class_state *c)
{
    if (!c->relay)
        sim_start_relay(sim);
    if (!c->signaling)
        sim_start_signaling(sim);
    sim_control_set(sim, SIM_CONTROL_MENDED);
    for (int i = 0; i < c->count; i++)
        sim_link_set(sim, c->people[i], "loss 0% jitter 0ms reorder 0% duplicate 0%");
}

static void nothing_unallowed_is_heard_and_all_is_well_once_all_is_mended(struct sim *sim)
{
    struct class_state c = {.relay = true, .signaling = true};
    c.trainer = sim_enter(sim, "trainer");
    for (int i = 0; i < 4; i++)
        enter(sim, &c);
    sim_run_for(sim, SECONDS(1));
    sim_say(sim, c.trainer, "{\"type\":\"mode_set\",\"id\":72,\"mode\":\"practical\"}");
    for (int i = 0; i < STEPS; i++) {
        sim_run_for(sim, (usec_t)sim_draw(sim, 800) * 1000);
        do_something(sim, &c);
    }
    mend_all(sim, &c);
    sim_run_for(sim, SECONDS(45)); /* a transport that is beyond help ends after 30 s */
    sim_wait_connected(sim);
    sim_say(sim, c.trainer, "{\"type\":\"aside_stop\",\"id\":74}");
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(4));
    for (int i = 0; i < c.count; i++) {
        assert_in_range(sim_voice(sim, c.people[i], c.trainer).packets, 199, 201);
        assert_in_range(sim_screen(sim, c.people[i]).frames, 39, 41);
    }
}

static void nothing_unallowed_is_heard_from_either_of_two_shards(struct sim *sim)
{
    nothing_unallowed_is_heard_and_all_is_well_once_all_is_mended(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(nothing_unallowed_is_heard_and_all_is_well_once_all_is_mended),
        SIM_TEST_ON(nothing_unallowed_is_heard_from_either_of_two_shards, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
