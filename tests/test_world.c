/* Ranks: what they add and agree on, with 1 to 4 processes under mpirun; one that dies or does not answer; the doctor.
 * The program starts itself again as the ranks: test_world rank CASE. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/status.h"
#include "idem.h"
#include "train/world.h"
#include "support/mpi.h"
#include "support/program.h"

static bool has_mpi;

#define RUN(...) program_run(program_folder, __VA_ARGS__)

static void need_mpi(void) {
    if (!has_mpi)
        skip();
}

/* ---- in a rank: 0 is well ---- */

static int report(const char *what) {
    fprintf(stderr, "%s: %s\n", what, idem_error());
    return 1;
}

static float number(int rank, size_t i) {
    idem_rng r = idem_rng_make((uint64_t)rank, "test");
    r.counter = i;
    return (float)(idem_rng_uniform(&r) - 0.5) * 1e3f;
}

/* Everybody knows everybody's numbers, and what they are in the order of ranks. */
static int check_sums(const idem_world *w) {
    static const size_t counts[] = {1, 3, 1000, 100003};
    const int ranks = idem_world_size(w), rank = idem_world_rank(w);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const size_t n = counts[k];
        float *x = malloc(n * sizeof *x);
        double *y = malloc(n * sizeof *y);
        if (!x || !y)
            return 1;
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] = number(rank, i);
        if (idem_world_sum(w, x, n) || idem_world_sum_doubles(w, y, n))
            return report("sum");
        for (size_t i = 0; i < n; i++) {
            float want = number(0, i);
            double wanted = number(0, i);
            for (int r = 1; r < ranks; r++) {
                want += number(r, i);
                wanted += number(r, i);
            }
            if (memcmp(&want, &x[i], sizeof want) || memcmp(&wanted, &y[i], sizeof wanted)) {
                fprintf(stderr, "number %zu of %zu is %.9g, expected %.9g\n", i, n, (double)x[i], (double)want);
                return 1;
            }
        }
        free(x);
        free(y);
    }
    return 0;
}

/* Numbers in several places, few and many together. */
static int check_means(const idem_world *w) {
    enum { PIECES = 5 };
    static const size_t counts[][PIECES] = {{3, 1, 0, 7, 2}, {1, 70001, 3, 0, 50002}};
    const int ranks = idem_world_size(w), rank = idem_world_rank(w);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        idem_world_piece piece[PIECES];
        for (size_t p = 0; p < PIECES; p++) {
            float *x = malloc((counts[k][p] + 1) * sizeof *x);
            if (!x)
                return 1;
            for (size_t i = 0; i < counts[k][p]; i++)
                x[i] = number(rank, 100000 * p + i);
            piece[p] = (idem_world_piece){x, counts[k][p]};
        }
        if (idem_world_mean(w, piece, PIECES))
            return report("mean");
        for (size_t p = 0; p < PIECES; p++) {
            const float *x = piece[p].x;
            for (size_t i = 0; i < counts[k][p]; i++) {
                float want = number(0, 100000 * p + i);
                for (int r = 1; r < ranks; r++)
                    want += number(r, 100000 * p + i);
                want = ranks > 1 ? want * (float)(1.0 / ranks) : want;
                if (memcmp(&want, &x[i], sizeof want)) {
                    fprintf(stderr, "number %zu of piece %zu is %.9g, expected %.9g\n", i, p, (double)x[i],
                            (double)want);
                    return 1;
                }
            }
            free(piece[p].x);
        }
    }
    return 0;
}

static int check_agreement(const idem_world *w) {
    const int ranks = idem_world_size(w), rank = idem_world_rank(w);
    int all[8], least;
    if (ranks > 8 || idem_world_gather(w, &rank, sizeof rank, all))
        return report("gather");
    for (int r = 0; r < ranks; r++)
        if (all[r] != r)
            return report("gather by rank");
    if (idem_world_least(w, 7 - rank, &least) || least != 8 - ranks)
        return report("least");
    if (idem_world_same(w, "the version", "1.0"))
        return report("same");
    const char *mine = rank == 1 ? "other" : "one";
    const int status = idem_world_same(w, "the list of pictures", mine);
    if (ranks > 1 ? !status || !strstr(idem_error(), "the list of pictures differs: \"one\" on rank 0") ||
                        !strstr(idem_error(), "\"other\" on rank 1")
                  : status)
        return report("a difference");
    return 0;
}

static int check_all(const idem_world *w) {
    return check_sums(w) || check_means(w) || check_agreement(w);
}

/* The last rank is killed while the others add. */
static int die(const idem_world *w) {
    float x[100] = {0};
    for (int i = 0;; i++) {
        if (i == 10 && idem_world_rank(w) == idem_world_size(w) - 1)
            raise(SIGKILL);
        if (idem_world_sum(w, x, 100))
            return report("sum");
    }
}

/* Rank 1 does not answer. */
static int keep_silent(const idem_world *w) {
    float x[100] = {0};
    idem_world_set_patience(2);
    if (idem_world_rank(w) == 1)
        sleep(50);
    return idem_world_sum(w, x, 100) ? report("sum") : 0;
}

static int be_rank(const char *name) {
    static const struct {
        const char *name;
        int (*run)(const idem_world *w);
    } cases[] = {{"all", check_all}, {"die", die}, {"silent", keep_silent}};
    const idem_world *w = idem_world_join(false);
    if (!w)
        return report("join");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(name, cases[i].name)) {
            const int status = cases[i].run(w);
            if (status)
                idem_world_end_all(status);
            idem_world_leave();
            return status;
        }
    return 1;
}

/* ---- from outside ---- */

