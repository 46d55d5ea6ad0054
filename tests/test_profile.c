/* Where the time goes: sums over plans, and --profile of every command that runs networks. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "engine/profile.h"
#include "support/photographs.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests of commands are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    return RUN("cd $DIR && mkdir who && cd '%s/samples' && cp identities/[1234].png $DIR/who && cp identities/[12].png "
               "attributes/a.png $DIR",
               IDEM_SOURCE_DIR);
}

/* ---- sums ---- */

/* A product named NAME.matmul of n x n matrices and its square, run some times and freed. */
static void run(const char *name, int n, int times) {
    idem_graph *g = idem_graph_new();
    idem_scope_push(g, name);
    idem_node *a = idem_input(g, "a", IDEM_SHAPE(n, n)), *b = idem_input(g, "b", IDEM_SHAPE(n, n));
    idem_node *c = idem_square(idem_matmul(a, b, false, false));
    idem_plan *p = idem_plan_new(&c, 1, &(idem_plan_options){.threads = 1});
    assert_non_null(p);
    for (int i = 0; i < times; i++)
        assert_int_equal(idem_plan_run(p), 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

static const idem_profile_sum *find(const idem_profile_sum *sums, int n, const char *name, const char *op) {
    const idem_profile_sum *found = NULL;
    for (int i = 0; i < n; i++)
        if (!strcmp(sums[i].op, op) && (!name || !strcmp(sums[i].name, name))) {
            assert_null(found); /* one row for each */
            found = &sums[i];
        }
    assert_non_null(found);
    return found;
}

static void expect_sorted(const idem_profile_sum *sums, int n) {
    for (int i = 1; i < n; i++)
        assert_true(sums[i].seconds <= sums[i - 1].seconds);
}

static void plans_add_up(void **state) {
    (void)state;
    run("net", 16, 1); /* before the beginning: does not count */
    idem_profile_start();
    run("net", 16, 2);
    run("net", 8, 3);
    run("other", 16, 1);
    run("idle", 16, 0);
    int n;
    idem_profile_sum *sums = idem_profile_sums(IDEM_PROFILE_BY_NODE, &n);
    assert_non_null(sums);
    assert_int_equal(n, 4);
    expect_sorted(sums, n);
    const idem_profile_sum *product = find(sums, n, "net.matmul", "matmul");
    assert_int_equal(product->runs, 5);
    assert_int_equal(product->nodes, 1);
    assert_true(product->seconds > 0);
    assert_float_equal(product->flops, 2 * (2 * 16 * 16 * 16) + 3 * (2 * 8 * 8 * 8), 0);
    assert_float_equal(product->bytes, 4 * 3 * (2 * 16 * 16 + 3 * 8 * 8), 0);
    assert_int_equal(find(sums, n, "other.matmul", "matmul")->runs, 1);
    idem_profile_sum *ops = idem_profile_sums(IDEM_PROFILE_BY_OPERATOR, &n);
    assert_int_equal(n, 2);
    expect_sorted(ops, n);
    const idem_profile_sum *matmul = find(ops, n, NULL, "matmul");
    assert_int_equal(matmul->nodes, 2);
    assert_int_equal(matmul->runs, 6);
    assert_float_equal(matmul->flops, product->flops + 2 * 16 * 16 * 16, 0);
    assert_float_equal(matmul->seconds, product->seconds + find(sums, 4, "other.matmul", "matmul")->seconds, 1e-12);
    free(ops);
    free(sums);
    const idem_profile_total total = idem_profile_totals();
    assert_int_equal(total.plans, 3);
    assert_int_equal(total.runs, 6);
    assert_true(total.seconds > 0);
    idem_profile_stop();
    run("net", 16, 1);
    assert_int_equal(idem_profile_totals().plans, 0);
    sums = idem_profile_sums(IDEM_PROFILE_BY_NODE, &n);
    assert_int_equal(n, 0);
    free(sums);
}

enum { THREADS = 4, PLANS = 25 };

static void *run_many(void *name) {
    for (int i = 0; i < PLANS; i++)
        run(i % 2 ? "shared" : name, 4, 2);
    return NULL;
}

static void threads_free_plans_at_the_same_time(void **state) {
    (void)state;
    static char names[THREADS][8] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    idem_profile_start();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int n;
    idem_profile_sum *sums = idem_profile_sums(IDEM_PROFILE_BY_NODE, &n);
    assert_int_equal(n, 2 * (THREADS + 1));
    assert_int_equal(find(sums, n, "shared.matmul", "matmul")->runs, 2 * THREADS * (PLANS / 2));
    assert_int_equal(find(sums, n, "d.matmul", "matmul")->runs, 2 * (PLANS - PLANS / 2));
    assert_int_equal(idem_profile_totals().plans, THREADS * PLANS);
    free(sums);
    idem_profile_stop();
}

/* A run that is interrupted did only some of its steps. */
static void what_did_not_run_does_not_count(void **state) {
    (void)state;
    idem_profile_start();
    idem_graph *g = idem_graph_new();
    volatile sig_atomic_t stop = 0;
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2)), *y = idem_square(x);
    idem_plan *p = idem_plan_new(&y, 1, &(idem_plan_options){.stop = &stop});
    assert_int_equal(idem_plan_run(p), 0);
    stop = 1;
    assert_int_equal(idem_plan_run(p), -1);
    idem_plan_free(p);
    idem_graph_free(g);
    int n;
    idem_profile_sum *sums = idem_profile_sums(IDEM_PROFILE_BY_NODE, &n);
    assert_int_equal(n, 1);
    assert_int_equal(sums[0].runs, 1);
    free(sums);
    idem_profile_stop();
}

