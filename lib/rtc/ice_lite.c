#include "rtc/ice_lite.h"

#include "base/wipe.h"

#include <openssl/rand.h>

#define UFRAG_CHARACTERS 12
#define PWD_CHARACTERS 24

/* ice-char of RFC 8839 5.4, 64 of them, so that six random bits make one without bias. */
static enum status random_text(char *out, size_t count)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[32];
    if (count > sizeof random || RAND_bytes(random, (int)count) != 1)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < count; i++)
        out[i] = alphabet[random[i] & 63];
    out[count] = '\0';
    return STATUS_OK;
}

enum status ice_credentials_generate(struct ice_parameters *out)
{
    struct ice_parameters fresh = {0};
    if (random_text(fresh.ufrag, UFRAG_CHARACTERS) != STATUS_OK ||
        random_text(fresh.pwd, PWD_CHARACTERS) != STATUS_OK)
        return STATUS_SYSTEM;
    *out = fresh;
    return STATUS_OK;
}

void ice_lite_init(struct ice_lite *ice, usec_t now, const struct ice_parameters *local,
                   const struct ice_parameters *remote, usec_t old_credentials_us)
{
    *ice = (struct ice_lite){.local = *local,
                             .remote = *remote,
                             .heard_at = now,
                             .old_credentials_us = old_credentials_us};
}

/* A peer that restarts while nothing of it comes in has lost that path, and may have another one
 * open: a telephone on two networks hears again before it has checked anything anew. */
static void try_another_path(struct ice_lite *ice, usec_t now)
{
    const struct ice_path *best = NULL;
    for (size_t i = 0; i < ice->path_count; i++) {
        const struct ice_path *path = &ice->paths[i];
        bool is_media = ice->has_media_addr && net_addr_equal(&path->addr, &ice->media_addr);
        if (is_media && now - path->heard_at < ICE_STALE_US)
            return;
        if (!is_media && now - path->heard_at < ICE_CONSENT_US &&
            (best == NULL || path->priority > best->priority))
            best = path;
    }
    if (!ice->has_media_addr || best == NULL)
        return;
    ice->media_addr = best->addr;
    ice->is_guessed = true;
}

void ice_lite_restart(struct ice_lite *ice, usec_t now, const struct ice_parameters *local,
                      const struct ice_parameters *remote)
{
    /* Credentials that no check has come with yet are not worth keeping: a peer that restarts
     * twice in a row still lives on the older ones, while those are valid. */
    if (ice->is_used || now >= ice->old_until) {
        ice->old_local = ice->local;
        ice->old_remote = ice->remote;
    }
    ice->old_until = now + ice->old_credentials_us;
    ice->is_used = false;
    ice->local = *local;
    ice->remote = *remote;
    try_another_path(ice, now);
}

static bool is_user_of(struct bytes username, const struct ice_parameters *local,
                       const struct ice_parameters *remote)
{
    struct bytes ours;
    struct bytes theirs;
    return stun_split_username(username, &ours, &theirs) &&
           bytes_equal_string(ours, local->ufrag) && bytes_equal_string(theirs, remote->ufrag);
}

bool ice_lite_is_user(const struct ice_lite *ice, struct bytes username)
{
    return is_user_of(username, &ice->local, &ice->remote) ||
           (ice->old_until != 0 && is_user_of(username, &ice->old_local, &ice->old_remote));
}

/* The password that this user name was given; NULL for a stranger. */
static const char *password_of(struct ice_lite *ice, usec_t now, struct bytes username,
                               bool *is_new)
{
    *is_new = is_user_of(username, &ice->local, &ice->remote);
    if (*is_new)
        return ice->local.pwd;
    if (ice->old_until != 0 && now >= ice->old_until)
        ice->old_until = 0;
    if (ice->old_until != 0 && is_user_of(username, &ice->old_local, &ice->old_remote))
        return ice->old_local.pwd;
    return NULL;
}

