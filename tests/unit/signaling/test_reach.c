/* "Do they see and hear me?": what staff is told of whom the relay reaches. */
#include "unit/signaling/talk_bench.c"

static void relay_says_quality(struct harness *h, uint64_t participant, enum control_quality screen)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_PARTICIPANT_QUALITY;
    message->participant_quality.participant = participant;
    message->participant_quality.screen = screen;
    harness_relay_says(h, message);
    free(message);
}

static void relay_measures(struct harness *h, const struct person *p, uint32_t session,
                           struct control_delivery delivered)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_DELIVERY;
    message->delivery.count = 1;
    message->delivery.list[0] = delivered;
    message->delivery.list[0].participant = p->id;
    message->delivery.list[0].session = session;
    harness_relay_says(h, message);
    free(message);
}

static const struct control_delivery well = {.hears = CONTROL_HEARING_YES, .reached = true};

static void relay_binds(struct harness *h, enum room_slot slot, const struct person *p)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_SLOT_BOUND;
    message->slot_bound =
        (struct control_slot_bound){.room = 1, .slot = slot, .participant = p->id};
    harness_relay_says(h, message);
    free(message);
}

static void relay_shows_screen_of(struct harness *h, const struct person *p)
{
    relay_binds(h, ROOM_SLOT_SCREEN, p);
}

/* Their transports stand, and the relay has seen that everything arrives. */
static void reach_everybody(struct harness *h, struct room *r)
{
    for (size_t i = 0; i < 3; i++) {
        harness_offer(h, &r->learners[i]);
        harness_relay_state(h, r->learners[i].id, 1, CONTROL_MEDIA_CONNECTED);
        relay_measures(h, &r->learners[i], 1, well);
    }
    harness_run_for(h, SECONDS(1));
}

static void of_whom_nothing_is_measured_nothing_is_known(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    struct person *karim = &r.learners[1];
    char part[240];
    reach_everybody(h, &r);
    harness_forget(h);
    /* A new transport: what the old one was is no proof. */
    harness_offer(h, karim);
    harness_relay_state(h, karim->id, 2, CONTROL_MEDIA_CONNECTED);
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part,
             "\"ok\":2,\"deaf\":[],\"blind\":[],\"reduced\":[],\"narrow\":[],\"unknown\":[\"%d\"]",
             (int)karim->id);
    assert_true(harness_got(h, r.trainer.connection, part));
    relay_measures(h, karim, 2, well);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"ok\":3,"));
    /* The link to the relay breaks: media may flow on, but nobody sees it. */
    harness_forget(h);
    harness_relay_down(h);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"ok\":0,\"deaf\":[],"));
    snprintf(part, sizeof part, "\"unknown\":[\"%d\",\"%d\",\"%d\"]", (int)r.learners[0].id,
             (int)karim->id, (int)r.learners[2].id);
    assert_true(harness_got(h, r.trainer.connection, part));
}

static void nobody_is_blind_while_nothing_is_shown(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    reach_everybody(h, &r);
    harness_forget(h);
    relay_says_quality(h, r.learners[0].id, CONTROL_QUALITY_OFF);
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, r.trainer.connection, "\"ok\":2"));
    relay_shows_screen_of(h, &r.trainer);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"ok\":2,\"deaf\":[],\"blind\":[\""));
}

