/* A second socket on the port of a first one, to which the kernel gives what demux_is_report
 * names: a thousand learners' reports then wake nobody, and are read when the thread is awake. */
#pragma once

#include "host/udp_socket.h"

/* `media` is bound, and in nobody else's group of sockets. STATUS_SYSTEM where the kernel cannot
 * do it: then everything comes to `media` as before. */
MUST_CHECK enum status report_socket_open(struct udp_socket *out, const struct udp_socket *media,
                                          const struct log *log);
