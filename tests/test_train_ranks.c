/* Training a mapper by several ranks: 1 x 4, 2 x 2 and 4 x 1 agree, the same ranks give the same bytes, a checkpoint
 * goes on with another number of them; what differs between ranks is named; a rank that is killed and an interruption.
 * On the tiny ensemble, whose encoder has the statistics of the whole batch. */
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

#include "support/mpi.h"
#include "support/photographs.h"
#include "support/program.h"
#include "support/run_compare.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing */
static bool has_mpi;

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN                                                                                                          \
    "train -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 4 --rate 1e-4 --seed 7 "    \
    "--eval-pairs 2 --eval-every 100 --log-every 1 --checkpoint-every 100 --ema 0.9 "

static void need(void) {
    tiny_need(dir);
    if (!has_mpi)
        skip();
}

static void expect_losses(const char *a, const char *b, int iteration, double tolerance) {
    static const char *const names[] = {"loss", "l_id", "l_landmark", "l_rec", "l_adversarial", "l_critic", "r1", NULL};
    run_expect_losses(dir, a, b, iteration, names, 3, tolerance);
}

/* After one step Adam's first moments are a tenth of the gradients. Another batch is rounded otherwise, and where that
 * turns the sign of one ReLU the gradient moves by 5e-5: the seed is one where none turns. */
static void gradients_of_the_first_iteration_agree(void **state) {
    (void)state;
    need();
    program_expect(RUN("$IDEM " TRAIN "-d $DIR/data --iterations 1 -o $DIR/g1"), 0);
    static const char *const moments[] = {"adam.", "adam_adversarial.", "adam_critic."};
    for (int ranks = 2; ranks <= 4; ranks += 2) {
        char run[8];
        snprintf(run, sizeof run, "g%d", ranks);
        program_expect(RUN(MPIRUN "-np %d $IDEM " TRAIN "-d $DIR/data --iterations 1 -o $DIR/%s", ranks, run), 0);
        expect_losses("g1", run, 1, 1e-5);
        run_expect_near(dir, "g1", run, moments, sizeof moments / sizeof *moments, 1, 1e-5);
    }
}

static void ten_iterations_agree(void **state) {
    (void)state;
    need();
    program_expect(RUN("$IDEM " TRAIN "-d $DIR/data --iterations 10 -o $DIR/t1"), 0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 10 -o $DIR/t2"), 0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 10 -o $DIR/again"), 0);
    expect_losses("t1", "t2", 10, 1e-3);
    assert_true(run_distance(dir, "t1", "t2", "E_attr.", 10) <= 1e-3);
    assert_true(run_distance(dir, "t1", "t2", "mapper.", 10) <= 1e-3);
    program_expect(RUN("cd $DIR && for f in checkpoint-0000000010.safetensors mapper.safetensors metrics.jsonl; do cmp "
                       "t2/$f again/$f || exit 3; done"),
                   0);
}

/* Of the same weights: by two batches of pairs, each looked at by one of two ranks, the third having none. */
static void evaluations_are_those_of_one_process(void **state) {
    (void)state;
    need();
#define EVALUATE TRAIN "-d $DIR/data --iterations 1 --batch 6 --eval-pairs 17 "
    program_expect(RUN("$IDEM " EVALUATE "-o $DIR/e1"), 0);
    for (int ranks = 2; ranks <= 3; ranks++)
        program_expect(RUN(MPIRUN "-np %d $IDEM " EVALUATE "-o $DIR/e%d && cd $DIR && for e in e1 e%d; do grep "
                                  "'\"evaluation\", \"iteration\": 0,' $e/metrics.jsonl > $e.0 || exit 3; done && cmp "
                                  "e1.0 e%d.0 && cmp e1/samples/grid-0000000000.png e%d/samples/grid-0000000000.png",
                           ranks, ranks, ranks, ranks, ranks),
                       0);
}

