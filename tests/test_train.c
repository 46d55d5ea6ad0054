/* Training on the tiny ensemble: losses fall, and a run that was killed ends as if it had not been: 20 iterations are
 * 10, kill -9 and resume; and 30 kills at random moments, a third of them during the write of a checkpoint. Everything
 * that runs the engine is a child process: it can be killed, and the parent stays free of threads. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/rng.h"
#include "train/mapper/schedule.h"
#include "train/mapper/trainer.h"
#include "support/tiny.h"

enum { KILLS = 30, CHECKPOINT_EVERY = 2, LONG_RUN = 40, REFUSED = 7, INTERRUPTED = 8 };

static const char *dir; /* NULL: models are missing, tests of training are skipped */

static idem_recipe tiny_recipe(int64_t iterations) {
    idem_recipe r;
    idem_recipe_defaults(&r);
    r.iterations = iterations;
    r.batch = 2;
    r.rate = 1e-3;
    r.truncation = 0.9;
    r.ema = 0.9;
    r.log_every = 3; /* not a divisor of the checkpoints': sums must survive a kill */
    r.eval_every = 16;
    r.eval_pairs = 3;
    r.checkpoint_every = CHECKPOINT_EVERY;
    r.seed = 11;
    return r;
}

/* ---- children ---- */

static volatile sig_atomic_t stop_flag;

typedef struct {
    int fd, go;      /* where iterations are reported, where each is answered */
    int64_t stop_at; /* as Ctrl-C would, behind this iteration; 0: never */
} child;

static void tell_parent(void *user, const idem_train_report *r) {
    const child *c = user;
    int64_t iteration = r->iteration;
    if (c->stop_at == iteration)
        stop_flag = 1;
    char answer;
    if (write(c->fd, &iteration, sizeof iteration) != sizeof iteration || read(c->go, &answer, 1) < 0)
        _exit(9);
}

static int train_in_child(const char *run, const idem_recipe *recipe, bool resume, child *c) {
    char path[4096];
    snprintf(path, sizeof path, "%s/generator.safetensors", dir);
    idem_model *m = idem_model_open(path);
    snprintf(path, sizeof path, "%s/mapper.safetensors", dir);
    if (!m || idem_model_load_mapper(m, path) || idem_model_load_frozen(m, NULL)) {
        fprintf(stderr, "%s\n", idem_error());
        return 1;
    }
    const idem_trainer_setup setup = {.run = {run, .resume = resume, .threads = 2, .stop = &stop_flag, .user = c},
                                      .on_step = tell_parent};
    idem_trainer *t = idem_trainer_new(m, recipe, &setup);
    int code = !t ? REFUSED : 0;
    if (t && idem_trainer_run(t))
        code = strncmp(idem_error(), "interrupted: checkpoint at iteration ", 37) ? 1 : INTERRUPTED;
    if (code)
        fprintf(stderr, "%s\n", idem_error());
    idem_trainer_free(t);
    idem_model_free(m);
    return code;
}

/* The child never runs further than one iteration ahead of us, however seldom a busy machine lets us run. */
typedef struct {
    pid_t pid;
    int fd, go;
    bool waits; /* for our answer */
} running;

typedef struct {
    int64_t stop_at;
    rlim_t file_size; /* a write beyond it ends the child; 0: no limit */
} ending;

static running start(const char *run, const idem_recipe *recipe, bool resume, ending how) {
    int report[2], go[2];
    assert_int_equal(pipe(report) | pipe(go), 0);
    fflush(NULL);
    running r = {fork(), report[0], go[1], false};
    assert_true(r.pid >= 0);
    if (r.pid == 0) {
        close(report[0]);
        close(go[1]);
        if (how.file_size && (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) ||
                              setrlimit(RLIMIT_FSIZE, &(struct rlimit){how.file_size, how.file_size})))
            _exit(9);
        _exit(train_in_child(run, recipe, resume, &(child){report[1], go[0], how.stop_at}));
    }
    close(report[1]);
    close(go[0]);
    return r;
}

/* Lets the child go on; it may have ended. */
static void go_on(running *r) {
    if (r->waits && write(r->go, "", 1) == 1)
        r->waits = false;
}

/* The next iteration the child completed; 0 when it has ended. */
static int64_t next_iteration(running *r) {
    int64_t iteration;
    go_on(r);
    if (read(r->fd, &iteration, sizeof iteration) != sizeof iteration)
        return 0;
    r->waits = true;
    return iteration;
}

