/* How many threads work on what the calling thread asks for. OpenMP may give a loop fewer than it wants: inside the
 * caller's own parallel loops, with OMP_THREAD_LIMIT, with OMP_DYNAMIC. Loops of ours take any team; the kernel library
 * divides its work by the number that a kernel was made for and leaves the rest undone. So plans are made and run for
 * the threads that there really are, and results are those of that number. */
#ifndef IDEM_ENGINE_THREADS_H
#define IDEM_ENGINE_THREADS_H

enum { IDEM_THREADS_MOST = 4096 }; /* accepted from outside: the system's own limit may be lower */

/* Threads that a parallel loop gets here (>= 1): those asked for, or as many of them as OpenMP gives. Loops of our own
 * use it in `num_threads`. */
int idem_threads(void);
/* What the calling thread asks for from now on; 0, and at first: OMP_NUM_THREADS, or all cores this
 * process may run on. */
void idem_threads_set(int n);

/* What the calling thread had before idem_team_enter: its threads, and OpenMP's settings for it. */
typedef struct {
    int asked, openmp, dynamic;
} idem_team;

/* Until idem_team_leave the calling thread asks for `threads` (as idem_threads_set does), and every parallel loop, the
 * library's included, gets idem_threads() of them. Nests. */
idem_team idem_team_enter(int threads);
void idem_team_leave(const idem_team *before);

#endif
