/* The folder of a run: one process at a time, whatever ends it; its options are kept from the start, and nothing is
 * begun over what is there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "train/gan/trainer.h"
#include "train/run_folder.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir;

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

#define RUN(...) program_run(dir, __VA_ARGS__)
#define BARE                                                                                                           \
    "$IDEM train-generator -d samples/identities --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 "       \
    "--d-width-max 8 --features 0 --distance-every 0 --batch 4 --threads 1 -q "

static idem_run_folder *claim(const char *name) {
    idem_run_folder *f = idem_run_folder_claim(in_dir(name));
    if (!f)
        fail_msg("%s", idem_error());
    return f;
}

static void busy(const char *name) {
    assert_null(idem_run_folder_claim(in_dir(name)));
    assert_non_null(strstr(idem_error(), "another process is writing to this folder"));
    assert_int_equal(idem_run_folder_look(in_dir(name), true), -1);
    assert_non_null(strstr(idem_error(), "another process is writing to this folder"));
}

static void one_process_has_a_folder(void **state) {
    (void)state;
    idem_run_folder *f = claim("a/b");
    assert_string_equal(idem_run_folder_path(f), in_dir("a/b"));
    busy("a/b");
    idem_run_folder_release(f);
    assert_false(idem_path_exists(in_dir("a/b"))); /* nothing was put into it */
    f = claim("a/b");
    assert_int_equal(idem_file_write(in_dir("a/b/x"), "x", 1), 0);
    idem_run_folder_release(f);
    program_expect(RUN("ls -A $DIR/a/b"), 0);
    assert_string_equal(program_output, "x\n"); /* not the lock */
    const pid_t child = fork();
    if (!child) {
        idem_run_folder_claim(in_dir("a/b"));
        _exit(0); /* as if it were killed: nothing is given back */
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(idem_path_exists(in_dir("a/b/.lock")));
    assert_int_equal(idem_run_folder_look(in_dir("a/b"), false), 0);
    idem_run_folder_release(claim("a/b"));
}

static void nothing_is_begun_over_a_run(void **state) {
    (void)state;
    idem_run_folder *f = claim("over");
    assert_int_equal(idem_run_folder_check(in_dir("over"), false), 0);
    assert_int_equal(idem_run_folder_check(in_dir("over"), true), 0);
    assert_int_equal(idem_file_write(in_dir("over/metrics.jsonl"), "", 0), 0);
    assert_int_equal(idem_run_folder_check(in_dir("over"), true), 0);
    assert_int_equal(idem_file_write(in_dir("over/metrics.jsonl"), "{}\n", 3), 0);
    for (int resume = 0; resume < 2; resume++) {
        assert_int_equal(idem_run_folder_check(in_dir("over"), resume), -1);
        assert_non_null(strstr(idem_error(), resume ? "no checkpoint to continue from" : "a run exists already"));
    }
    assert_int_equal(idem_file_write(in_dir("over/checkpoint-0000000000.safetensors"), "x", 1), 0);
    assert_int_equal(idem_run_folder_check(in_dir("over"), false), -1);
    assert_int_equal(idem_run_folder_check(in_dir("over"), true), 0);
    idem_run_folder_release(f);
}

static void every_command_asks_for_it(void **state) {
    (void)state;
    idem_run_folder *f = claim("asked"), *g = claim("asked/dataset_64");
    static const char *const commands[] = {
        BARE "-o $DIR/asked",
        BARE "-o $DIR/asked --resume",
        "$IDEM train -g $DIR/generator.safetensors -o $DIR/asked -q",
        "$IDEM train -g $DIR/generator.safetensors -o $DIR/asked -q --resume",
        "$IDEM train --recipe summary -g $DIR/generator.safetensors -d samples -o $DIR/asked -q --resume",
        "$IDEM sample -g $DIR/generator.safetensors -n 1 -o $DIR/asked -q",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        program_expect(RUN("%s", commands[i]), 1);
        assert_true(program_says("another process is writing to this folder"));
        assert_int_equal(program_lines(), 1);
    }
    idem_run_folder_release(g);
    idem_run_folder_release(f);
    assert_false(idem_path_exists(in_dir("asked")));
}

