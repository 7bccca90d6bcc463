/* Who may come in: invite tokens and resume tokens become participants. */
#include "signaling/core/access_token.h"
#include "signaling/core/door.h"
#include "signaling/core/event_log.h"
#include "signaling/core/secrets.h"
#include "signaling/core/service_internal.h"
#include "signaling/core/text_rules.h"

#include "base/wipe.h"

#include <inttypes.h>

#define NAME_OF_NOBODY "Participant"

enum client_error admission_count_failure(struct service *service, struct instant at,
                                          const char *remote_ip, enum client_error error)
{
    static const struct rate_limit_rule rule = {SECONDS(60) / RATE_FAILED_TOKENS_PER_MINUTE,
                                                RATE_FAILED_TOKENS_PER_MINUTE};
    struct ip_limit *limit = ip_limits_get(&service->ip_limits, at.now, remote_ip);
    return rate_limit_take(&limit->failed_tokens, at.now, rule) ? error : CLIENT_TOO_MANY;
}

/* Whether the invite that the token names still stands, and says what the token says. */
static bool is_invite_valid(struct service *service, const struct access_claims *claims,
                            struct store_invite *out)
{
    return store_find_invite(service->store, claims->invite_id, out) == STATUS_OK &&
           !out->revoked && strcmp(out->class_id, claims->class_id) == 0 &&
           out->role == claims->role;
}

static bool is_used_up(const struct admission *admission)
{
    return admission->invite.single_use && admission->invite.uses > 0 && admission->again == NULL;
}

static struct participant *find_visit(const struct admission *admission, const uint8_t *visit)
{
    if (admission->classroom == NULL || visit == NULL)
        return NULL;
    for (struct participant *p = admission->classroom->first; p != NULL; p = p->next) {
        if (p->record.kind == PARTICIPANT_PAGE && secret_hash_matches(p->visit, visit) &&
            strcmp(p->record.invite_id, admission->invite.id) == 0)
            return p;
    }
    return NULL;
}

enum client_error admission_check_token(struct service *service, struct instant at,
                                        const char *remote_ip, struct bytes token, bool for_session,
                                        const uint8_t *visit, struct admission *out)
{
    struct access_claims claims;
    struct admission admission = {0};
    enum access_result result =
        access_token_verify(token, service->config.token_key, at.unix_us / 1000000, &claims);
    if (result == ACCESS_INVALID || !is_invite_valid(service, &claims, &admission.invite))
        return admission_count_failure(service, at, remote_ip, CLIENT_INVALID_TOKEN);
    admission.classroom = classroom_registry_find(&service->registry, claims.class_id);
    admission.again = find_visit(&admission, visit);
    if (!for_session && is_used_up(&admission))
        return admission_count_failure(service, at, remote_ip, CLIENT_INVALID_TOKEN);
    if (result == ACCESS_EXPIRED && !for_session)
        return admission_count_failure(service, at, remote_ip, CLIENT_EXPIRED_TOKEN);
    if (admission.classroom == NULL)
        return CLIENT_CLASS_ENDED;
    *out = admission;
    return CLIENT_OK;
}

/* --- Resume tokens: "participant.secret". Only hashes are kept, the newest and the one before. */

static enum client_error make_resume_token(struct participant *p, char *out)
{
    char secret[SECRET_ID_BYTES];
    if (secret_id_make(secret) != STATUS_OK)
        return CLIENT_INTERNAL;
    snprintf(out, RESUME_TOKEN_BYTES, "%" PRIu64 ".%s", p->record.id, secret);
    secret_hash(bytes_of_string(out), p->record.resume_hash);
    memory_wipe(secret, sizeof secret);
    p->unsaved = true;
    return CLIENT_OK;
}

static uint64_t parse_participant(const char *token)
{
    uint64_t id = 0;
    for (; *token >= '0' && *token <= '9' && id < UINT64_MAX / 16; token++)
        id = id * 10 + (uint64_t)(*token - '0');
    return *token == '.' ? id : 0;
}

bool admission_is_late(const struct participant *p, const struct connection *c)
{
    return secret_hash_matches(p->visit, c->visit) && c->hello_to < p->hello;
}