/* ---- commands ---- */

/* Reads the rows behind a table's head up to the first line that is none: slowest first, the last may be the rest.
 * How many; *rated: with GFLOP/s above 0. */
static int read_table(const char *head, int *rated) {
    const char *line = strstr(program_output, head);
    double last = INFINITY;
    int rows = 0;
    *rated = 0;
    for (line = line ? strchr(line, '\n') : NULL; line; line = strchr(line + 1, '\n')) {
        double ms, share, rate;
        long long runs;
        if (sscanf(line, "%lf %lf %lld", &ms, &share, &runs) != 3)
            break;
        const char *end = strchr(line + 1, '\n'), *more = strstr(line, " more nodes (");
        if (more && more < end)
            break; /* the rest */
        if (ms > last || runs < 1)
            print_message("out of order:\n%s\n", program_output);
        assert_true(ms <= last && share >= 0 && share <= 100 && runs >= 1);
        last = ms;
        rows++;
        *rated += sscanf(line, "%*f %*f %*d %lf", &rate) == 1 && rate > 0;
    }
    return rows;
}

/* The last run printed a profile of just so many nodes, some with GFLOP/s, and the operators. */
static void expect_profile(int nodes) {
    int rated;
    assert_true(program_says("profile: "));
    assert_int_equal(read_table("GB/s  node", &rated), nodes);
    assert_true(rated > 0);
    assert_true(read_table("GB/s  operator", &rated) > 1);
    assert_true(rated > 0);
}

static void every_command_with_threads_has_it(void **state) {
    (void)state;
    assert_int_equal(program_run("/tmp", "for c in $($IDEM --help | sed -n 's/^  \\([a-z-]*\\) .*/\\1/p'); do $IDEM $c "
                                         "--help 2>&1 | grep -q -e --threads || continue; echo $c; $IDEM $c --help | "
                                         "grep -q -e '--profile\\[=ROWS\\]' || exit 1; done"),
                     0);
    assert_true(program_lines() >= 12 && program_says("train-generator"));
    assert_int_equal(program_run("/tmp", "$IDEM sample -g x -o y --profile=-1"), 2);
    assert_true(program_says("--profile: \"-1\" is not a number from 0 to"));
}

static void commands_print_it_at_the_end(void **state) {
    (void)state;
    tiny_need(dir);
#define MODEL "-g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 "
    static const struct {
        const char *command;
        int nodes;
    } rows[] = {
        {"sample -g $DIR/generator.safetensors -n 3 -b 2 -o $DIR/s --profile", 25},
        {"compose " MODEL "-i $DIR/1.png -a $DIR/a.png -o $DIR/c.png --profile=7", 7},
        {"encode " MODEL "--input aligned $DIR/1.png -o $DIR/codes --profile=4", 4},
        {"interpolate " MODEL "-i $DIR/1.png $DIR/2.png -a $DIR/a.png -n 3 -o $DIR/i.png --profile=4", 4},
        {"evaluate " MODEL "--pairs 2 --batch 2 --profile=4", 4},
        {"train " MODEL "--batch 2 --eval-pairs 2 --iterations 2 -o $DIR/run --profile=40", 40},
        {"train " MODEL "--batch 2 --dry-run --profile=4", 4},
        {"train-generator -d $DIR/who --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 "
         "--features 0 --batch 2 --pictures 8 --threads 1 -o $DIR/gan --profile=40",
         40},
        {"distance $DIR/gan/generator.safetensors $DIR/who -n 4 --profile=20", 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        program_expect(RUN("$IDEM %s", rows[i].command), 0);
        expect_profile(rows[i].nodes);
    }
}

static void photographs_too(void **state) {
    (void)state;
    tiny_need(dir);
    photograph_need_models();
    photograph_save(dir, "p.png", "identities/1.png", 300);
    photograph_save(dir, "q.png", "identities/1.png", 220);
    program_expect(RUN("IDEM_MODELS='%s' $IDEM align -q $DIR/p.png -o $DIR/cut --profile=3", photograph_models()), 0);
    expect_profile(3);
    program_expect(RUN("IDEM_MODELS='%s' $IDEM verify -q $DIR/p.png $DIR/q.png --profile=3", photograph_models()), 0);
    expect_profile(3);
}

/* The document alone is on standard output; 0 lists all nodes; nothing is said of wrong usage, or without the option.
 */
static void standard_output_is_as_it_was(void **state) {
    (void)state;
    tiny_need(dir);
#define SAMPLE "$IDEM sample -g $DIR/generator.safetensors -n 2 -o $DIR/s2 "
    program_expect(RUN(SAMPLE "--json --quiet --profile=0 2> $DIR/profile | head -1 && cat $DIR/profile"), 0);
    assert_int_equal(strncmp(program_output, "{\nprofile: ", 11), 0);
    int rated;
    assert_true(read_table("GB/s  node", &rated) > 30);
    program_expect(RUN("! grep 'more nodes' $DIR/profile"), 0);
    program_expect(RUN("$IDEM compose " MODEL "--profile=3 -i $DIR/1.png $DIR/a.png -o $DIR/c.png"), 2);
    assert_null(strstr(program_output, "profile:"));
    program_expect(RUN(SAMPLE "--quiet"), 0);
    assert_string_equal(program_output, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_add_up),
        cmocka_unit_test(threads_free_plans_at_the_same_time),
        cmocka_unit_test(what_did_not_run_does_not_count),
        cmocka_unit_test(every_command_with_threads_has_it),
        cmocka_unit_test(commands_print_it_at_the_end),
        cmocka_unit_test(photographs_too),
        cmocka_unit_test(standard_output_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
