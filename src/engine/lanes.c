/* Runs parts of a batch in parallel, each on one thread; a team for every step would wait for its slowest thread. A
 * lane is one thread's work in a band, part by part. */
#include <omp.h>
#include <stdlib.h>

#include "engine/plan_private.h"

/* The step after the band that step t begins. */
static int band_end(const idem_plan *p, int t) {
    int end = t;
    while (end < p->n_steps && p->steps[end].lane && p->steps[end].band == p->steps[t].band)
        end++;
    return end;
}

/* The next step after step t, or after the band that step t begins. */
static int next_band(int t, int end) {
    return end > t ? end : t + 1;
}

static bool lane_begins(const idem_plan *p, int first, int t) {
    return t == first || p->steps[t].lane != p->steps[t - 1].lane;
}

/* Whether the producers of step t's inputs are in its lane or before the band; every lane is contiguous. */
static bool independent(const idem_plan *p, const int *maker, int first, int end) {
    int latest = 0;
    for (int t = first; t < end; t++) {
        const idem_step *s = &p->steps[t];
        if (lane_begins(p, first, t) && s->lane <= latest)
            return false;
        latest = s->lane;
        for (int k = 0; k < s->n_from; k++) {
            int made = maker[p->places[s->from[k]->id].root->id];
            if (made >= first && p->steps[made].lane != s->lane)
                return false;
        }
    }
    return true;
}

void idem_lanes_find(idem_plan *p) {
    int *maker = malloc((size_t)p->n_places * sizeof *maker), threads = idem_threads();
    for (int id = 0; maker && id < p->n_places; id++)
        maker[id] = -1; /* a leaf */
    for (int t = 0; maker && t < p->n_steps; t++)
        maker[idem_step_result(&p->steps[t])->id] = t;
    for (int t = 0, end; t < p->n_steps; t = next_band(t, end)) {
        end = band_end(p, t);
        int lanes = 0;
        for (int i = t; i < end; i++)
            lanes += lane_begins(p, t, i);
        /* Uneven shares leave threads idle: 5 lanes on 4 threads take as long as 8. A trap checks every value when it
         * is computed. */
        bool even = lanes >= threads && (lanes % threads == 0 || lanes >= 4 * threads);
        bool apart = threads > 1 && even && !p->options.trap_nan && maker && independent(p, maker, t, end);
        for (int i = t, lane = 0, before = 0; i < end; i++) {
            lane += p->steps[i].lane != before;
            before = p->steps[i].lane;
            p->steps[i].band = apart ? p->steps[i].band : 0;
            p->steps[i].lane = apart ? (lane - 1) % threads + 1 : 0; /* all lanes of a thread become one */
        }
    }
    free(maker);
}

/* ---- memory ---- */

/* Span i's step; spans of scratch follow those of values. */
static const idem_step *span_step(const idem_plan *p, int i) {
    return &p->steps[i % p->n_steps];
}

/* A span that outlives its lane is kept for all bands that it touches. inner[i]: span i does not outlive its lane. */
static void widen(idem_plan *p, const int *from, const int *to, bool *inner) {
    for (int i = 0; i < p->n_spans; i++) {
        idem_span *s = &p->spans[i];
        const int lane = span_step(p, i)->lane, last = s->last < p->n_steps ? s->last : p->n_steps - 1;
        inner[i] = lane && s->last < p->n_steps && p->steps[last].lane == lane && to[last] == to[s->first];
        if (inner[i])
            continue;
        s->first = lane ? from[s->first] : s->first;
        s->last = s->last < p->n_steps && p->steps[last].lane ? to[last] : s->last;
    }
}

/* The inner spans of a lane of the band of steps [first, end), from 0 on, and their total bytes. list: capacity for all
 * spans. */
static int lay_lane(idem_plan *p, const bool *inner, int first, int end, int lane, idem_span *list, size_t *bytes) {
    int n = 0;
    for (int pass = 0; pass < 2; pass++) {
        int at = 0;
        for (int half = 0; half < 2; half++)
            for (int t = first; t < end; t++) {
                idem_span *s = &p->spans[half * p->n_steps + t];
                if (p->steps[t].lane != lane || !inner[half * p->n_steps + t])
                    continue;
                if (pass)
                    s->offset = list[at++].offset;
                else
                    list[n++] = *s;
            }
        if (!pass && idem_layout(list, n, bytes))
            return -1;
    }
    return 0;
}

int idem_lanes_layout(idem_plan *p) {
    const size_t n = (size_t)p->n_steps;
    int *from = idem_arena_array(p->arena, n, sizeof *from), *to = idem_arena_array(p->arena, n, sizeof *to);
    int *owner = idem_arena_array(p->arena, n, sizeof *owner); /* by step: its lane's index in `all` */
    bool *inner = idem_arena_array(p->arena, 2 * n, sizeof *inner);
    idem_span *list = idem_arena_array(p->arena, 2 * n, sizeof *list); /* a lane's */
    idem_span *all = idem_arena_array(p->arena, 3 * n, sizeof *all);   /* spans outside lanes, then one span per lane */
    if (!from || !to || !owner || !inner || !list || !all)
        return -1;
    for (int t = 0, end; t < p->n_steps; t = next_band(t, end)) {
        end = band_end(p, t);
        for (int i = t; i < end; i++) {
            from[i] = t;
            to[i] = end - 1;
        }
    }
    widen(p, from, to, inner);
    int count = 0;
    for (int i = 0; i < p->n_spans; i++)
        if (!inner[i])
            all[count++] = p->spans[i];
    for (int t = 0, end; t < p->n_steps; t = next_band(t, end)) {
        end = band_end(p, t);
        int lanes = 0;
        for (int i = t; i < end; i++) {
            lanes = p->steps[i].lane > lanes ? p->steps[i].lane : lanes;
            owner[i] = count + p->steps[i].lane - 1;
        }
        for (int lane = 1; lane <= lanes; lane++) {
            all[count] = (idem_span){.first = t, .last = end - 1};
            if (lay_lane(p, inner, t, end, lane, list, &all[count++].bytes))
                return -1;
        }
    }
    if (idem_layout(all, count, &p->bytes))
        return -1;
    count = 0;
    for (int i = 0; i < p->n_spans; i++) {
        if (inner[i])
            p->spans[i].offset += all[owner[i % p->n_steps]].offset;
        else
            p->spans[i] = all[count++];
    }
    return 0;
}

/* ---- running ---- */

int idem_lanes_run(idem_plan *p, int t, void run(idem_plan *, idem_step *)) {
    const int end = band_end(p, t), threads = idem_threads();
    const volatile sig_atomic_t *stop = p->options.stop;
#pragma omp parallel num_threads(threads)
    {
        const int me = omp_get_thread_num(), team = omp_get_num_threads();
        const idem_team before = idem_team_enter(1);
        for (int i = t; i < end && !(stop && *stop); i++)
            if ((p->steps[i].lane - 1) % team == me)
                run(p, &p->steps[i]);
        idem_team_leave(&before);
    }
    return end;
}