/* Half of the pictures, on the fly and of a folder: the attribute pictures of a batch are shuffled as one. */
static void photographs_are_those_of_one_process(void **state) {
    (void)state;
    need();
    photograph_need_models();
    static const char *const data[] = {"", "-d $DIR/data "};
#define PHOTOGRAPHS TRAIN "%s--photographs $DIR/photos --photograph-vary 0.5 --cross-every 1 --iterations 1 "
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        program_expect(RUN("rm -rf $DIR/p1 $DIR/p2; $IDEM " PHOTOGRAPHS "-o $DIR/p1", data[i]), 0);
        program_expect(RUN(MPIRUN "-np 2 $IDEM " PHOTOGRAPHS "-o $DIR/p2", data[i]), 0);
        expect_losses("p1", "p2", 1, i ? 1e-5 : 1e-4); /* painted in other batches, a byte in ten thousand differs */
        assert_true(run_distance(dir, "p1", "p2", "E_attr.", 1) <= 1e-3);
        program_expect(
            RUN("cd $DIR && for p in p1 p2; do grep -o '\"photo_.*' $p/metrics.jsonl | head -1 > $p.photo; done; "
                "cmp p1.photo p2.photo && grep photo_id_kept p1.photo && cmp p1/photographs.cache "
                "p2/photographs.cache"),
            0);
    }
    assert_int_not_equal(RUN("cp -r $DIR/photos $DIR/less && rm $DIR/less/1.png; " EACH(
                             "2") "[ $rank = 0 ] && d=photos || d=less; exec $IDEM " TRAIN
                                  "--photographs $DIR/$d --iterations 1 -o $DIR/differs-photos'"),
                         0);
    assert_true(program_says("the set of photographs (its digest) differs: "));
}

/* One rank gets the signal, all stop behind the same iteration; resumed by as many ranks bit for bit, by one too. */
static void an_interruption_is_a_checkpoint(void **state) {
    (void)state;
    need();
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 20 -o $DIR/whole"), 0);
    const int code =
        RUN(EACH("2") "echo $$ > $DIR/pid.$rank; exec $IDEM " TRAIN
                      "-d $DIR/data --iterations 20 -o $DIR/stopped' & p=$!; for i in $(seq 900); do grep -q "
                      "'\"train\"' $DIR/stopped/metrics.jsonl 2>/dev/null && break; sleep 0.1; done; kill -TERM "
                      "$(cat $DIR/pid.1); wait $p");
    assert_true(code != 0);
    assert_true(program_says("interrupted: checkpoint at iteration "));
    program_expect(RUN("! ls $DIR/stopped/checkpoint-0000000020.safetensors && cp -r $DIR/stopped $DIR/other"), 0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 20 -o $DIR/stopped --resume"), 0);
    program_expect(RUN("cd $DIR && for f in checkpoint-0000000020.safetensors mapper.safetensors metrics.jsonl; do cmp "
                       "whole/$f stopped/$f || exit 3; done"),
                   0);
    program_expect(RUN("$IDEM " TRAIN "-d $DIR/data --iterations 20 -o $DIR/other --resume && grep -q "
                       "'\"change\".*\"ranks\": 1' $DIR/other/metrics.jsonl"),
                   0);
    /* Nor does a time limit change anything. */
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 20 -o $DIR/timed --time-limit 0:00:01"),
                   0);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " TRAIN "-d $DIR/data --iterations 20 -o $DIR/timed --resume && cmp "
                              "$DIR/whole/metrics.jsonl $DIR/timed/metrics.jsonl"),
                   0);
}

static void what_differs_is_named(void **state) {
    (void)state;
    need();
    program_expect(RUN("cp -r $DIR/data $DIR/fewer && rm $(find $DIR/fewer -name '00003.*')"), 0);
    assert_int_not_equal(RUN(EACH("2") "[ $rank = 0 ] && d=data || d=fewer; exec $IDEM " TRAIN
                                       "-d $DIR/$d --iterations 2 -o $DIR/differs'"),
                         0);
    assert_true(program_says("the data (its digest) differs: "));
    assert_int_not_equal(
        RUN(EACH("2") "exec $IDEM " TRAIN "-d $DIR/data --weight-id 1.$rank --iterations 2 -o $DIR/differs'"), 0);
    assert_true(program_says("the settings (their digest) differs: "));
    /* Another program: its version is five characters in the file. The plug-in is not beside it. */
    program_expect(
        RUN("sed 's/0\\.1\\.0/0.1.9/g' $IDEM > $DIR/later && chmod +x $DIR/later && $DIR/later --version | grep "
            "-q 0.1.9"),
        0);
    assert_int_not_equal(
        RUN("export IDEM_PLUGINS=${IDEM%%/*}; " EACH("2") "[ $rank = 0 ] && p=$IDEM || p=$DIR/later; exec "
                                                          "$p " TRAIN "-d $DIR/data --iterations 2 -o $DIR/differs'"),
        0);
    assert_true(program_says("the version of idem differs: \"0.1.0\" on rank 0 ("));
    assert_true(program_says("\"0.1.9\" on rank 1 ("));
    /* One weight of the mapper. */
    program_expect(
        RUN("cp $DIR/mapper.safetensors $DIR/one && printf x | dd of=$DIR/one bs=1 conv=notrunc seek=$(( $(stat "
            "-c %%s $DIR/one) - 4 )) 2>&1"),
        0);
    assert_int_not_equal(RUN(EACH("2") "[ $rank = 0 ] && m=one || m=mapper.safetensors; exec $IDEM " TRAIN
                                       "-d $DIR/data -m $DIR/$m --iterations 2 -o $DIR/differs'"),
                         0);
    assert_true(program_says("the weights (their digest) differs: "));
    /* A frozen network. */
    program_expect(RUN("mkdir $DIR/nets && cp ${IDEM_MODELS:-%s/models/cache}/* $DIR/nets && printf x | dd bs=1 "
                       "conv=notrunc seek=600000 of=$DIR/nets/fr_landmark.onnx 2>&1",
                       IDEM_SOURCE_DIR),
                   0);
    assert_int_not_equal(RUN(EACH("2") "[ $rank = 0 ] || export IDEM_MODELS=$DIR/nets; exec $IDEM " TRAIN
                                       "-d $DIR/data --iterations 2 -o $DIR/differs'"),
                         0);
    assert_true(program_says("the file fr_landmark.onnx (its digest) differs: "));
    assert_int_not_equal(RUN(MPIRUN "-np 3 $IDEM " TRAIN "--iterations 2 -o $DIR/differs"), 0);
    assert_true(program_says("the batch is 4, and 3 ranks cannot share it evenly: make it a multiple of 3"));
    assert_int_not_equal(RUN("ls $DIR/differs/mapper*"), 0); /* nobody has started */
}

