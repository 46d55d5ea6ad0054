/* Limits the spinning of waiting threads. */
#ifndef IDEM_CLI_SPIN_H
#define IDEM_CLI_SPIN_H

/* Waiting threads spin, by default for milliseconds. If another program uses a core, spinning threads share the
 * remaining cores with those they wait for, and a training iteration becomes a hundred times slower. libgomp reads the
 * spin count when it is loaded: so the program executes itself again with a short one, unless that fails or
 * GOMP_SPINCOUNT or OMP_WAIT_POLICY is set. Call it first in main; docs/lab-book.md has the figures. */
void idem_spin_briefly(char **argv);

#endif
