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

/* The last message of this thread; "" if nothing has failed. Valid until the next failure on this thread. */
IDEM_API const char *idem_last_error(void);

/* Kinds of failure: whether another input may succeed, or what has to change first. A loop over files continues after
 * IDEM_ERROR_INPUT and stops at any other kind. */
enum {
    IDEM_ERROR_NONE,
    IDEM_ERROR_INPUT,       /* a file, an option or an argument is wrong */
    IDEM_ERROR_MISSING,     /* something that every input needs is missing: a network, a folder of models */
    IDEM_ERROR_MEMORY,      /* out of memory */
    IDEM_ERROR_INTERRUPTED, /* cancelled */
    IDEM_ERROR_INTERNAL     /* idem or the machine: an output cannot be written, numbers are not finite */
};
/* The kind of this thread's last message. */
IDEM_API int idem_error_kind(void);

/* Sets this thread's message (1,000 bytes at most, cut with "...") and its kind, IDEM_ERROR_...: for failures that a
 * program detects and reports like the library's. Always -1. */
IDEM_API int idem_set_error(int kind, const char *message);

#ifdef __cplusplus
}
#endif

#endif
