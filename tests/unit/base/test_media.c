#include "base/media.h"

#include "base/check.h"
#include "unit/base/base_test.h"

static void every_slot_is_found_by_its_name(void **state)
{
    for (int i = 0; i < SEND_SLOT_COUNT; i++) {
        enum send_slot got;
        assert_true(send_slot_find(bytes_of_string(send_slot_name((enum send_slot)i)), &got));
        assert_int_equal(got, i);
    }
    for (int i = 0; i < ROOM_SLOT_COUNT; i++) {
        enum room_slot got;
        assert_true(room_slot_find(bytes_of_string(room_slot_name((enum room_slot)i)), &got));
        assert_int_equal(got, i);
    }
    enum send_slot send;
    enum room_slot room;
    assert_false(send_slot_find(bytes_of_string("MIC"), &send));
    assert_false(send_slot_find(BYTES_NONE, &send));
    assert_false(room_slot_find(bytes_of_string("voice_9"), &room));
    (void)state;
}

static void a_codec_is_found_whatever_its_case(void **state)
{
    static const struct {
        const char *name;
        bool found;
        enum media_codec codec;
        enum media_kind kind;
    } cases[] = {{"opus", true, MEDIA_CODEC_OPUS, MEDIA_KIND_AUDIO},
                 {"OPUS", true, MEDIA_CODEC_OPUS, MEDIA_KIND_AUDIO},
                 {"vp8", true, MEDIA_CODEC_VP8, MEDIA_KIND_VIDEO},
                 {"H264", true, MEDIA_CODEC_H264, MEDIA_KIND_VIDEO},
                 {"av1", true, MEDIA_CODEC_AV1, MEDIA_KIND_VIDEO},
                 {"red", true, MEDIA_CODEC_RED, MEDIA_KIND_AUDIO},
                 {"none", false, MEDIA_CODEC_NONE, MEDIA_KIND_AUDIO},
                 {"VP80", false, MEDIA_CODEC_NONE, MEDIA_KIND_AUDIO},
                 {"VP", false, MEDIA_CODEC_NONE, MEDIA_KIND_AUDIO},
                 {"", false, MEDIA_CODEC_NONE, MEDIA_KIND_AUDIO}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum media_codec got;
        assert_int_equal(media_codec_find(bytes_of_string(cases[i].name), &got), cases[i].found);
        if (!cases[i].found)
            continue;
        assert_int_equal(got, cases[i].codec);
        assert_int_equal(media_codec_kind(got), cases[i].kind);
    }
    (void)state;
}

static void every_header_extension_is_found_by_uri_and_name(void **state)
{
    for (int i = 0; i < HEADER_EXTENSION_COUNT; i++) {
        enum header_extension got;
        struct bytes uri = bytes_of_string(header_extension_uri((enum header_extension)i));
        struct bytes name = bytes_of_string(header_extension_name((enum header_extension)i));
        assert_true(header_extension_find_uri(uri, &got));
        assert_int_equal(got, i);
        assert_true(header_extension_find_name(name, &got));
        assert_int_equal(got, i);
        uri.size--;
        assert_false(header_extension_find_uri(uri, &got));
    }
    (void)state;
}

static void the_kinds_of_slots_match_what_they_carry(void **state)
{
    assert_int_equal(send_slot_kind(SEND_SLOT_MIC), MEDIA_KIND_AUDIO);
    assert_int_equal(send_slot_kind(SEND_SLOT_SCREEN), MEDIA_KIND_VIDEO);
    assert_int_equal(room_slot_kind(ROOM_SLOT_SCREEN_AUDIO), MEDIA_KIND_AUDIO);
    assert_int_equal(room_slot_kind(ROOM_SLOT_CAMERA_2), MEDIA_KIND_VIDEO);
    assert_string_equal(media_kind_name(MEDIA_KIND_AUDIO), "audio");
    assert_string_equal(media_kind_name(MEDIA_KIND_VIDEO), "video");
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_found_by_its_name),
        cmocka_unit_test(a_codec_is_found_whatever_its_case),
        cmocka_unit_test(every_header_extension_is_found_by_uri_and_name),
        cmocka_unit_test(the_kinds_of_slots_match_what_they_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
