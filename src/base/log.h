/* The library's log: lines go to a sink set by the program; without a sink they are dropped. */
#ifndef IDEM_BASE_LOG_H
#define IDEM_BASE_LOG_H

#include <stdbool.h>

#include "base/status.h"

typedef enum { IDEM_LOG_NOTE, IDEM_LOG_WARNING } idem_log_level;
typedef void idem_log_sink(void *user, idem_log_level level, const char *line);

void idem_log_set_sink(idem_log_sink *sink, void *user);
/* Drops lines until it is called with false, for work that other processes do too; returns the previous state. */
bool idem_log_mute(bool muted);
void idem_log(idem_log_level level, const char *format, ...) IDEM_PRINTF(2, 3);

#endif
