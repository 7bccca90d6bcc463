/* Offers of real programs, as captured. */
#include "unit/signaling/negotiation_bench.c"

static size_t read_offer(const char *name, char *out, size_t capacity)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/support/offers/%s.sdp", AMPHI_TESTS_FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    size_t size = fread(out, 1, capacity, file);
    fclose(file);
    return size;
}

struct summary {
    char text[4096];
    size_t used;
};

PRINTF_LIKE(2, 3) static void say(struct summary *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(s->text + s->used, sizeof s->text - s->used, format, args);
    va_end(args);
    assert_true(size >= 0 && (size_t)size < sizeof s->text - s->used);
    s->used += (size_t)size;
}

static void summarise_codecs(struct summary *s, const struct codec_parameters *codecs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct codec_parameters *c = &codecs[i];
        say(s, " %s", media_codec_name(c->codec));
        if (c->profile[0] != '\0')
            say(s, "(%s)", c->profile);
        say(s, "=%u", c->payload_type);
        if (c->rtx_payload_type != 0)
            say(s, "/%u", c->rtx_payload_type);
        if (c->red_payload_type != 0)
            say(s, "+%u", c->red_payload_type);
        if (c->nack && c->pli)
            say(s, "+");
    }
}

static void summarise_line(const struct negotiation *n, const struct negotiation_line *line,
                           struct summary *s)
{
    const struct send_slot_parameters *sent = &n->add.send_slots[line->slot];
    const struct receive_slot_parameters *received = &n->add.receive_slots[line->slot];
    if (line->is_held) {
        say(s, "held %s", line->held);
    } else if (!line->accepted) {
        say(s, "rejected");
    } else if (line->is_received) {
        say(s, "<%s", room_slot_name(received->slot));
        summarise_codecs(s, received->codecs, received->codec_count);
    } else {
        say(s, ">%s", send_slot_name(sent->slot));
        summarise_codecs(s, sent->codecs, sent->codec_count);
        if (sent->encoding_count > 0)
            say(s, " ssrcs=%zu", sent->encoding_count);
        for (size_t k = 0; k < sent->rid_count; k++)
            say(s, " %s", sent->rids[k]);
    }
}

/* What each m-line became, one to a line of text; "+" is nack and pli. Then the header extensions
 * and the relay's DTLS role. */
static void summarise(const struct negotiation *n, struct summary *s)
{
    s->used = 0;
    for (size_t i = 0; i < n->line_count; i++) {
        say(s, "%s ", n->lines[i].mid);
        summarise_line(n, &n->lines[i], s);
        say(s, "\n");
    }
    for (size_t e = 0; e < HEADER_EXTENSION_COUNT; e++) {
        if (n->add.extension_ids[e] != 0)
            say(s, "%s=%u ", header_extension_name((enum header_extension)e),
                n->add.extension_ids[e]);
    }
    say(s, "%s", n->add.relay_role == DTLS_ROLE_SERVER ? "server" : "client");
}

#define CHROMIUM_PAGE_SENDS                                                                        \
    "VP8=96/97+ VP9(0)=98/99+ H264(42/1)=102/103+ H264(42/1)=108/109+ H264(4d/1)=116/117+ "        \
    "AV1(0)=45/46+"
#define CHROMIUM_PAGE_RECEIVES                                                                     \
    "VP9(0)=98/99+ VP8=96/97+ H264(42/1)=102/103+ H264(42/1)=108/109+ H264(4d/1)=116/117+ "        \
    "H264(f4/1)=41/42+ AV1(0)=45/46+"
#define CHROMIUM_SENDS                                                                             \
    "VP8=96/97+ VP9(0)=98/99+ VP9(2)=100/101+ H264(42/1)=102/103+ H264(42/0)=104/107+ "            \
    "H264(42/1)=108/109+ H264(42/0)=114/115+ H264(4d/1)=116/117+ H264(4d/0)=39/40+ "               \
    "AV1(0)=45/46+"
#define CHROMIUM_RECEIVES                                                                          \
    "VP8=96/97+ VP9(0)=98/99+ VP9(2)=100/101+ VP9(1)=35/36+ VP9(3)=37/38+ H264(42/1)=102/103+ "    \
    "H264(42/0)=104/107+ H264(42/1)=108/109+ H264(42/0)=114/115+ H264(4d/1)=116/117+ "             \
    "H264(4d/0)=39/40+ H264(f4/1)=41/42+ H264(f4/0)=43/44+ AV1(0)=45/46+ AV1(1)=47/48+"
#define FIREFOX_SENDS "VP8=120/124+ VP9(0)=121/125+ AV1(0)=99/100+"
#define FIREFOX_RECEIVES "VP9(0)=121/125+ VP8=120/124+ AV1(0)=99/100+"

