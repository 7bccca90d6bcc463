/* The control thread's loop: the director between the control link and the shards' rings. It
 * carries orders to shards, measures the machine, and tells systemd that all threads turn. */
#pragma once

#include "relay/core/director.h"
#include "relay/shell/control_link.h"
#include "relay/shell/shard.h"

struct control_loop_config {
    struct director *director;
    struct control_link *control;
    struct shard_links *links;
    struct shard *const *shards;
    uint32_t shard_count;
    int signal_fd; /* host/signals.h */
    struct log log;
};

/* All borrowed. Returns STATUS_OK on SIGTERM or SIGINT, STATUS_SYSTEM when it cannot go on. */
MUST_CHECK enum status control_loop_run(const struct control_loop_config *config);