static struct ice_path *find_path(struct ice_lite *ice, const struct net_addr *addr)
{
    for (size_t i = 0; i < ice->path_count; i++) {
        if (net_addr_equal(&ice->paths[i].addr, addr))
            return &ice->paths[i];
    }
    return NULL;
}

bool ice_lite_is_path(const struct ice_lite *ice, const struct net_addr *addr)
{
    for (size_t i = 0; i < ice->path_count; i++) {
        if (net_addr_equal(&ice->paths[i].addr, addr))
            return true;
    }
    return false;
}

/* A place for a new path: a free one, or that of the path not heard of for longest; never that
 * which carries the media. */
static struct ice_path *add_path(struct ice_lite *ice, const struct net_addr *addr,
                                 struct ice_path_change *change)
{
    struct ice_path *place = NULL;
    if (ice->path_count < ICE_PATHS_MAX) {
        place = &ice->paths[ice->path_count++];
    } else {
        for (size_t i = 0; i < ICE_PATHS_MAX; i++) {
            struct ice_path *path = &ice->paths[i];
            bool in_use = ice->has_media_addr && net_addr_equal(&path->addr, &ice->media_addr);
            if (!in_use && (place == NULL || path->heard_at < place->heard_at))
                place = path;
        }
        change->dropped = true;
        change->dropped_addr = place->addr;
    }
    *place = (struct ice_path){.addr = *addr};
    change->added = true;
    change->added_addr = *addr;
    return place;
}

/* A check that someone saw on its way and sends again from an address of his own: it verifies
 * nothing there, or media could be drawn to any address, and the peer's own paths pushed out.
 * Repeating it from where it came is retransmission (RFC 8489 6.2.1). */
static bool is_copied(struct ice_lite *ice, const struct net_addr *from,
                      const struct stun_message *m)
{
    size_t held = ice->check_count < ICE_CHECKS_MAX ? ice->check_count : ICE_CHECKS_MAX;
    for (size_t i = 0; i < held; i++) {
        const struct ice_check *check = &ice->checks[i];
        if (memcmp(check->transaction, m->transaction, STUN_TRANSACTION_BYTES) == 0)
            return !net_addr_equal(&check->from, from);
    }
    struct ice_check *place = &ice->checks[ice->check_count++ % ICE_CHECKS_MAX];
    memcpy(place->transaction, m->transaction, STUN_TRANSACTION_BYTES);
    place->from = *from;
    return false;
}

/* The peer is heard on another path than the one that carried the media, which has fallen silent.
 */
static void leave_stale_path(struct ice_lite *ice, usec_t now, const struct ice_path *heard,
                             bool is_wanted)
{
    const struct ice_path *media = ice->has_media_addr ? find_path(ice, &ice->media_addr) : NULL;
    if (media == NULL || media == heard)
        return;
    bool is_stale = now - media->heard_at >= ICE_STALE_US;
    bool is_better = is_wanted || heard->priority > media->priority;
    if ((is_stale && (is_wanted || ice->is_restarted)) || (ice->is_guessed && is_better)) {
        ice->is_guessed = true;
        ice->media_addr = heard->addr;
    }
}

static void note_check(struct ice_lite *ice, usec_t now, const struct net_addr *from,
                       const struct stun_message *m, struct ice_path_change *change)
{
    struct ice_path *path = find_path(ice, from);
    if (path == NULL)
        path = add_path(ice, from, change);
    path->heard_at = now;
    if (m->has_priority)
        path->priority = m->priority;
    if (m->use_candidate || m->has_nomination) {
        path->nominated = true;
        if (m->has_nomination)
            path->nomination = m->nomination;
    }
    leave_stale_path(ice, now, path, m->use_candidate || m->has_nomination);
}

/* The first check with new credentials: the old ones end, and with them what was nominated under
 * them (RFC 8445 9). The addresses stay verified, and media flows on. */
static void begin_generation(struct ice_lite *ice)
{
    ice->is_used = true;
    ice->is_restarted = ice->old_until != 0;
    ice->old_until = 0;
    memory_wipe(&ice->old_local, sizeof ice->old_local);
    for (size_t i = 0; i < ice->path_count; i++) {
        ice->paths[i].nominated = false;
        ice->paths[i].nomination = 0;
    }
}