static const struct {
    const char *name;
    enum negotiation_kind kind;
    const char *expected;
} golden[] = {
    {"aiortc_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=96\n"
     "1 <screen VP8=97/98+ H264(42/1)=99/100+ H264(42/1)=101/102+\n"
     "mid=1 audio_level=2 server"},
    {"aiortc_whip", NEGOTIATION_WHIP,
     "0 >mic opus=96 ssrcs=1\n"
     "1 >screen VP8=97/98+ H264(42/1)=99/100+ H264(42/1)=101/102+ ssrcs=1\n"
     "mid=1 audio_level=2 server"},
    {"chromium_page", NEGOTIATION_PAGE,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=111 ssrcs=1\n"
     "3 >camera " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=111+63\n"
     "5 <voice_1 opus=111+63\n"
     "6 <voice_2 opus=111+63\n"
     "7 <screen_audio opus=111+63\n"
     "8 <screen " CHROMIUM_PAGE_RECEIVES "\n"
     "9 <camera_0 " CHROMIUM_PAGE_RECEIVES "\n"
     "10 <camera_1 " CHROMIUM_PAGE_RECEIVES "\n"
     "11 <camera_2 " CHROMIUM_PAGE_RECEIVES "\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"chromium_page_restart", NEGOTIATION_PAGE,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=111 ssrcs=1\n"
     "3 >camera " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=111+63\n"
     "5 <voice_1 opus=111+63\n"
     "6 <voice_2 opus=111+63\n"
     "7 <screen_audio opus=111+63\n"
     "8 <screen " CHROMIUM_PAGE_RECEIVES "\n"
     "9 <camera_0 " CHROMIUM_PAGE_RECEIVES "\n"
     "10 <camera_1 " CHROMIUM_PAGE_RECEIVES "\n"
     "11 <camera_2 " CHROMIUM_PAGE_RECEIVES "\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"chromium_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen " CHROMIUM_RECEIVES "\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whep_sendrecv", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen VP8=96/97+ H264(42/1)=102/103+ H264(42/0)=104/107+ H264(42/1)=108/109+ "
     "H264(42/0)=114/115+ H264(4d/1)=116/117+ H264(4d/0)=39/40+ AV1(0)=45/46+ VP9(0)=98/99+ "
     "VP9(2)=100/101+\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whep_two_voices", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen " CHROMIUM_RECEIVES "\n"
     "2 <screen_audio opus=111+63\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whip", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_addtrack", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "2 rejected\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_pcmu_first", NEGOTIATION_WHIP,
     "0 held PCMU/8000\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "mid=4 rid=10 repaired_rid=11 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_simulcast", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " h m l\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"firefox_page", NEGOTIATION_PAGE,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=109 ssrcs=1\n"
     "3 >camera " FIREFOX_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=109\n"
     "5 <voice_1 opus=109\n"
     "6 <voice_2 opus=109\n"
     "7 <screen_audio opus=109\n"
     "8 <screen " FIREFOX_RECEIVES "\n"
     "9 <camera_0 " FIREFOX_RECEIVES "\n"
     "10 <camera_1 " FIREFOX_RECEIVES "\n"
     "11 <camera_2 " FIREFOX_RECEIVES "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_page_restart", NEGOTIATION_PAGE,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=109 ssrcs=1\n"
     "3 >camera " FIREFOX_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=109\n"
     "5 <voice_1 opus=109\n"
     "6 <voice_2 opus=109\n"
     "7 <screen_audio opus=109\n"
     "8 <screen " FIREFOX_RECEIVES "\n"
     "9 <camera_0 " FIREFOX_RECEIVES "\n"
     "10 <camera_1 " FIREFOX_RECEIVES "\n"
     "11 <camera_2 " FIREFOX_RECEIVES "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep_sendrecv", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep_two_voices", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "2 <screen_audio opus=109\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whip", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "mid=3 audio_level=1 transport_cc=7 server"},
    {"firefox_whip_addtrack", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 rejected\n"
     "mid=3 audio_level=1 transport_cc=7 server"},
    {"firefox_whip_pcmu_first", NEGOTIATION_WHIP,
     "0 held PCMU/8000\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "mid=3 transport_cc=7 server"},
    {"firefox_whip_simulcast", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=3 h m l\n"
     "mid=3 rid=9 repaired_rid=10 audio_level=1 transport_cc=7 dependency_descriptor=8 server"},
    {"gstreamer_whep", NEGOTIATION_WHEP,
     "audio0 held OPUS/48000\n" /* without "/2": RFC 7587 7 */
     "video1 <screen VP8=96+\n"
     "server"},
    {"gstreamer_whip", NEGOTIATION_WHIP,
     "audio0 >mic opus=97 ssrcs=1\n"
     "video1 >screen VP8=96 ssrcs=1\n"
     "server"},
    {"pion_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=111\n"
     "1 <screen VP8=96/97+\n"
     "mid=1 transport_cc=2 server"},
    {"pion_whip", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen VP8=96/97+ ssrcs=1\n"
     "mid=1 transport_cc=2 server"},
};

static void what_real_programs_offer_is_understood(void **state)
{
    struct fixture *f = *state;
    static struct summary s;
    for (size_t i = 0; i < COUNT_OF(golden); i++) {
        size_t size = read_offer(golden[i].name, f->changed, sizeof f->changed);
        struct bytes offer = bytes_of(f->changed, size);
        enum status status = negotiation_accept_offer(golden[i].kind, offer, &f->n);
        if (status != STATUS_OK)
            fail_msg("%s: %s", golden[i].name, status_name(status));
        summarise(&f->n, &s);
        if (strcmp(s.text, golden[i].expected) != 0)
            fail_msg("%s became:\n%s\n--- expected:\n%s", golden[i].name, s.text,
                     golden[i].expected);
        answer_to(f, golden[i].name, offer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_real_programs_offer_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
