/* Who may send, hear and do what, written down a second time, and what is known of a random
 * sequence that is held against it. A program includes everything_rules.c. */
#pragma once

#include "base/rng.h"
#include "unit/signaling/harness.h"

#define PEOPLE 9

#define TEACHING "|trainer|co_trainer|"
#define STAFF "|trainer|co_trainer|assistant|"
#define SEE_ALL "|trainer|co_trainer|assistant|inspector|operator|"

struct actor {
    char *token;
    const char *role;
    uint64_t connection; /* 0: none */
    uint64_t id;         /* 0: not in class, as far as it was told */
    char resume[96];
    bool waits;
    uint64_t aside;  /* with whom it speaks in private, as it was told */
    bool shown;      /* the newest poll's results are for all */
    bool known[512]; /* participants with the floor, as it was told */
};

struct play {
    struct harness *h;
    struct rng rng;
    struct actor actors[PEOPLE];
    uint64_t seed;
    unsigned open[512];  /* by participant: as the relay was told */
    uint64_t aside[512]; /* who speaks with whom in private, as the relay was told */
    size_t followed;     /* outputs looked at */
    size_t asides;       /* begun */
    uint64_t poll;       /* the newest that anybody was told of */
};

/* Whether its role is in `list`. */
bool has(const struct actor *a, const char *list);
bool is_in_class(const struct actor *a);
/* Looks at the outputs since the last call: fails when somebody hears what it may not. */
void follow(struct play *play);
/* The same, and that nobody sends, or speaks in private, without the right to. */
void check(struct play *play);
/* Of the class: its record, or what stands behind `rest`. The caller's. */
json_t *ask_api(struct play *play, const char *rest);
/* Ends the test, with the seed. */
void fail_at(const struct play *play, const char *what, const char *text);
