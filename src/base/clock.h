/* Time for rates and progress. */
#ifndef IDEM_BASE_CLOCK_H
#define IDEM_BASE_CLOCK_H

/* Seconds since some fixed moment; never goes back. */
double idem_clock(void);

#endif