static void the_staff_is_told_within_a_second_who_hears_nothing_and_whose_word_that_is(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    char part[240];
    relay_shows_screen_of(h, &r.trainer);
    reach_everybody(h, &r);
    assert_true(harness_got(h, r.trainer.connection,
                            "{\"type\":\"delivery\",\"total\":3,\"ok\":3,\"deaf\":[],"
                            "\"blind\":[],\"reduced\":[],\"narrow\":[],\"unknown\":[],\"claimed\":["
                            "],\"poor\":[],\"late\":[],"
                            "\"sounds\":{}}"));
    harness_forget(h);
    harness_relay_state(h, r.learners[0].id, 1, CONTROL_MEDIA_QUIET);
    tell(h, &r.learners[1], "report", ",\"sound\":\"muted\"");
    OK(h, &r.learners[1]);
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part,
             "\"ok\":1,\"deaf\":[\"%d\",\"%d\"],\"blind\":[\"%d\"],\"reduced\":[],\"narrow\":[],"
             "\"unknown\":[],"
             "\"claimed\":[\"%d\"],"
             "\"poor\":[],\"late\":[],\"sounds\":{\"%d\":\"muted\"}}",
             (int)r.learners[0].id, (int)r.learners[1].id, (int)r.learners[0].id,
             (int)r.learners[1].id, (int)r.learners[1].id);
    assert_true(harness_got(h, r.assistant.connection, part));
    assert_false(harness_got(h, r.learners[2].connection, "\"type\":\"delivery\""));
    assert_false(harness_got(h, r.inspector.connection, "\"type\":\"delivery\""));
    tell(h, &r.learners[2], "delivery_list", "%s", "");
    REFUSED(h, &r.learners[2], "not_allowed");
    tell(h, &r.trainer, "delivery_list", "%s", "");
    assert_true(harness_got(h, r.trainer.connection, "\"sound\":\"muted\""));
    relay_says_quality(h, r.learners[2].id, CONTROL_QUALITY_STILL);
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part, "\"reduced\":[\"%d\"]", (int)r.learners[2].id);
    assert_true(harness_got(h, r.trainer.connection, part));
    harness_forget(h);
    relay_says_quality(h, r.learners[2].id, CONTROL_QUALITY_OFF);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"ok\":0,"));
    relay_says_quality(h, r.learners[2].id, CONTROL_QUALITY_FULL);
    /* What a page claims does not make it reached. */
    tell(h, &r.learners[0], "report", ",\"sound\":\"ok\",\"picture\":\"ok\"");
    harness_forget(h);
    harness_run_for(h, SECONDS(5));
    assert_false(harness_got(h, r.trainer.connection, "\"ok\":2"));
    tell(h, &r.learners[1], "report", ",\"sound\":\"ok\"");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"ok\":2"));
}

static void a_report_of_what_nobody_can_report_is_refused(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    static const char *const bad[] = {"", ",\"sound\":\"loud\"", ",\"picture\":true",
                                      ",\"path\":\"pigeon\""};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        harness_forget(h);
        tell(h, &r.learners[1], "report", "%s", bad[i]);
        REFUSED(h, &r.learners[1], "bad_message");
    }
}

static void what_the_relay_measures_is_told_within_a_quarter_of_a_second(void **state)
{
    static const struct {
        const char *why;
        struct control_delivery measured;
        const char *before, *after; /* what is told, with the learner's id between; or without */
    } cases[] = {
        {"nothing arrives",
         {.hears = CONTROL_HEARING_NO, .reached = true},
         "\"ok\":2,\"deaf\":[\"",
         "\"],\"blind\":["},
        {"well again",
         {.hears = CONTROL_HEARING_YES, .reached = true},
         "\"ok\":3,\"deaf\":[]",
         NULL},
        {"voice is broken",
         {.hears = CONTROL_HEARING_POORLY, .reached = true},
         "\"ok\":2,\"deaf\":[],\"blind\":[],\"reduced\":[],\"narrow\":[],\"unknown\":[],"
         "\"claimed\":[],\"poor\":["
         "\"",
         "\"]"},
        {"the line is narrow: nothing against it",
         {.hears = CONTROL_HEARING_YES, .reached = true, .narrow = true},
         "\"ok\":3,\"deaf\":[],\"blind\":[],\"reduced\":[],\"narrow\":[\"",
         "\"]"},
        {"the screen is old",
         {.hears = CONTROL_HEARING_YES, .reached = true, .screen_behind_ms = 9400},
         "\"poor\":[],\"late\":[{\"id\":\"",
         "\",\"behind_s\":9}]"},
    };
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    struct person *karim = &r.learners[1];
    char part[240];
    reach_everybody(h, &r);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        harness_forget(h);
        relay_measures(h, karim, 1, cases[i].measured);
        harness_run_for(h, MILLISECONDS(250));
        if (cases[i].after != NULL)
            snprintf(part, sizeof part, "%s%d%s", cases[i].before, (int)karim->id, cases[i].after);
        else
            snprintf(part, sizeof part, "%s", cases[i].before);
        if (!harness_got(h, r.trainer.connection, part))
            fail_msg("%s: the trainer was not told %s", cases[i].why, part);
        harness_run_for(h, SECONDS(1));
    }
}

static void what_is_measured_again_is_no_news_and_of_a_replaced_transport_not_believed(void **state)
{
    static const struct control_delivery late = {
        .hears = CONTROL_HEARING_YES, .reached = true, .screen_behind_ms = 9400};
    static const struct control_delivery deaf = {.hears = CONTROL_HEARING_NO, .reached = true};
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    struct person *karim = &r.learners[1];
    reach_everybody(h, &r);
    relay_measures(h, karim, 1, late);
    harness_run_for(h, SECONDS(2));
    harness_forget(h);
    relay_measures(h, karim, 1, late);
    relay_measures(h, karim, 2, deaf);
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, r.trainer.connection, "\"type\":\"delivery\""));
    tell(h, &r.learners[0], "report", ",\"path\":\"tls\"");
    OK(h, &r.learners[0]);
    tell(h, &r.trainer, "delivery_list", "%s", "");
    assert_true(
        harness_got(h, r.trainer.connection, "\"hears\":\"yes\",\"reached\":true,\"behind_s\":9"));
    assert_true(harness_got(h, r.trainer.connection, "\"path\":\"tls\""));
}

