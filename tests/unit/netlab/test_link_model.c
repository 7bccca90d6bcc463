#include "netlab/link_model.h"

#include "unit/base/base_test.h"

#include <string.h>

enum { RUN_PACKETS = 20000 };

struct outcome {
    uint64_t arrived, bursts, longest_burst, late_max_us, out_of_order;
    uint64_t fingerprint;
    usec_t last_at;
};

static struct link_model *new_model(uint64_t seed, struct link_config config)
{
    struct link_model *model = NULL;
    assert_int_equal(link_model_create(&model, seed), STATUS_OK);
    assert_int_equal(link_model_set_config(model, 0, &config), STATUS_OK);
    return model;
}

static void take_arrived(struct link_model *model, usec_t until, usec_t gap_us, struct outcome *got,
                         uint32_t *last)
{
    for (usec_t at; (at = link_model_next_timeout(model)) <= until;) {
        struct bytes packet;
        while (link_model_poll_packet(model, at, &packet)) {
            uint32_t number;
            memcpy(&number, packet.data, sizeof(number));
            uint64_t late_us = (uint64_t)(at - (usec_t)number * gap_us);
            got->arrived++;
            got->late_max_us = late_us > got->late_max_us ? late_us : got->late_max_us;
            got->fingerprint = got->fingerprint * 31 + number * 7 + (uint64_t)at;
            got->last_at = at;
            if (number < *last)
                got->out_of_order++;
            if (number > *last + 1) {
                got->bursts++;
                if (number - *last - 1 > got->longest_burst)
                    got->longest_burst = number - *last - 1;
            }
            *last = number > *last ? number : *last;
        }
    }
}

/* RUN_PACKETS packets of `size`, one each `gap_us`. */
static struct outcome run(struct link_model *model, size_t size, usec_t gap_us)
{
    struct outcome got = {0};
    uint8_t packet[LINK_PACKET_BYTES_MAX] = {0};
    uint32_t last = 0;
    for (uint32_t i = 0; i < RUN_PACKETS; i++) {
        usec_t now = (usec_t)i * gap_us;
        take_arrived(model, now, gap_us, &got, &last);
        memcpy(packet, &i, sizeof(i));
        link_model_handle_packet(model, now, bytes_of(packet, size));
    }
    take_arrived(model, SECONDS(100000), gap_us, &got, &last);
    assert_true(link_model_next_timeout(model) == USEC_NEVER);
    return got;
}

static struct outcome run_config(struct link_config config, size_t size, usec_t gap_us)
{
    struct link_model *model = new_model(7, config);
    struct outcome got = run(model, size, gap_us);
    link_model_free(model);
    return got;
}

static void a_line_without_impairments_delivers_everything_at_once(void **state)
{
    struct outcome got = run_config(link_config_default(), 100, 1000);
    assert_int_equal(got.arrived, RUN_PACKETS);
    assert_int_equal(got.late_max_us, 0);
    (void)state;
}

static void delay_and_jitter_keep_their_bounds_and_the_order(void **state)
{
    struct link_config config = link_config_default();
    config.delay_us = MILLISECONDS(50);
    config.jitter_us = MILLISECONDS(40);
    struct outcome got = run_config(config, 100, 5000);
    assert_int_equal(got.arrived, RUN_PACKETS);
    assert_in_range(got.late_max_us, 88000, 90000);
    assert_int_equal(got.out_of_order, 0);
    (void)state;
}

