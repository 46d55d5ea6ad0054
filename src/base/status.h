/* Errors. A function that can fail returns 0, or -1 (or NULL) after leaving one message for the calling thread:
 * what went wrong, what was found, what was expected, what to do. Callers pass the failure on and add nothing.
 *
 *     if (rank != 4)
 *         return idem_fail("%s: rank is %d, expected 4", name, rank);
 */
#ifndef IDEM_BASE_STATUS_H
#define IDEM_BASE_STATUS_H

#if defined(__GNUC__)
#define IDEM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define IDEM_PRINTF(fmt, args)
#endif

/* Sets this thread's message (1,000 bytes at most, cut with "..."); always returns -1. */
int idem_fail(const char *format, ...) IDEM_PRINTF(1, 2);

/* The same where a pointer is returned: always NULL. */
void *idem_fail_null(const char *format, ...) IDEM_PRINTF(1, 2);

/* This thread's last message; "" when there was none. Valid until the next failure on this thread. */
const char *idem_error(void);

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
#define idem_fail_null(...) idem_fail_is_null((idem_fail_null)(__VA_ARGS__))

#endif
