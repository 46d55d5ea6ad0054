/* Errors. A function that can fail returns 0, or -1 (or NULL) after leaving one message and its kind for the calling
 * thread: what went wrong, what was found, what was expected, what to do. Callers only pass the failure on.
 *
 *     if (rank != 4)
 *         return idem_fail("%s: rank is %d, expected 4", name, rank);
 *     if (!buffer)
 *         return idem_fail_as(IDEM_MEMORY, "out of memory for %s", name);
 *
 * A loop over files continues after IDEM_INPUT and stops at any other kind. */
#ifndef IDEM_BASE_STATUS_H
#define IDEM_BASE_STATUS_H

#if defined(__GNUC__)
#define IDEM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define IDEM_PUBLIC __attribute__((visibility("default")))
#else
#define IDEM_PRINTF(fmt, args)
#define IDEM_PUBLIC
#endif

typedef enum {
    IDEM_NO_ERROR,
    IDEM_INPUT,       /* a file, an option or a call is wrong; another one may succeed */
    IDEM_MISSING,     /* something that every input needs is missing: a network, a folder of models */
    IDEM_MEMORY,      /* memory is short */
    IDEM_INTERRUPTED, /* cancelled */
    IDEM_INTERNAL,    /* idem or the machine: an output that cannot be written, numbers that are not finite */
} idem_kind;

/* Sets this thread's message (1,000 bytes at most, cut with "...") and the kind IDEM_INPUT; always returns -1. */
int idem_fail(const char *format, ...) IDEM_PRINTF(1, 2);

/* The same with another kind. */
int idem_fail_as(idem_kind kind, const char *format, ...) IDEM_PRINTF(2, 3);

/* Replaces the message of the current failure and keeps its kind; idem_error() may be among the arguments. */
int idem_fail_more(const char *format, ...) IDEM_PRINTF(1, 2);

/* The same for functions that return a pointer: always NULL. */
void *idem_fail_null(const char *format, ...) IDEM_PRINTF(1, 2);
void *idem_fail_null_as(idem_kind kind, const char *format, ...) IDEM_PRINTF(2, 3);
void *idem_fail_null_more(const char *format, ...) IDEM_PRINTF(1, 2);

/* For a failed system call: IDEM_MEMORY for ENOMEM, else `otherwise`. */
idem_kind idem_errno_kind(int error, idem_kind otherwise);

/* This thread's last message; "" if there was none. Valid until the next failure on this thread. */
const char *idem_error(void);

/* Its kind, an idem_kind; IDEM_NO_ERROR if there was none. Also in idem.h. */
int idem_error_kind(void) IDEM_PUBLIC;

void idem_error_clear(void);

/* Lets the compiler see that a failure is always -1 or NULL, so that it does not warn of values that only success sets.
 */
static inline int idem_fail_is(int status) {
    (void)status;
    return -1;
}
static inline void *idem_fail_is_null(void *p) {
    (void)p;
    return (void *)0;
}
#define idem_fail(...) idem_fail_is((idem_fail)(__VA_ARGS__))
#define idem_fail_as(...) idem_fail_is((idem_fail_as)(__VA_ARGS__))
#define idem_fail_more(...) idem_fail_is((idem_fail_more)(__VA_ARGS__))
#define idem_fail_null(...) idem_fail_is_null((idem_fail_null)(__VA_ARGS__))
#define idem_fail_null_as(...) idem_fail_is_null((idem_fail_null_as)(__VA_ARGS__))
#define idem_fail_null_more(...) idem_fail_is_null((idem_fail_null_more)(__VA_ARGS__))

#endif