enum client_error admission_resume(struct service *service, struct instant at,
                                   const struct connection *c, const char *token,
                                   char *resume_token, struct participant **out)
{
    uint8_t hash[RESUME_HASH_BYTES];
    secret_hash(bytes_of_string(token), hash);
    struct participant *p =
        classroom_registry_find_participant(&service->registry, parse_participant(token));
    bool newest = p != NULL && secret_hash_matches(p->record.resume_hash, hash);
    bool previous = p != NULL && secret_hash_matches(p->record.previous_hash, hash);
    if (!newest && !previous)
        return admission_count_failure(service, at, c->remote_ip, CLIENT_INVALID_TOKEN);
    if (admission_is_late(p, c))
        return CLIENT_OK;
    /* The one used stays good until its successor is used: the welcome may never have arrived. */
    memcpy(p->record.previous_hash, hash, sizeof hash);
    enum client_error error = make_resume_token(p, resume_token);
    if (error != CLIENT_OK)
        return error;
    service_save_participant(service, p);
    service->counters.resumes++;
    *out = p;
    return CLIENT_OK;
}

/* --- In class already: personal links, and a hello said again */

/* The page of before is another one: what it sent and shared goes with it. Hand and floor stay. */
static enum client_error start_anew(struct service *service, struct instant at,
                                    struct participant *p, char *resume_token)
{
    offer_cancel(service, at, p, CLIENT_MEDIA_GONE);
    classroom_stop_share(p->classroom, p);
    classroom_set_mic(p->classroom, p, false);
    service_drop_transport(service, p);
    memset(p->record.previous_hash, 0, sizeof p->record.previous_hash);
    enum client_error error = make_resume_token(p, resume_token);
    service_save_participant(service, p);
    return error;
}

enum client_error admission_take_over(struct service *service, struct instant at,
                                      const struct admission *admission, enum participant_kind kind,
                                      char *resume_token, struct participant **out)
{
    *out = admission->again;
    if (*out != NULL)
        return start_anew(service, at, *out, resume_token);
    if (!admission->invite.personal)
        return CLIENT_OK;
    for (struct participant *p = admission->classroom->first, *next; p != NULL; p = next) {
        next = p->next;
        if (strcmp(p->record.invite_id, admission->invite.id) != 0)
            continue;
        if (*out == NULL && kind == PARTICIPANT_PAGE && p->record.kind == PARTICIPANT_PAGE)
            *out = p;
        else /* a program has no page to come back to */
            service_remove_participant(service, at, p, LEAVE_LEFT, GOODBYE_TAKEN_OVER);
    }
    if (*out == NULL)
        return CLIENT_OK;
    if (store_count_invite_use(service->store, admission->invite.id) != STATUS_OK)
        service->counters.store_errors++;
    return start_anew(service, at, *out, resume_token);
}

/* --- Joining */

enum client_error admission_clean_name(const struct admission *admission, const char *typed,
                                       char *out)
{
    char wanted[NAME_BYTES] = "";
    if (admission->invite.name[0] != '\0')
        typed = admission->invite.name;
    if (typed != NULL && text_rules_clean(typed, LIMIT_NAME_CODE_POINTS, wanted,
                                          LIMIT_NAME_CODE_POINTS * 4 + 1) != STATUS_OK)
        return CLIENT_BAD_MESSAGE;
    snprintf(out, NAME_BYTES, "%s", wanted[0] != '\0' ? wanted : NAME_OF_NOBODY);
    return CLIENT_OK;
}

enum client_error admission_ask_door(struct service *service, const struct admission *admission,
                                     const char *name, bool *waits, bool *held)
{
    const struct store_class *record = &admission->classroom->record;
    struct store_hold hold;
    door_write_key(&admission->invite, record->room, name, &hold);
    enum status found = store_find_hold(service->store, &hold);
    if (found != STATUS_OK && found != STATUS_NOT_FOUND)
        return CLIENT_INTERNAL;
    struct door_caller caller = {.role = admission->invite.role,
                                 .named = admission->invite.name[0] != '\0',
                                 .held = found == STATUS_OK && !hold.banned,
                                 .banned = found == STATUS_OK && hold.banned};
    enum door_answer answer = door_decide(record, caller);
    *held = caller.held;
    *waits = answer == DOOR_WAIT;
    if (answer == DOOR_BANNED)
        return CLIENT_BANNED;
    return answer == DOOR_LOCKED ? CLIENT_CLASS_LOCKED : CLIENT_OK;
}

