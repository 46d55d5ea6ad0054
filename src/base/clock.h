/* Time for rates and progress. */
#ifndef IDEM_BASE_CLOCK_H
#define IDEM_BASE_CLOCK_H

/* Seconds since a fixed moment; monotonic. */
double idem_clock(void);

#endif