static void one_process_is_a_world(void **state) {
    (void)state;
    unsetenv("PMI_RANK");
    const idem_world *w = idem_world_join(false);
    assert_non_null(w);
    assert_true(idem_world_rank(w) == 0 && idem_world_size(w) == 1 && *idem_world_host(w, 0));
    assert_string_equal(idem_world_library(w), "");
    assert_int_equal(check_all(w), 0);
    idem_world_end_all(1); /* there is nobody */
    idem_world_leave();
}

static void the_public_header_says_the_same(void **state) {
    (void)state;
    double seconds;
    idem_ranks r = {0};
    assert_int_equal(idem_ranks_measure(1, &seconds), -1);
    assert_non_null(strstr(idem_last_error(), "idem_ranks_join first"));
    assert_int_equal(idem_ranks_join(0, NULL), -1);
    assert_int_equal(idem_ranks_join(0, &r), -1);
    assert_non_null(strstr(idem_last_error(), "struct_size is 0"));
    r.struct_size = sizeof r;
    assert_int_equal(idem_ranks_join(0, &r), 0);
    assert_true(r.rank == 0 && r.size == 1 && !*r.library);
    assert_non_null(idem_ranks_host(0));
    assert_null(idem_ranks_host(1));
    assert_int_equal(idem_ranks_measure(1000, &seconds), 0);
    assert_true(seconds >= 0);
    assert_int_equal(idem_ranks_measure(0, &seconds), -1);
    assert_int_equal(idem_ranks_measure(1, NULL), -1);
    int mine = 7, all = 0;
    assert_int_equal(idem_ranks_gather(&mine, sizeof mine, &all), 0);
    assert_int_equal(all, 7);
    assert_int_equal(idem_ranks_gather(NULL, sizeof mine, &all), -1);
    assert_int_equal(idem_ranks_same("the list of files", "a b"), 0);
    assert_int_equal(idem_ranks_same("the list of files", NULL), -1);
    idem_ranks_leave(0);
    assert_null(idem_ranks_host(0));
    assert_int_equal(idem_ranks_gather(&mine, sizeof mine, &all), -1);
    assert_int_equal(idem_ranks_same("the list of files", "a b"), -1);
    assert_non_null(strstr(idem_last_error(), "idem_ranks_join first"));
}

static void sums_are_in_the_order_of_ranks(void **state) {
    (void)state;
    need_mpi();
    for (int ranks = 1; ranks <= 4; ranks++)
        program_expect(RUN(MPIRUN "-np %d ${IDEM%%/*}/tests/test_world rank all", ranks), 0);
}

static void a_rank_that_dies_ends_all(void **state) {
    (void)state;
    need_mpi();
    const int code = RUN(MPIRUN "-np 3 timeout -s KILL 100 ${IDEM%%/*}/tests/test_world rank die");
    assert_true(code != 0 && code != 124);
}

static void a_silent_rank_is_named(void **state) {
    (void)state;
    need_mpi();
    const int code = RUN("start=$(date +%%s); " MPIRUN "-np 2 ${IDEM%%/*}/tests/test_world rank silent; code=$?; "
                         "[ $(($(date +%%s) - start)) -lt 40 ] || exit 77; exit $code");
    assert_true(code != 0 && code != 77);
    assert_true(program_says("rank 1 on "));
    assert_true(program_says("is lost: no answer within 2 seconds"));
}

static void the_doctor_measures(void **state) {
    (void)state;
    program_expect(RUN("$IDEM doctor --help | grep -q -e --mpi"), 0);
    need_mpi();
    /* A launcher may have words of its own, on the other stream. */
    program_expect(RUN(MPIRUN "-np 2 $IDEM doctor --mpi 2>$DIR/notes || { cat $DIR/notes; exit 1; }"), 0);
    assert_true(program_says("ranks      2, ") && program_says(" x 2\nsums "));
    assert_int_equal(program_lines(), 5); /* of rank 0 alone */
    program_expect(RUN(MPIRUN "-np 2 $IDEM doctor --mpi --json | jq -e '.mpi.ranks == 2 and (.mpi.hosts | length) == 2 "
                              "and (.mpi.sums | length) == 4 and all(.mpi.sums[]; .seconds > 0)'"),
                   0);
}

/* As of hosts far from each other: one exchange takes this long at least. */
static void messages_can_be_delayed(void **state) {
    (void)state;
    need_mpi();
    program_expect(RUN("export IDEM_TEST_DELAY=20; " MPIRUN
                       "-np 2 $IDEM doctor --mpi --json | jq -e '.mpi.sums[0].seconds "
                       ">= 0.02'"),
                   0);
}

static void without_the_plug_in_it_says_what_to_install(void **state) {
    (void)state;
    program_expect(RUN("mkdir -p $DIR/bin && cp $IDEM $DIR/bin/idem && PMI_RANK=0 $DIR/bin/idem doctor --mpi"), 1);
    assert_true(
        program_says("idem: the processes of this launcher cannot communicate: idem's plug-in for MPI, idem-mpi.so, is "
                     "missing: install Debian's libopenmpi-dev and build idem again"));
}

static int set_up(void **state) {
    if (program_enter(state))
        return -1;
    has_mpi = mpi_is_there(program_folder);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "rank"))
        return be_rank(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_is_a_world),         cmocka_unit_test(the_public_header_says_the_same),
        cmocka_unit_test(sums_are_in_the_order_of_ranks), cmocka_unit_test(a_rank_that_dies_ends_all),
        cmocka_unit_test(a_silent_rank_is_named),         cmocka_unit_test(the_doctor_measures),
        cmocka_unit_test(messages_can_be_delayed),        cmocka_unit_test(without_the_plug_in_it_says_what_to_install),
    };
    return cmocka_run_group_tests(tests, set_up, program_leave);
}
