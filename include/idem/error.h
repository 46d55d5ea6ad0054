/* Errors and versions (part of idem.h). */
#ifndef IDEM_ERROR_H
#define IDEM_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IDEM_API __attribute__((visibility("default")))
#else
#define IDEM_API
#endif

#define IDEM_VERSION_MAJOR 0
#define IDEM_VERSION_MINOR 1
#define IDEM_VERSION_PATCH 0

/* "0.1.0" of the library in use. */
IDEM_API const char *idem_version(void);

/* This thread's last message; "" when nothing has failed. Valid until the next failure on this thread. */
IDEM_API const char *idem_last_error(void);

/* What kind of failure that was: whether another input may succeed, or what else has to change first. A loop over
 * files goes on after IDEM_ERROR_INPUT and stops at any other. */
enum {
    IDEM_ERROR_NONE,
    IDEM_ERROR_INPUT,       /* a file, an option or an argument is wrong */
    IDEM_ERROR_MISSING,     /* what every input needs is not there: a network, a folder of models */
    IDEM_ERROR_MEMORY,      /* memory is short */
    IDEM_ERROR_INTERRUPTED, /* somebody asked to stop */
    IDEM_ERROR_INTERNAL     /* idem or the machine: an output cannot be written, numbers are not finite */
};
/* Of this thread's last message. */
IDEM_API int idem_error_kind(void);

#ifdef __cplusplus
}
#endif

#endif