static enum ice_verdict finish_answer(enum status status, const struct writer *w, size_t *size)
{
    *size = writer_size(w);
    return status == STATUS_OK ? ICE_ANSWERED : ICE_IGNORED;
}

enum ice_verdict ice_lite_handle_stun(struct ice_lite *ice, usec_t now, const struct net_addr *from,
                                      struct bytes datagram, uint8_t *answer, size_t *size,
                                      struct ice_path_change *change)
{
    struct stun_message m;
    bool is_new;
    *change = (struct ice_path_change){0};
    if (stun_parse_message(datagram, &m) != STATUS_OK || m.method != STUN_METHOD_BINDING)
        return ICE_MALFORMED;
    if (m.class != STUN_CLASS_REQUEST)
        return ICE_IGNORED; /* a lite agent has asked nothing */
    const char *password = m.has_fingerprint ? password_of(ice, now, m.username, &is_new) : NULL;
    if (password == NULL || stun_verify_integrity(&m, bytes_of_string(password)) != STATUS_OK)
        return ICE_REFUSED;
    if (is_copied(ice, from, &m))
        return ICE_REFUSED;
    ice->heard_at = now;
    struct bytes key = bytes_of_string(password);
    struct writer w = writer_of((struct bytes_mut){answer, ICE_ANSWER_BYTES_MAX});
    if (m.unknown_count > 0)
        return finish_answer(stun_write_error(&w, m.transaction, STUN_ERROR_UNKNOWN_ATTRIBUTE,
                                              m.unknown, m.unknown_count, key),
                             &w, size);
    /* We are lite, so the peer controls (RFC 8445 6.1.1): it must take that role. */
    if (m.role == STUN_ROLE_CONTROLLED)
        return finish_answer(
            stun_write_error(&w, m.transaction, STUN_ERROR_ROLE_CONFLICT, NULL, 0, key), &w, size);
    if (is_new && !ice->is_used)
        begin_generation(ice);
    note_check(ice, now, from, &m, change);
    return finish_answer(stun_write_success(&w, m.transaction, from, key), &w, size);
}

bool ice_lite_remove_path(struct ice_lite *ice, const struct net_addr *addr)
{
    struct ice_path *path = find_path(ice, addr);
    if (path == NULL)
        return false;
    if (ice->has_media_addr && net_addr_equal(addr, &ice->media_addr))
        ice->has_media_addr = false;
    *path = ice->paths[--ice->path_count];
    return true;
}

void ice_lite_note_media(struct ice_lite *ice, usec_t now, const struct net_addr *from)
{
    struct ice_path *path = find_path(ice, from);
    if (path == NULL)
        return;
    path->heard_at = now;
    ice->heard_at = now;
    ice->media_addr = *from;
    ice->has_media_addr = true;
    ice->is_restarted = ice->is_guessed = false;
}

static bool is_better(const struct ice_path *a, const struct ice_path *b)
{
    if (a->nominated != b->nominated)
        return a->nominated;
    if (a->nomination != b->nomination)
        return a->nomination > b->nomination;
    return a->priority > b->priority;
}

usec_t ice_lite_get_send_limit(const struct ice_lite *ice)
{
    return ice->heard_at + ICE_SEND_FOR_US;
}

bool ice_lite_get_remote(const struct ice_lite *ice, usec_t now, struct net_addr *out)
{
    if (ice->path_count == 0 || now >= ice_lite_get_send_limit(ice))
        return false;
    const struct ice_path *best = &ice->paths[0];
    for (size_t i = 1; i < ice->path_count; i++) {
        if (is_better(&ice->paths[i], best))
            best = &ice->paths[i];
    }
    *out = ice->has_media_addr ? ice->media_addr : best->addr;
    return true;
}

usec_t ice_lite_get_silence_us(const struct ice_lite *ice, usec_t now)
{
    return now - ice->heard_at;
}