static void
a_join_at_which_nothing_arrives_is_made_again_once_and_then_both_sides_are_told(void **state)
{
    static const struct control_delivery unreached = {.hears = CONTROL_HEARING_NO};
    static const struct control_delivery fine = {.hears = CONTROL_HEARING_YES, .reached = true};
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    struct person *karim = &r.learners[1];
    harness_offer(h, karim);
    harness_relay_state(h, karim->id, 1, CONTROL_MEDIA_CONNECTED);
    relay_measures(h, karim, 1, unreached);
    assert_true(
        harness_got(h, karim->connection, "{\"type\":\"media_reset\",\"reason\":\"unreached\"}"));
    harness_forget(h);
    harness_offer(h, karim);
    harness_relay_state(h, karim->id, 2, CONTROL_MEDIA_CONNECTED);
    relay_measures(h, karim, 2, unreached);
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, karim->connection, "media_reset"));
    assert_true(harness_got(h, karim->connection, "{\"type\":\"reached\",\"reached\":false}"));
    assert_true(harness_got(h, r.trainer.connection, "\"deaf\":[\""));
    harness_forget(h);
    relay_measures(h, karim, 2, unreached);
    assert_false(harness_got(h, karim->connection, "reached"));
    relay_measures(h, karim, 2, fine);
    assert_true(harness_got(h, karim->connection, "{\"type\":\"reached\",\"reached\":true}"));
}

static void relay_measures_voice_of(struct harness *h, const struct person *p, uint32_t permille)
{
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_ROOM_STATS;
    message->room_stats.room = 1;
    message->room_stats.count = 1;
    message->room_stats.participants[0].participant = p->id;
    message->room_stats.participants[0].voice_loss_in_permille = permille;
    harness_relay_says(h, message);
    free(message);
    harness_run_for(h, MILLISECONDS(100));
}

static void whose_voice_is_lost_on_its_way_to_us_is_told_to_all_who_hear_it(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct room r = open_room(h);
    struct person *lea = &r.learners[0];
    relay_binds(h, ROOM_SLOT_VOICE_0, &r.trainer);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, lea->connection, "\"type\":\"slots\""));
    assert_false(harness_got(h, lea->connection, "loses"));
    static const struct {
        uint32_t permille;
        int told; /* -1: nothing */
    } steps[] = {{29, -1}, {104, 10}, {119, -1}, {131, 13}, {80, 8}, {0, 0}, {10, -1}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        harness_forget(h);
        relay_measures_voice_of(h, &r.trainer, steps[i].permille);
        char part[64] = "loses";
        if (steps[i].told > 0)
            snprintf(part, sizeof part, "\"loses\":{\"%d\":%d}", (int)r.trainer.id, steps[i].told);
        assert_int_equal(harness_count(h, lea->connection, "\"type\":\"slots\""),
                         steps[i].told >= 0);
        assert_int_equal(harness_got(h, lea->connection, part), steps[i].told > 0);
    }
    /* Who is not heard harms nobody; who joins meanwhile reads it in the snapshot. */
    harness_forget(h);
    relay_measures_voice_of(h, &r.learners[1], 500);
    assert_false(harness_got(h, lea->connection, "\"type\":\"slots\""));
    relay_measures_voice_of(h, &r.trainer, 200);
    struct person late = harness_join(h, "learner", "Late");
    char part[64];
    snprintf(part, sizeof part, "\"loses\":{\"%d\":20}", (int)r.trainer.id);
    assert_true(harness_got(h, late.connection, part));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(of_whom_nothing_is_measured_nothing_is_known),
        HARNESS_TEST(nobody_is_blind_while_nothing_is_shown),
        HARNESS_TEST(the_staff_is_told_within_a_second_who_hears_nothing_and_whose_word_that_is),
        HARNESS_TEST(a_report_of_what_nobody_can_report_is_refused),
        HARNESS_TEST(what_the_relay_measures_is_told_within_a_quarter_of_a_second),
        HARNESS_TEST(what_is_measured_again_is_no_news_and_of_a_replaced_transport_not_believed),
        HARNESS_TEST(
            a_join_at_which_nothing_arrives_is_made_again_once_and_then_both_sides_are_told),
        HARNESS_TEST(whose_voice_is_lost_on_its_way_to_us_is_told_to_all_who_hear_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