/* Exit code, or -signal. */
static int finish(running *r) {
    int status;
    while (next_iteration(r))
        ;
    close(r->fd);
    close(r->go);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run_whole(const char *run, const idem_recipe *recipe, bool resume) {
    running r = start(run, recipe, resume, (ending){0});
    return finish(&r);
}

/* ---- comparing ---- */

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

static void assert_same_file(const char *run_a, const char *run_b, const char *name) {
    char path[4096];
    unsigned char *a, *b;
    size_t n_a, n_b;
    snprintf(path, sizeof path, "%s/%s", run_a, name);
    assert_int_equal(idem_file_read(path, 1 << 28, &a, &n_a), 0);
    snprintf(path, sizeof path, "%s/%s", run_b, name);
    assert_int_equal(idem_file_read(path, 1 << 28, &b, &n_b), 0);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    free(a);
    free(b);
}

/* Weights, moments of all three optimisers, counters and sums are in the checkpoint. */
static void assert_same_run(const char *a, const char *b, int64_t iterations) {
    char name[64];
    snprintf(name, sizeof name, "checkpoint-%010" PRId64 ".safetensors", iterations);
    assert_same_file(a, b, name);
    assert_same_file(a, b, "metrics.jsonl");
    assert_same_file(a, b, "mapper.safetensors");
}

static bool skipped(void) {
    if (!dir)
        skip();
    return !dir;
}

/* ---- tests ---- */

static void schedule_follows_the_recipe(void **state) {
    (void)state;
    idem_recipe r;
    idem_recipe_defaults(&r);
    for (int64_t it = 0; it < 12; it++) {
        idem_turn turn = idem_schedule_turn(&r, it);
        assert_int_equal(turn.cross, it == 0 || it == 3 || it == 6 || it == 9);
        assert_int_equal(turn.adversarial, it == 0 || it == 2 || it == 4 || it == 6 || it == 8 || it == 10);
        assert_true(idem_schedule_rate(&r, it) == 1);
    }
    r.adversarial_halved = true;
    assert_true(idem_schedule_turn(&r, 1).adversarial);
    r.warmup = 4;
    r.decay = 0.5;
    r.iterations = 100;
    assert_true(idem_schedule_rate(&r, 0) == 0.25);
    assert_true(idem_schedule_rate(&r, 50) == 1);
    assert_true(fabs(idem_schedule_rate(&r, 75) - 0.5) < 1e-12);
    assert_true(idem_schedule_rate(&r, 100) < 1e-12);
}

static void recipe_survives_its_text(void **state) {
    (void)state;
    idem_recipe r, back;
    idem_recipe_defaults(&r);
    assert_true(r.rate == 5e-5 && r.rate_adversarial == 0.1 && r.rate_critic == 0.4 && r.batch == 6 &&
                r.weight_id == 1 && r.weight_landmark == 0.001 && r.weight_reconstruction == 0.02 && r.gamma == 10);
    r.rate = 1.0 / 3;
    r.seed = UINT64_MAX;
    r.mean_bias = true;
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_recipe_store(&r, w), 0);
    assert_int_equal(idem_recipe_load(&back, w), 0);
    assert_memory_equal(&r, &back, sizeof r);
    assert_int_equal(idem_recipe_check_resume(&r, &back), 0);
    back.iterations++;
    assert_int_equal(idem_recipe_check_resume(&r, &back), 0);
    r.decay = back.decay = 0.3; /* the rate now depends on the number of iterations */
    assert_int_equal(idem_recipe_check_resume(&r, &back), -1);
    back = r;
    back.gamma = 11;
    assert_int_equal(idem_recipe_check_resume(&r, &back), -1);
    assert_non_null(strstr(idem_error(), "gamma"));
    assert_int_equal(idem_field_set(idem_fields_find(&idem_recipe_fields, "batch"), &r, "1"), -1);
    assert_int_equal(idem_field_set(idem_fields_find(&idem_recipe_fields, "batch"), &r, "3.5"), -1);
    assert_int_equal(idem_field_set(idem_fields_find(&idem_recipe_fields, "seed"), &r, "-1"), -1);
    idem_weights_free(w);
}

/* Mean of "loss" over lines first .. last of metrics.jsonl that have kind train. */
static double mean_loss(const char *run, int first, int last) {
    char path[4096], line[4096];
    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    double sum = 0;
    int n = 0, count = 0;
    while (fgets(line, sizeof line, f)) {
        json_t *root = json_loads(line, 0, NULL);
        assert_non_null(root);
        if (!strcmp(json_string_value(json_object_get(root, "kind")), "train")) {
            if (n >= first && n <= last) {
                sum += json_number_value(json_object_get(root, "loss"));
                count++;
            }
            n++;
        }
        json_decref(root);
    }
    fclose(f);
    assert_int_equal(count, last - first + 1);
    return sum / count;
}

