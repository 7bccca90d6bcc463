#include "relay/core/encoding_order.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PICTURE_US 33333

static struct encoding_order order;
static usec_t now;

static int set_up(void **state)
{
    (void)state;
    now = SECONDS(100);
    encoding_order_init(&order);
    return 0;
}

/* VP8; of no size when it is no key frame. True when the order has changed. */
static bool note(uint32_t listed, uint16_t width, size_t bytes)
{
    uint8_t payload[1200] = {0x10, width != 0 ? 0x10 : 0x11, 2, 0, 0x9d, 1, 0x2a};
    uint32_t better = 0;
    payload[7] = (uint8_t)width;
    payload[8] = (uint8_t)(width >> 8);
    payload[9] = 100;
    return encoding_order_note(&order, now, order.places[listed], MEDIA_CODEC_VP8,
                               bytes_of(payload, bytes), &better);
}

/* Both for so long, of so many bytes a picture. */
static unsigned send_both(usec_t duration, size_t first, size_t second)
{
    unsigned changes = 0;
    for (usec_t end = now + duration; now < end; now += PICTURE_US)
        changes += (unsigned)note(0, 0, first) + (unsigned)note(1, 0, second);
    return changes;
}

static void the_larger_picture_stands_first_as_soon_as_both_are_known(void **state)
{
    assert_false(note(0, 320, 100));
    assert_true(note(1, 1280, 100));
    assert_int_equal(order.places[1], 0);
    assert_int_equal(order.places[0], 1);
    assert_int_equal(encoding_order_listed(&order, 1), 2);
    assert_int_equal(encoding_order_listed(&order, 2), 1);
    assert_int_equal(encoding_order_listed(&order, 7), 7);
    (void)state;
}

/* Our page's are: a screen is never scaled. The worse one may well take more for a while. */
static void of_pictures_of_one_size_the_order_stays_whatever_they_take(void **state)
{
    assert_false(note(0, 1280, 100));
    assert_false(note(1, 1280, 100));
    assert_int_equal(send_both(SECONDS(20), 100, 1000), 0);
    (void)state;
}

/* An encoder may scale for a while when its line is narrow. */
static void a_later_size_changes_nothing(void **state)
{
    assert_false(note(0, 1280, 100));
    assert_false(note(1, 640, 100));
    assert_false(note(0, 320, 100));
    (void)state;
}

static void without_sizes_what_takes_twice_as_much_stands_first(void **state)
{
    assert_int_equal(send_both(SECONDS(20), 100, 190), 0);
    assert_int_equal(send_both(SECONDS(9), 100, 1000), 1);
    assert_int_equal(order.places[1], 0);
    assert_int_equal(send_both(SECONDS(20), 100, 1000), 0);
    (void)state;
}

static void one_that_hardly_sends_is_not_judged(void **state)
{
    for (unsigned i = 0; i < 600; i++, now += PICTURE_US) {
        assert_false(note(1, 0, 1000));
        if (i % 60 == 0)
            assert_false(note(0, 0, 1000));
    }
    (void)state;
}

static void three_listed_from_the_smallest_on_end_up_from_the_largest_on(void **state)
{
    unsigned changes = (unsigned)note(0, 320, 100) + (unsigned)note(1, 640, 100);
    changes += note(2, 1280, 100);
    for (unsigned i = 0; i < 3; i++)
        changes += note(i, 0, 100);
    assert_int_equal(changes, 3);
    assert_int_equal(order.places[0], 2);
    assert_int_equal(order.places[1], 1);
    assert_int_equal(order.places[2], 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_larger_picture_stands_first_as_soon_as_both_are_known, set_up),
        cmocka_unit_test_setup(of_pictures_of_one_size_the_order_stays_whatever_they_take, set_up),
        cmocka_unit_test_setup(a_later_size_changes_nothing, set_up),
        cmocka_unit_test_setup(without_sizes_what_takes_twice_as_much_stands_first, set_up),
        cmocka_unit_test_setup(one_that_hardly_sends_is_not_judged, set_up),
        cmocka_unit_test_setup(three_listed_from_the_smallest_on_end_up_from_the_largest_on,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
