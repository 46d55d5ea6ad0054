/* The thread count of the calling thread's work. OpenMP may give a loop fewer threads than requested: inside the
 * caller's parallel loops, with OMP_THREAD_LIMIT, with OMP_DYNAMIC. Our loops work with any team; oneDNN divides its
 * work by the number that a kernel was made for, and a smaller team leaves a part undone. So plans are made and run for
 * the actual thread count, and results are those of that number. */
#ifndef IDEM_ENGINE_THREADS_H
#define IDEM_ENGINE_THREADS_H

enum { IDEM_THREADS_MOST = 4096 }; /* limit for callers; the system's limit may be lower */

/* Threads that a parallel loop gets here (>= 1): the requested number, or fewer if OpenMP gives fewer. Our loops use it
 * in `num_threads`. */
int idem_threads(void);
/* Sets the calling thread's requested number; 0, the initial value: OMP_NUM_THREADS, or all cores this process may use.
 */
void idem_threads_set(int n);

/* The calling thread's state before idem_team_enter: its requested number, and OpenMP's settings. */
typedef struct {
    int asked, openmp, dynamic;
} idem_team;

/* Until idem_team_leave the calling thread requests `threads` (as idem_threads_set does), and every parallel loop,
 * including oneDNN's, gets idem_threads() threads. May be nested. */
idem_team idem_team_enter(int threads);
void idem_team_leave(const idem_team *before);

#endif