/* The process that is killed has said nothing but its options. */
static void options_are_kept_from_the_start(void **state) {
    (void)state;
    program_expect(RUN(BARE "-o $DIR/whole --seed 9 --pictures 16"), 0);
    program_expect(RUN("cd $DIR && " BARE "-d nowhere -o nothing --seed 9"), 1);
    program_expect(RUN("test ! -e $DIR/nothing"), 0);
    for (int early = 0; early < 2; early++) {
        RUN("exec 2>&- && { " BARE "-o $DIR/k%d --seed 9 --pictures 16000000 --checkpoint-every 1000000 & } && "
            "for i in $(seq 3000); do test -s $DIR/k%d/%s && break; sleep 0.02; done; kill -9 $!; wait",
            early, early, early ? "checkpoint-0000000000.safetensors" : "metrics.jsonl");
        program_expect(RUN("ls $DIR/k%d/checkpoint-*", early), 0);
        assert_true(program_says("checkpoint-0000000000.safetensors"));
        assert_int_equal(program_lines(), 1);
        program_expect(RUN(BARE "-o $DIR/k%d", early), 1);
        assert_true(program_says("a run exists already"));
        program_expect(RUN("$IDEM train-generator -d samples/identities -o $DIR/k%d --resume --pictures 16 "
                           "--checkpoint-every 100 --size 32",
                           early),
                       1);
        assert_true(program_says("--size is 32 but the run has 16"));
        program_expect(RUN("$IDEM train-generator -q -d samples/identities -o $DIR/k%d --resume --pictures 16 "
                           "--checkpoint-every 100 && cmp $DIR/whole/generator.safetensors "
                           "$DIR/k%d/generator.safetensors",
                           early, early),
                       0);
    }
    program_expect(RUN("$IDEM train-generator -d samples/identities -o $DIR/none --resume --size 8 --features 0 "
                       "--pictures 4 --batch 4 --distance-every 0"),
                   0);
    assert_true(program_says("none holds no checkpoint: the run begins, with the options of this command"));
}

/* A terminal that closes says so twice. */
static void a_hangup_saves(void **state) {
    (void)state;
    program_expect(RUN("exec 2>$DIR/said; { " BARE "-o $DIR/hup --pictures 16000000 --checkpoint-every 1000000 & } && "
                       "for i in $(seq 3000); do test -s $DIR/hup/metrics.jsonl && break; sleep 0.02; done; kill -HUP "
                       "$! && kill -HUP $!; wait $!"),
                   130);
    program_expect(RUN("grep -q 'interrupted: checkpoint at iteration [1-9]' $DIR/said"), 0);
    program_expect(RUN("exec 2>$DIR/said; { nohup " BARE
                       "-o $DIR/nohup --pictures 400 >/dev/null & } && for i in $(seq "
                       "3000); do test -s $DIR/nohup/metrics.jsonl && break; sleep 0.02; done; kill -HUP $!; wait $!"),
                   0);
}

/* The caller's texts may go once the trainer is there. */
static void texts_are_not_kept(void **state) {
    (void)state;
    char run[128], data[128] = "samples/identities";
    snprintf(run, sizeof run, "%s", in_dir("texts"));
    idem_gan_recipe r;
    idem_gan_defaults(&r);
    r.size = 16;
    r.z_dim = r.w_dim = r.width_max = r.d_width_max = 8;
    r.features = 0;
    r.distance_every = 0;
    r.batch = r.pictures = 4;
    idem_gan_trainer *t =
        idem_gan_trainer_new(&r, &(idem_gan_setup){.run = {run, .threads = 1}, .sources = {.data = data}});
    if (!t)
        fail_msg("%s", idem_error());
    memset(run, 'x', sizeof run - 1);
    memset(data, 'x', sizeof data - 1);
    assert_int_equal(idem_gan_trainer_run(t), 0);
    idem_gan_trainer_free(t);
    assert_true(idem_path_exists(in_dir("texts/generator.safetensors")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_has_a_folder),
        cmocka_unit_test(nothing_is_begun_over_a_run),
        cmocka_unit_test(every_command_asks_for_it),
        cmocka_unit_test(options_are_kept_from_the_start),
        cmocka_unit_test(a_hangup_saves),
        cmocka_unit_test(texts_are_not_kept),
    };
    dir = tiny_folder();
    if (!dir || tiny_write(dir))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tiny_remove(dir);
    return failed;
}
