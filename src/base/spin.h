/* How long threads that wait for others spin. */
#ifndef IDEM_BASE_SPIN_H
#define IDEM_BASE_SPIN_H

/* Threads that wait for others spin, by default for milliseconds. While another program holds a core, they spin there
 * in turns with those they wait for, and a training iteration becomes a hundred times slower. libgomp reads the count
 * when it is loaded: the program starts itself once more with a short one, or goes on as it is where it cannot, or
 * where GOMP_SPINCOUNT or OMP_WAIT_POLICY is set. First thing in main; docs/lab-book.md has the figures. */
void idem_spin_briefly(char **argv);

#endif