static enum client_error choose_name(const struct admission *admission, const char *typed,
                                     char *out)
{
    char wanted[NAME_BYTES];
    enum client_error error = admission_clean_name(admission, typed, wanted);
    if (error == CLIENT_OK)
        classroom_choose_name(admission->classroom, wanted, out);
    return error;
}

static enum client_error fill_record(struct instant at, const struct admission *admission,
                                     enum participant_kind kind, const char *typed_name,
                                     struct store_participant *record)
{
    *record = (struct store_participant){.room = admission->classroom->record.room,
                                         .role = admission->invite.role,
                                         .kind = kind,
                                         .joined_ms = instant_ms(at)};
    memcpy(record->invite_id, admission->invite.id, sizeof record->invite_id);
    if (kind != PARTICIPANT_PAGE && (secret_id_make(record->http_session) != STATUS_OK ||
                                     secret_id_make(record->etag) != STATUS_OK))
        return CLIENT_INTERNAL;
    return choose_name(admission, typed_name, record->name);
}

/* While the disk refuses, nobody new comes in: what was acknowledged could not be kept. */
static bool is_store_back(struct service *service)
{
    if (!service->store_failed)
        return true;
    service->store_failed = store_commit(service->store) != STATUS_OK;
    return !service->store_failed;
}

static enum client_error record_join(struct service *service, struct instant at,
                                     const struct admission *admission, struct participant *p)
{
    struct classroom *classroom = admission->classroom;
    if (store_add_participant(service->store, &p->record) != STATUS_OK ||
        store_count_invite_use(service->store, admission->invite.id) != STATUS_OK ||
        !is_store_back(service)) {
        service->counters.store_errors++;
        return CLIENT_INTERNAL;
    }
    if (classroom->record.started_ms == 0) {
        classroom->record.started_ms = instant_ms(at);
        classroom->unsaved = true;
        service_save_classroom(service, classroom);
        event_log_class_started(service, classroom);
    }
    return CLIENT_OK;
}

static bool is_full(const struct service *service, const struct classroom *classroom,
                    enum role role)
{
    size_t staff = classroom_size(classroom) - classroom->count[ROLE_LEARNER];
    return classroom_size(classroom) >= service->config.participants_per_class_max ||
           service->registry.people.used >= LIMIT_PARTICIPANTS ||
           (role != ROLE_LEARNER && staff >= LIMIT_STAFF_PER_CLASS);
}

enum client_error admission_join(struct service *service, struct instant at,
                                 const struct admission *admission, enum participant_kind kind,
                                 const char *typed_name, char *resume_token,
                                 struct participant **out)
{
    struct classroom *classroom = admission->classroom;
    if (is_full(service, classroom, admission->invite.role))
        return CLIENT_CLASS_FULL;
    struct participant *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CLIENT_INTERNAL;
    enum client_error error = fill_record(at, admission, kind, typed_name, &p->record);
    if (error == CLIENT_OK)
        error = record_join(service, at, admission, p);
    if (error == CLIENT_OK && kind == PARTICIPANT_PAGE)
        error = make_resume_token(p, resume_token);
    if (error == CLIENT_OK &&
        (classroom_registry_enter(&service->registry, p) != STATUS_OK ||
         classroom_add(classroom, p, service->config.participants_per_class_max, false) !=
             STATUS_OK)) {
        classroom_registry_leave(&service->registry, p);
        error = CLIENT_INTERNAL;
    }
    if (error != CLIENT_OK) {
        free(p);
        return error;
    }
    p->timer.owner = p;
    p->here = true;
    p->gone_at = USEC_NEVER;
    p->unsaved = true;
    service_save_participant(service, p);
    service->counters.joins++;
    log_inspector(service, p, "inspector_joined");
    *out = p;
    return CLIENT_OK;
}