static void losses_come_at_their_rate_and_length(void **state)
{
    static const struct {
        const char *why;
        double loss, burst_loss, burst_length;
        double expected_loss, expected_length;
    } cases[] = {
        {"5 % alone", 0.05, 0, 1, 0.05, 1.05},
        {"10 % alone", 0.1, 0, 1, 0.1, 1.11},
        {"5 % in bursts of 4", 0, 0.05, 4, 0.05, 4},
        {"20 % in bursts of 10", 0, 0.2, 10, 0.2, 10},
        {"everything", 1, 0, 1, 1, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct link_config config = link_config_default();
        config.loss = cases[i].loss;
        config.burst_loss = cases[i].burst_loss;
        config.burst_length = cases[i].burst_length;
        struct outcome got = run_config(config, 100, 1000);
        double lost = (double)(RUN_PACKETS - got.arrived);
        double share = lost / RUN_PACKETS;
        double length = got.bursts > 0 ? lost / (double)got.bursts : 0;
        if (share < cases[i].expected_loss * 0.85 || share > cases[i].expected_loss * 1.15 ||
            length < cases[i].expected_length * 0.85 || length > cases[i].expected_length * 1.15)
            fail_msg("%s: %.4f lost, mean length %.2f", cases[i].why, share, length);
    }
    (void)state;
}

static void a_rate_spaces_packets_and_its_queue_drops_what_would_wait_too_long(void **state)
{
    struct link_config config = link_config_default();
    config.rate_bps = 1000000;
    config.queue_us = MILLISECONDS(200);
    struct link_model *model = new_model(7, config);
    struct outcome got = run(model, 1250, 5000); /* 2 Mbit/s offered */
    /* 100 s at 1 Mbit/s are 10000 packets of 10 ms each, and the queue's 20. */
    assert_in_range(got.arrived, 9990, 10030);
    assert_in_range(got.late_max_us, 195000, 210000);
    assert_int_equal(link_model_stats(model)->queue_dropped, RUN_PACKETS - got.arrived);
    assert_in_range(link_model_stats(model)->queue_us_max, 185000, 200000);
    link_model_free(model);
    (void)state;
}

static void a_new_rate_holds_for_what_already_waits(void **state)
{
    struct link_config config = link_config_default();
    struct link_model *model;
    struct bytes packet;
    uint8_t data[1250] = {0};
    config.rate_bps = 100000; /* 100 ms a packet */
    config.queue_us = SECONDS(2);
    model = new_model(7, config);
    for (size_t i = 0; i < 10; i++)
        link_model_handle_packet(model, 0, bytes_of(data, sizeof(data)));
    assert_true(link_model_poll_packet(model, MILLISECONDS(100), &packet));
    config.rate_bps = 1000000;
    assert_int_equal(link_model_set_config(model, MILLISECONDS(110), &config), STATUS_OK);
    /* The second was on the line already; the other eight take 10 ms each. */
    assert_true(link_model_next_timeout(model) == MILLISECONDS(200));
    size_t count = 0;
    while (link_model_poll_packet(model, MILLISECONDS(280), &packet))
        count++;
    assert_int_equal(count, 9);
    link_model_free(model);
    (void)state;
}

static void reordering_and_duplication_come_at_their_rate(void **state)
{
    struct link_config config = link_config_default();
    config.delay_us = MILLISECONDS(20);
    config.reorder = 0.02;
    config.duplicate = 0.03;
    struct link_model *model = new_model(3, config);
    struct outcome got = run(model, 100, 5000);
    uint64_t duplicated = got.arrived - RUN_PACKETS;
    assert_in_range(duplicated, RUN_PACKETS * 0.025, RUN_PACKETS * 0.035);
    assert_int_equal(link_model_stats(model)->duplicated, duplicated);
    assert_in_range(link_model_stats(model)->reordered, RUN_PACKETS * 0.016, RUN_PACKETS * 0.024);
    assert_true(got.out_of_order > 0);
    link_model_free(model);
    (void)state;
}

static void the_same_seed_gives_the_same_run_and_another_seed_another(void **state)
{
    struct link_config config = {.delay_us = 10000,
                                 .jitter_us = 9000,
                                 .loss = 0.05,
                                 .burst_loss = 0.05,
                                 .burst_length = 4,
                                 .rate_bps = 2000000,
                                 .queue_us = 50000,
                                 .reorder = 0.01,
                                 .duplicate = 0.01};
    uint64_t prints[3];
    for (size_t i = 0; i < 3; i++) {
        struct link_model *model = new_model(i == 2 ? 12 : 11, config);
        prints[i] = run(model, 1000, 3000).fingerprint;
        link_model_free(model);
    }
    assert_true(prints[0] == prints[1]);
    assert_true(prints[0] != prints[2]);
    (void)state;
}

static void packets_too_long_or_too_many_are_refused_and_counted(void **state)
{
    struct link_config config = link_config_default();
    uint8_t data[LINK_PACKET_BYTES_MAX + 1] = {0};
    config.delay_us = SECONDS(1);
    struct link_model *model = new_model(1, config);
    link_model_handle_packet(model, 0, bytes_of(data, sizeof(data)));
    assert_int_equal(link_model_stats(model)->refused, 1);
    for (size_t i = 0; i < LINK_PACKETS_MAX + 5; i++)
        link_model_handle_packet(model, 0, bytes_of(data, 100));
    assert_int_equal(link_model_stats(model)->refused, 6);
    link_model_free(model);
    (void)state;
}

static void settings_out_of_range_are_refused_and_leave_the_old_ones(void **state)
{
    static const struct link_config bad[] = {
        {.burst_length = 1, .loss = 1.1},
        {.burst_length = 1, .loss = -0.1},
        {.burst_length = 0.5},
        {.burst_length = 1, .burst_loss = 1},
        {.burst_length = 1, .delay_us = -1},
        {.burst_length = 1, .rate_bps = 10},
        {.burst_length = 1, .duplicate = 2},
        {.burst_length = 1, .queue_us = SECONDS(100)},
    };
    struct link_config config = link_config_default();
    config.loss = 0.25;
    struct link_model *model = new_model(1, config);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (link_model_set_config(model, 0, &bad[i]) != STATUS_CONFIG)
            fail_msg("case %zu was accepted", i);
        assert_true(link_model_config(model)->loss == 0.25);
    }
    link_model_free(model);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_without_impairments_delivers_everything_at_once),
        cmocka_unit_test(delay_and_jitter_keep_their_bounds_and_the_order),
        cmocka_unit_test(losses_come_at_their_rate_and_length),
        cmocka_unit_test(a_rate_spaces_packets_and_its_queue_drops_what_would_wait_too_long),
        cmocka_unit_test(a_new_rate_holds_for_what_already_waits),
        cmocka_unit_test(reordering_and_duplication_come_at_their_rate),
        cmocka_unit_test(the_same_seed_gives_the_same_run_and_another_seed_another),
        cmocka_unit_test(packets_too_long_or_too_many_are_refused_and_counted),
        cmocka_unit_test(settings_out_of_range_are_refused_and_leave_the_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
