#include "relay/core/wish_account.h"

/* One of `max` that are saved up, if so many as `left` stay behind. */
static bool take(usec_t *full_at, usec_t now, usec_t each_us, int max, int left)
{
    usec_t then = usec_max(*full_at, now) + each_us;
    if (then > now + (max - left) * each_us)
        return false;
    *full_at = then;
    return true;
}

bool wish_account_admit(struct wish_account *w, usec_t now, bool is_poor, bool is_urgent)
{
    usec_t each_us = is_poor ? WISH_KEY_FRAME_US : WISH_KEY_FRAME_WIDE_US;
    int max = is_poor ? WISH_KEY_FRAMES_MAX : WISH_KEY_FRAMES_WIDE_MAX;
    return take(&w->full_at, now, each_us, max, is_urgent ? 0 : 1);
}

/* One more wish that nothing lost explains: when they began, and how many key frames did not end
 * them. */
static void note_run(struct wish_account *w, usec_t now, usec_t key_frame_at)
{
    if (w->run_at == 0 || now - w->run_at > WISH_RUN_US) {
        w->run_from = w->run_key_at = now;
        w->in_vain = 0;
    }
    w->run_at = now;
    if (key_frame_at < w->run_key_at || w->in_vain == WISH_HABIT_KEY_FRAMES)
        return;
    w->run_key_at = key_frame_at + 1;
    w->in_vain++;
}

static bool has_asked(const struct wish_account *w, usec_t now)
{
    return w->gap_at != 0 && now - w->gap_at <= WISH_GAP_US;
}

/* It may have lost something since. */
static bool has_gap(const struct wish_account *w, usec_t now, const struct wish *wish)
{
    return (has_asked(w, now) && w->gap_at > wish->key_frame_at) || wish->is_silent;
}

static enum wish_answer replay(struct wish_account *w, usec_t now)
{
    bool has_one = take(&w->replays_full_at, now, WISH_REPLAY_US, WISH_REPLAYS_MAX, 0);
    return has_one ? WISH_REPLAY : WISH_WAIT;
}

/* What it wishes next may be for the same loss; who wishes out of habit goes on with that. */
static enum wish_answer answer_loss(struct wish_account *w, usec_t now, const struct wish *wish)
{
    if (w->in_vain < WISH_HABIT_KEY_FRAMES)
        w->run_at = 0;
    if (wish->can_replay)
        return replay(w, now);
    return wish->is_wanted || wish_account_admit(w, now, wish->is_poor, true) ? WISH_RENEW
                                                                              : WISH_WAIT;
}

static enum wish_answer answer_habit(struct wish_account *w, usec_t now, const struct wish *wish)
{
    if (wish->is_wanted)
        return WISH_ASK;
    if (now - wish->key_frame_at < WISH_HABIT_US)
        return WISH_WAIT;
    return wish_account_admit(w, now, wish->is_poor, false) ? WISH_ASK : WISH_WAIT;
}

enum wish_answer wish_account_answer(struct wish_account *w, usec_t now, const struct wish *wish)
{
    if (now < wish->settled_at)
        return WISH_WAIT;
    if (w->lost_at > wish->key_frame_at)
        return answer_loss(w, now, wish);
    note_run(w, now, wish->key_frame_at);
    if (w->in_vain == WISH_HABIT_KEY_FRAMES)
        return answer_habit(w, now, wish);
    bool is_believed = has_gap(w, now, wish);
    if (!is_believed && wish->is_wanted)
        return WISH_ASK;
    if (!is_believed && wish->is_behind && now - w->run_from < WISH_BEHIND_US)
        return WISH_WAIT;
    bool is_recent = w->in_vain == 0 && now - wish->key_frame_at < WISH_RECENT_US;
    if (wish->can_replay && (is_believed || is_recent))
        return replay(w, now);
    if (!wish->is_wanted && !wish_account_admit(w, now, wish->is_poor, true))
        return WISH_WAIT;
    return is_believed ? WISH_RENEW : WISH_ASK;
}

void wish_account_note_gap(struct wish_account *w, usec_t now)
{
    w->gap_at = now;
}

void wish_account_note_lost(struct wish_account *w, usec_t now)
{
    w->lost_at = now;
}

void wish_account_note_losses(struct wish_account *w, usec_t now)
{
    if (!has_asked(w, now))
        w->lost_at = now;
}

void wish_account_note_key_frame(struct wish_account *w, usec_t at)
{
    w->key_frame_at = usec_max(w->key_frame_at, at);
}
