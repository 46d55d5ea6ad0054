/* Training a generator by several ranks: 1 x 16, 2 x 8 and 4 x 4 agree, the same ranks give the same bytes, a
 * checkpoint goes on with another number of them; what differs between ranks, or cannot be shared, is named; a rank
 * that is killed and an interruption. With all that an iteration can have: path lengths, R1, augmentation, mixed
 * styles, noise. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/rng.h"
#include "base/status.h"
#include "media/image.h"
#include "support/mpi.h"
#include "support/program.h"
#include "support/run_compare.h"

enum { PICTURES = 80, SIDE = 16 };

static bool has_mpi;

#define DIR program_folder
#define RUN(...) program_run(DIR, __VA_ARGS__)
#define RANKS "-np %d $IDEM "
#define TRAIN                                                                                                          \
    "train-generator -q --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --features 0 "   \
    "--batch 16 --augment 0.3 --augment-pictures 500 --checkpoint-every 100 --log-every 1 --sample-every 1000000 "     \
    "--distance-every 0 --r1-every 4 --ema 100 --threads 1 --seed 5 -d $DIR/data "

#define PATHS "--path-length 2 --path-every 3 "

static const char *const losses[] = {"d_loss", "g_loss", "r1", "sign", "path_length", "heads_loss", NULL};

static void need(void) {
    if (!has_mpi)
        skip();
}

static void need_model(const char *name) {
    char path[4096];
    if (!idem_models_find(path, sizeof path, NULL, name))
        return;
    print_message("skip: %s\n", idem_error());
    skip();
}

/* The optimisers' moments of the first iteration, the weights being still: of R1 and path lengths, which are the last
 * steps of each network, and without these of the steps before. */
static void gradients_of_the_first_iteration_agree(void **state) {
    (void)state;
    need();
    static const char *const parts[] = {PATHS, "--gamma 0 "};
    static const char *const moments[] = {"adam_d.", "adam_g."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        program_expect(RUN("rm -rf $DIR/g?; $IDEM " TRAIN "%s--rate 0 --pictures 16 -o $DIR/g1", parts[i]), 0);
        for (int ranks = 2; ranks <= 4; ranks += 2) {
            char run[8];
            snprintf(run, sizeof run, "g%d", ranks);
            program_expect(RUN(MPIRUN RANKS TRAIN "%s--rate 0 --pictures 16 -o $DIR/%s", ranks, parts[i], run), 0);
            run_expect_losses(DIR, "g1", run, 1, losses, 4, 1e-5);
            run_expect_near(DIR, "g1", run, moments, sizeof moments / sizeof *moments, 1, 1e-5);
        }
    }
}

/* As on hosts with disks of their own: the same pictures with other times and inodes, and rank 0's cache. */
static void copies_of_the_data_are_the_same(void **state) {
    (void)state;
    need();
    program_expect(RUN("cp -r $DIR/data $DIR/copy; " EACH("2") "[ $rank = 0 ] && d=data || d=copy; exec $IDEM " TRAIN
                                                               "--pictures 32 -d $DIR/$d -o $DIR/copied'"),
                   0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "--pictures 32 -o $DIR/same"), 0);
    program_expect(
        RUN("cd $DIR && cmp copied/checkpoint-0000000002.safetensors same/checkpoint-0000000002.safetensors && "
            "cmp copied/pictures.cache same/pictures.cache && ls -A copied | grep -c part"),
        1);
    assert_string_equal(program_output, "0\n");
}

static void ten_iterations_agree(void **state) {
    (void)state;
    need();
    program_expect(RUN("$IDEM " TRAIN PATHS "--pictures 160 -o $DIR/t1"), 0);
    for (int ranks = 2; ranks <= 4; ranks += 2) {
        char run[8];
        snprintf(run, sizeof run, "t%d", ranks);
        program_expect(RUN(MPIRUN RANKS TRAIN PATHS "--pictures 160 -o $DIR/%s", ranks, run), 0);
        run_expect_losses(DIR, "t1", run, 10, losses, 4, 1e-3);
        assert_true(run_distance(DIR, "t1", run, "g.", 10) <= 1e-3);
        assert_true(run_distance(DIR, "t1", run, "d.", 10) <= 1e-3);
        assert_true(run_distance(DIR, "t1", run, "g_ema.", 10) <= 1e-3);
    }
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN PATHS "--pictures 160 -o $DIR/again"), 0);
    program_expect(RUN("cd $DIR && for f in checkpoint-0000000010.safetensors generator.safetensors metrics.jsonl "
                       "samples/grid-0000000160.png; do cmp t2/$f again/$f || exit 3; done"),
                   0);
}