/* Of rank 0 alone; without other ranks there is nothing to say. */
static void a_profile_has_the_share_of_sums(void **state) {
    (void)state;
    need();
#define MEASURE                                                                                                        \
    TRAIN "--dry-run --cross-every 1 --adversarial-every 1 --profile=1 2>&1 | sed -n 's/^.*profile: rank/rank/p'"
    program_expect(RUN("IDEM_TEST_DELAY=1 && export IDEM_TEST_DELAY && " MPIRUN "-np 2 $IDEM " MEASURE), 0);
    assert_int_equal(program_lines(), 1);
    int ranks = 0, exchanges = 0;
    double elapsed = 0, exchange = 0, share = 0, sent = 0;
    assert_int_equal(sscanf(program_output,
                            "rank 0 of %d, %lf s; in sums and other messages, waiting included, %lf s (%lf %%), %d "
                            "exchanges, %lf MB sent",
                            &ranks, &elapsed, &exchange, &share, &exchanges, &sent),
                     6);
    assert_true(ranks == 2 && exchanges > 20 && sent > 0);
    assert_true(exchange >= 1e-3 * exchanges && exchange < elapsed);
    assert_true(fabs(share - 100 * exchange / elapsed) < 1);
    program_expect(RUN("$IDEM " MEASURE), 0);
    assert_int_equal(program_lines(), 0);
}

static void a_killed_rank_ends_all(void **state) {
    (void)state;
    need();
    const int code =
        RUN(EACH("2") "echo $$ > $DIR/pid.$rank; exec $IDEM " TRAIN
                      "-d $DIR/data --checkpoint-every 1 --iterations 100000 -o $DIR/killed' & p=$!; for i in "
                      "$(seq 900); do grep -q '\"train\"' $DIR/killed/metrics.jsonl 2>/dev/null && break; sleep "
                      "0.1; done; kill -KILL $(cat $DIR/pid.1); start=$(date +%%s); wait $p; code=$?; "
                      "[ $(($(date +%%s) - start)) -lt 60 ] || exit 77; exit $code");
    assert_true(code != 0 && code != 77);
    program_expect(
        RUN("for i in $(seq 100); do kill -0 $(cat $DIR/pid.0) 2>/dev/null || break; sleep 0.1; done; "
            "last=$(ls $DIR/killed | sed -n 's/checkpoint-0*\\([0-9][0-9]*\\)[.].*/\\1/p' | tail -1); $IDEM " TRAIN
            "-d $DIR/data --checkpoint-every 1 --resume --iterations $((last + 1)) -o $DIR/killed"),
        0);
}

static int make(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    has_mpi = mpi_is_there(dir);
    return RUN("mkdir $DIR/photos && cp %s/samples/*/*.png $DIR/photos && $IDEM sample -q -g "
               "$DIR/generator.safetensors -o $DIR/data -n 40",
               IDEM_SOURCE_DIR)
               ? -1
               : 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_the_first_iteration_agree),
        cmocka_unit_test(ten_iterations_agree),
        cmocka_unit_test(evaluations_are_those_of_one_process),
        cmocka_unit_test(photographs_are_those_of_one_process),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(an_interruption_is_a_checkpoint),
        cmocka_unit_test(a_profile_has_the_share_of_sums),
        cmocka_unit_test(a_killed_rank_ends_all),
    };
    return cmocka_run_group_tests(tests, make, tiny_leave);
}
