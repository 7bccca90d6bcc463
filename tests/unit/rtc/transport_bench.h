/* A transport and its peer on a virtual clock, for the tests of transports. */
#pragma once

#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "rtc/transport.h"
#include "support/ice_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PLAIN_BYTES 100

/* One transport, and a peer made of the engines themselves. */
struct bench {
    usec_t now;
    struct dtls_context *ours, *theirs;
    struct transport *t;
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct ice_peer ice;
    enum dtls_role role;
    uint16_t seq;
    struct bytes_mut plain;
    uint8_t memory[2000];
    size_t datagrams_out;
    struct net_addr last_to;
    int last_answer;
};

static const struct log silent = {0};

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct net_addr address(uint8_t last);
void set_now(struct bench *b, usec_t now);
int init_library(void **state);
int free_library(void **state);
int tear_down(void **state);
struct transport_params make_params(struct bench *b, enum dtls_role role);
void open_transport(struct bench *b, const struct transport_params *params);
int set_up_role(struct bench *b, enum dtls_role role);
int set_up(void **state);
enum transport_input give(struct bench *b, uint8_t from, struct bytes data);
/* Hands the peer what the transport sends. */
void drain(struct bench *b);
enum transport_input check(struct bench *b, uint8_t from);
void shake_hands(struct bench *b, uint8_t from);
size_t seal_rtp(struct bench *b, uint8_t *out);
enum transport_input send_rtp(struct bench *b, uint8_t from);
uint8_t remote(const struct bench *b);
void expect_state(struct bench *b, enum transport_state expected, const char *reason);
void run_timers_until(struct bench *b, usec_t until);