/* Heads see a part of the batch, of which each rank has its share. */
static void heads_agree(void **state) {
    (void)state;
    need();
    need_model("fr_pose.onnx");
    static const char *const parts[] = {"", "--features-batch 8 "};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        program_expect(RUN("rm -rf $DIR/h?; $IDEM " TRAIN "%s--features 0.5 --gamma 0 --rate 0 "
                           "--pictures 16 -o $DIR/h1",
                           parts[i]),
                       0);
        program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "%s--features 0.5 --gamma 0 --rate 0 "
                                  "--pictures 16 -o $DIR/h2",
                           parts[i]),
                       0);
        run_expect_losses(DIR, "h1", "h2", 1, losses, 5, 1e-5);
        assert_true(run_distance(DIR, "h1", "h2", "adam_d.", 1) <= 1e-4);
        assert_true(run_distance(DIR, "h1", "h2", "adam_g.", 1) <= 1e-4);
    }
    assert_int_not_equal(RUN(MPIRUN "-np 2 $IDEM " TRAIN "--features 0.5 --features-batch 6 -o $DIR/h3"), 0);
    assert_true(program_says("--features-batch is 6: 2 ranks share multiples of 4, a quarter of the batch"));
}

/* Of the same weights; more codes than one rank takes at a time. Kept features are read again. */
static void distances_are_those_of_one_process(void **state) {
    (void)state;
    need();
    need_model("mobilenet_v2.shard1.min.js");
#define MEASURE TRAIN "--distance-every 16 --distance-pictures 79 --rate 0 "
    program_expect(RUN("$IDEM " MEASURE "--pictures 16 -o $DIR/d1"), 0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " MEASURE "--pictures 16 -o $DIR/d2"), 0);
    program_expect(
        RUN("cd $DIR && for d in d1 d2; do grep '\"distance\"' $d/metrics.jsonl > $d.line || exit 3; done; cmp "
            "d1.line d2.line && cmp d1/pictures.features d2/pictures.features"),
        0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " MEASURE "--pictures 32 --resume -o $DIR/d2"), 0);
    program_expect(RUN("test $(grep -c '\"frechet_mobilenetv2\": [0-9]' $DIR/d2/metrics.jsonl) = 2"), 0);
}

/* One rank gets the signal, all stop behind the same iteration; resumed by as many ranks bit for bit, by one too. */
static void an_interruption_is_a_checkpoint(void **state) {
    (void)state;
    need();
#define LONG TRAIN PATHS "--pictures 800 --sample-every 400 "
    program_expect(RUN(MPIRUN "-np 2 $IDEM " LONG "-o $DIR/whole"), 0);
    const int code = RUN(EACH("2") "echo $$ > $DIR/pid.$rank; exec $IDEM " LONG
                                   "-o $DIR/stopped' & p=$!; for i in $(seq 900); do grep -q '\"train\"' "
                                   "$DIR/stopped/metrics.jsonl 2>/dev/null && break; sleep 0.05; done; kill -TERM "
                                   "$(cat $DIR/pid.1); wait $p");
    assert_true(code != 0);
    assert_true(program_says("interrupted: checkpoint at iteration "));
    program_expect(RUN("! ls $DIR/stopped/checkpoint-0000000050.safetensors && cp -r $DIR/stopped $DIR/other"), 0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " LONG "-o $DIR/stopped --resume"), 0);
    program_expect(RUN("cd $DIR && for f in checkpoint-0000000050.safetensors generator.safetensors metrics.jsonl "
                       "samples/strip-0000000800.png; do cmp whole/$f stopped/$f || exit 3; done"),
                   0);
    program_expect(RUN("$IDEM " LONG "-o $DIR/other --resume"), 0);
    assert_true(run_distance(DIR, "whole", "other", "g.", 50) < 0.1);
    program_expect(RUN("grep -q '\"change\".*\"ranks\": 1' $DIR/other/metrics.jsonl"), 0);
}

static void what_differs_is_named(void **state) {
    (void)state;
    need();
    program_expect(RUN("cp -r $DIR/data $DIR/fewer && rm $DIR/fewer/7.png && cp -r $DIR/data $DIR/more && cp "
                       "$DIR/data/../extra.png $DIR/more"),
                   0);
#define SHORT TRAIN "--pictures 16 -o $DIR/differs "
    assert_int_not_equal(RUN(EACH("2") "[ $rank = 0 ] && d=data || d=fewer; exec $IDEM " SHORT "-d $DIR/$d'"), 0);
    assert_true(program_says("the data (its digest) differs: ") || program_says("training pictures"));
    assert_int_not_equal(RUN(EACH("2") "[ $rank = 0 ] && d=data || d=more; exec $IDEM " SHORT "-d $DIR/$d'"), 0);
    assert_true(program_says("more/extra.png: is not among the pictures of "));
    assert_int_not_equal(RUN(EACH("2") "exec $IDEM " SHORT "--rate 0.00$((rank + 1))'"), 0);
    assert_true(program_says("the settings (their digest) differs: "));
    assert_int_not_equal(RUN(EACH("2") "exec $IDEM " SHORT "--seed $rank'"), 0);
    assert_true(program_says("the settings (their digest) differs: "));
    assert_int_not_equal(RUN(MPIRUN "-np 4 $IDEM " SHORT "--batch 24"), 0);
    assert_true(program_says("--batch is 24: 4 ranks share multiples of 16, as the discriminator compares groups of 4 "
                             "pictures"));
    assert_int_not_equal(RUN(MPIRUN "-np 2 $IDEM " SHORT "--rebuild 1"), 0);
    assert_true(program_says("--rebuild is 1, but 2 ranks cannot share pictures whose codes are known: start one "
                             "process"));
    assert_int_not_equal(RUN("ls $DIR/differs/generator*"), 0); /* nobody has started */
}

static void a_killed_rank_ends_all(void **state) {
    (void)state;
    need();
    const int code = RUN(
        EACH("2") "echo $$ > $DIR/pid.$rank; exec $IDEM " TRAIN
                  "--checkpoint-every 1 --pictures 100000000 -o $DIR/killed' & p=$!; for i in $(seq 900); do grep -q "
                  "'\"train\"' $DIR/killed/metrics.jsonl 2>/dev/null && break; sleep 0.1; done; kill -KILL $(cat "
                  "$DIR/pid.1); start=$(date +%%s); wait $p; code=$?; [ $(($(date +%%s) - start)) -lt 60 ] || exit "
                  "77; exit $code");
    assert_true(code != 0 && code != 77);
    program_expect(
        RUN("last=$(ls $DIR/killed | sed -n 's/checkpoint-0*\\([0-9][0-9]*\\)[.].*/\\1/p' | tail -1); $IDEM " TRAIN
            "--checkpoint-every 1 --resume --pictures $((16 * last + 16)) -o $DIR/killed"),
        0);
}

/* Patches of colour, each picture others. */
static int make_picture(const char *name, uint64_t seed) {
    char path[256];
    idem_image im;
    idem_rng rng = idem_rng_make(seed, "picture");
    if (idem_image_new(&im, SIDE, SIDE))
        return -1;
    uint8_t patch[4][4][3];
    for (int i = 0; i < (int)sizeof patch; i++)
        (&patch[0][0][0])[i] = (uint8_t)idem_rng_below(&rng, 256);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        im.rgb[i] = patch[i / 3 / SIDE / 4][i / 3 % SIDE / 4][i % 3];
    snprintf(path, sizeof path, "%s/%s", DIR, name);
    const int status = idem_image_save_png(&im, path, NULL);
    idem_image_free(&im);
    return status;
}

static int set_up(void **state) {
    if (program_enter(state) || RUN("mkdir $DIR/data") || make_picture("extra.png", 1000))
        return -1;
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        snprintf(name, sizeof name, "data/%d.png", i);
        if (make_picture(name, (uint64_t)i))
            return -1;
    }
    has_mpi = mpi_is_there(DIR);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_the_first_iteration_agree),
        cmocka_unit_test(copies_of_the_data_are_the_same),
        cmocka_unit_test(ten_iterations_agree),
        cmocka_unit_test(heads_agree),
        cmocka_unit_test(distances_are_those_of_one_process),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(an_interruption_is_a_checkpoint),
        cmocka_unit_test(a_killed_rank_ends_all),
    };
    return cmocka_run_group_tests(tests, set_up, program_leave);
}
