/* Wishes, losses and key frames in any order: whatever is wished, what others pay for and what is
 * replayed stays within what can have been saved up. */
#include "base/bytes.h"
#include "base/check.h"
#include "relay/core/wish_account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct paid {
    usec_t from;
    int64_t asked, replayed;
};

static void answer(struct wish_account *w, usec_t now, uint8_t choice, usec_t key_frame_at,
                   struct paid *paid)
{
    struct wish wish = {.key_frame_at = key_frame_at,
                        .settled_at = (choice & 1) != 0 ? USEC_NEVER : key_frame_at,
                        .can_replay = (choice & 2) != 0,
                        .is_wanted = (choice & 4) != 0,
                        .is_behind = (choice & 8) != 0,
                        .is_poor = (choice & 16) != 0,
                        .is_silent = (choice & 32) != 0};
    enum wish_answer got = wish_account_answer(w, now, &wish);
    CHECK(got == WISH_WAIT || now >= wish.settled_at);
    CHECK(got != WISH_REPLAY || wish.can_replay);
    paid->replayed += got == WISH_REPLAY;
    paid->asked += (got == WISH_ASK || got == WISH_RENEW) && !wish.is_wanted;
    usec_t passed = now - paid->from;
    CHECK(paid->asked <= WISH_KEY_FRAMES_WIDE_MAX + passed / WISH_KEY_FRAME_WIDE_US);
    CHECK(paid->replayed <= WISH_REPLAYS_MAX + passed / WISH_REPLAY_US);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct wish_account w = {0};
    usec_t now = SECONDS(1), key_frame_at = 0; /* 0 is never */
    struct paid paid = {.from = now};
    while (!r.failed) {
        uint8_t what = read_u8(&r), choice = read_u8(&r);
        now += MILLISECONDS(what >> 3) * 40;
        switch (what & 7) {
        case 0:
            wish_account_note_gap(&w, now);
            break;
        case 1:
            wish_account_note_lost(&w, now);
            break;
        case 2:
            wish_account_note_losses(&w, now);
            break;
        case 3:
            key_frame_at = now - MILLISECONDS(choice);
            wish_account_note_key_frame(&w, key_frame_at);
            break;
        default:
            answer(&w, now, choice, key_frame_at, &paid);
            break;
        }
    }
    return 0;
}