static void losses_fall(void **state) {
    (void)state;
    if (skipped())
        return;
    idem_recipe recipe = tiny_recipe(LONG_RUN);
    assert_int_equal(run_whole(in_dir("whole"), &recipe, false), 0);
    double before = mean_loss(in_dir("whole"), 0, 3),
           after = mean_loss(in_dir("whole"), LONG_RUN / 3 - 4, LONG_RUN / 3 - 1);
    printf("loss %.4f at the start, %.4f behind %d iterations\n", before, after, LONG_RUN);
    assert_true(after < 0.9 * before);
    /* A folder that holds a run is not written over. */
    assert_int_equal(run_whole(in_dir("whole"), &recipe, false), REFUSED);
    recipe.batch = 3;
    assert_int_equal(run_whole(in_dir("whole"), &recipe, true), REFUSED);
}

static void ten_kill_and_resume_are_twenty(void **state) {
    (void)state;
    if (skipped())
        return;
    idem_recipe recipe = tiny_recipe(20);
    assert_int_equal(run_whole(in_dir("twenty"), &recipe, false), 0);
    running r = start(in_dir("killed"), &recipe, false, (ending){0});
    for (int64_t iteration = 0; iteration < 11;) {
        iteration = next_iteration(&r);
        assert_true(iteration > 0);
    }
    kill(r.pid, SIGKILL);
    assert_int_equal(finish(&r), -SIGKILL);
    assert_int_equal(run_whole(in_dir("killed"), &recipe, true), 0);
    assert_same_run(in_dir("twenty"), in_dir("killed"), 20);
}

static void interrupt_and_resume_are_twenty(void **state) {
    (void)state;
    if (skipped())
        return;
    idem_recipe recipe = tiny_recipe(20);
    running r = start(in_dir("interrupted"), &recipe, false, (ending){.stop_at = 7});
    assert_int_equal(finish(&r), INTERRUPTED);
    assert_int_equal(run_whole(in_dir("interrupted"), &recipe, true), 0);
    assert_same_run(in_dir("twenty"), in_dir("interrupted"), 20);
}

/* Bytes of a checkpoint of the run. */
static uint64_t checkpoint_size(const char *run) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/checkpoint-%010d.safetensors", run, LONG_RUN);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void thirty_kills_change_nothing(void **state) {
    (void)state;
    if (skipped())
        return;
    idem_recipe recipe = tiny_recipe(LONG_RUN);
    const char *run = strdup(in_dir("thirty"));
    uint64_t size = checkpoint_size(in_dir("whole"));
    idem_rng rng = idem_rng_make(3, "kills");
    for (int k = 0; k < KILLS; k++) {
        bool in_write = k % 3 == 0; /* somewhere in the last three quarters of its bytes: no other file is so large */
        running r =
            start(run, &recipe, true,
                  (ending){.file_size = in_write ? (rlim_t)(size / 4 + idem_rng_below(&rng, size * 3 / 4)) : 0});
        int64_t iteration = next_iteration(&r);
        if (!iteration)
            printf("kill %d: limit %d, size %d, end %d\n", k, (int)in_write, (int)size, finish(&r));
        assert_true(iteration > 0); /* it came up again, and did something */
        if (in_write) {
            assert_int_equal(finish(&r), -SIGXFSZ);
            continue;
        }
        for (uint64_t more = idem_rng_below(&rng, 3); more && iteration < LONG_RUN - 2; more--)
            iteration = next_iteration(&r);
        if (iteration < LONG_RUN - 2)
            go_on(&r);
        usleep((useconds_t)idem_rng_below(&rng, 30000));
        kill(r.pid, SIGKILL);
        assert_int_equal(finish(&r), -SIGKILL);
    }
    assert_int_equal(run_whole(run, &recipe, true), 0);
    assert_same_run(in_dir("whole"), run, LONG_RUN);
    free((char *)run);
}

static int set_up(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* a child that is dead needs no answer */
    return tiny_make(&dir);
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule_follows_the_recipe),
        cmocka_unit_test(recipe_survives_its_text),
        cmocka_unit_test(losses_fall),
        cmocka_unit_test(ten_kill_and_resume_are_twenty),
        cmocka_unit_test(interrupt_and_resume_are_twenty),
        cmocka_unit_test(thirty_kills_change_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
