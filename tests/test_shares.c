/* Commands whose files are shared out among ranks: the same bytes as by one process, one report, one exit code; what
 * differs between ranks is named. The ensemble is the tiny one; photographs are made of samples/. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/mpi.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing */
static bool has_mpi;

#define RUN(...) program_run(dir, __VA_ARGS__)
#define COMPOSE "compose -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 "

static void need(void) {
    tiny_need(dir);
    photograph_need_models();
    if (!has_mpi)
        skip();
}

/* Runs `command` with -o DIR/out/WORD and --json, WORD being "by" and the number of ranks: by 1, 2 and 3. Folders and
 * documents, but for times and the folder's name, have to agree. */
static void expect_alike(const char *command, int code) {
    program_expect(RUN("rm -rf $DIR/out && mkdir $DIR/out"), 0);
    for (int ranks = 1; ranks <= 3; ranks++) {
        char launcher[400] = "";
        if (ranks > 1)
            snprintf(launcher, sizeof launcher, MPIRUN "-np %d ", ranks);
        program_expect(RUN("cd $DIR/out && %s $IDEM %s -q --json -o $DIR/out/by%d > json%d 2> said%d", launcher,
                           command, ranks, ranks, ranks),
                       code);
    }
    for (int ranks = 2; ranks <= 3; ranks++)
        program_expect(
            RUN("cd $DIR/out && diff -r by1 by%d && for n in 1 %d; do sed -e 's/\"seconds\": [0-9.e-]*//' -e "
                "\"s/by$n/by/\" json$n > plain$n; sed -n -e \"s/by$n/by/\" -e 's/^idem: /&/p' said$n | sort > "
                "idem$n; done && cmp plain1 plain%d && cmp idem1 idem%d",
                ranks, ranks, ranks, ranks),
            0);
    program_expect(RUN("ls $DIR/out/by1"), 0);
    assert_true(program_lines() >= 3);
}

static void align_gives_the_same_faces(void **state) {
    (void)state;
    need();
    expect_alike("align --threads 1 --size 64 --all-faces $DIR/photos $DIR/more", 1);
    program_expect(RUN("ls $DIR/out/by1 | tr '\\n' ' '; cat $DIR/out/said2"), 0);
    /* Two photographs of one name, the first of two faces; two that have none. */
    assert_true(program_says("a-2.png a.png a_2.png b.png "));
    assert_true(program_says("2 of 5 files gave no face; the faces of the others are in "));
}

/* In batches of two the nine combinations are five shares. */
static void compose_gives_the_same_combinations(void **state) {
    (void)state;
    need();
    expect_alike(COMPOSE "--batch 2 -i $DIR/who -a $DIR/how", 1);
    program_expect(RUN("ls $DIR/out/by1; cat $DIR/out/said2"), 0);
    assert_true(program_says("3--c.png") && program_says("grid.png"));
    assert_true(program_says("1 of the files given could not be read; 9 pictures of the others are done"));
}

static void compose_gives_the_same_pairs(void **state) {
    (void)state;
    need();
    program_expect(RUN("cd $DIR && mkdir -p left right && cp who/?.png left && for n in 1 2 3; do cp how/a.png "
                       "right/$n.png; done && cp how/b.png right/9.png"),
                   0);
    expect_alike(COMPOSE "--pairs --batch 1 -i $DIR/left -a $DIR/right", 1);
    program_expect(RUN("cat $DIR/out/said3"), 0);
    assert_true(program_says("1 of the files given have no partner; 3 pairs are done"));
}

/* The two faces of a photograph may begin in a batch of one rank and end in that of another. */
static void compose_puts_all_faces_back(void **state) {
    (void)state;
    need();
    expect_alike(COMPOSE "--keep-size --face all --batch 3 -i $DIR/who/1.png -a $DIR/photos", 1);
    expect_alike(COMPOSE "--keep-size --face all --batch 3 -i $DIR/who -a $DIR/photos/a.png", 1);
}

static void evaluate_gives_the_same_figures(void **state) {
    (void)state;
    need();
    static const char *const how[] = {"--pairs 25 --baselines --baseline-pairs 12 --batch 4 --seed 3",
                                      "--pairs 5 --refine 2 --batch 2",
                                      "--identity $DIR/left --attributes $DIR/right --batch 2"};
    program_expect(RUN("cd $DIR && mkdir -p left right && cp who/?.png left && for n in 1 2 3; do cp how/a.png "
                       "right/$n.png; done"),
                   0);
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        for (int ranks = 1; ranks <= 2; ranks++)
            program_expect(
                RUN("%s $IDEM evaluate -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads "
                    "1 --json %s -o $DIR/report%d > $DIR/json%d && cmp $DIR/report%d $DIR/json%d",
                    ranks > 1 ? MPIRUN "-np 2" : "", how[i], ranks, ranks, ranks, ranks),
                0);
        program_expect(
            RUN("cd $DIR && for n in 1 2; do grep -v '\"seconds\\|per_second\\|peak_rss_mb' json$n > figures$n; "
                "done; cmp figures1 figures2 && grep -c . figures1"),
            0);
        assert_true(atoi(program_output) > 30);
    }
}

/* More files than ranks look at between exchanges; some have no face. */
static void evaluate_gives_the_same_figures_of_photographs(void **state) {
    (void)state;
    need();
    program_expect(
        RUN("cd $DIR && rm -rf people && mkdir people && for i in 1 2 3 4 5 6; do cp '%s/samples/identities/'$i.png "
            "people/p${i}_1.png && cp photos/nobody.png people/n${i}_1.png; done && cp photos/b.png "
            "people/p7_1.png && cp more/a.png people/p8_1.png && cp who/cut.png people/z_1.png",
            IDEM_SOURCE_DIR),
        0);
    for (int ranks = 1; ranks <= 3; ranks++)
        program_expect(RUN("%s -np %d $IDEM evaluate -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors "
                           "--threads 1 --json --photographs $DIR/people --pairs 7 --refine 2 --batch 2 --sheet "
                           "$DIR/sheet%d.png -o $DIR/report%d > $DIR/json%d 2> $DIR/said%d",
                           MPIRUN, ranks, ranks, ranks, ranks, ranks),
                       0);
    for (int ranks = 2; ranks <= 3; ranks++)
        program_expect(RUN("cd $DIR && for n in 1 %d; do grep -v '\"seconds\\|per_second\\|peak_rss_mb' json$n > "
                           "figures$n; sed -n 's/^idem: /&/p' said$n > idem$n; done; cmp figures1 figures%d && cmp "
                           "sheet1.png sheet%d.png && cmp idem1 idem%d && grep -c . figures1",
                           ranks, ranks, ranks, ranks),
                       0);
    assert_true(atoi(program_output) > 60);
    program_expect(RUN("grep -q '\"pictures\": 7' $DIR/json2 && grep -q '\"left_out\": [1-7]' $DIR/json2 && grep -c "
                       "nobody $DIR/said2 || grep -c 'n._1.png' $DIR/said2"),
                   0);
    assert_int_not_equal(
        RUN("cp -r $DIR/people $DIR/fewer && rm $DIR/fewer/p3_1.png && ln -s people $DIR/folk0 && ln -s "
            "fewer $DIR/folk1; " EACH(
                "2") "cd $DIR/folk$rank && exec $IDEM evaluate -q -g "
                     "$DIR/generator.safetensors -m $DIR/mapper.safetensors --photographs . --pairs 4'"),
        0);
    assert_true(program_says("the photographs (their digest) and networks differs: "));
}

#define ANONYMISE                                                                                                      \
    "anonymise -g $DIR/framed.safetensors -m $DIR/mapper.safetensors --threads 1 --refine 2 --min-face 24 "

/* Two faces in one photograph, of persons who are in others; and a file that is none. */
static void anonymise_gives_the_same_people(void **state) {
    (void)state;
    need();
    static const char *const how[] = {"--seed 3",
                                      "--seed 4 --unlinkable --rename --similarity 0.5 --exempt $DIR/leave"};
    program_expect(RUN("mkdir -p $DIR/leave && cp $DIR/photos/b.png $DIR/leave"), 0);
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        char command[400];
        snprintf(command, sizeof command, ANONYMISE "%s $DIR/photos $DIR/more $DIR/who", how[i]);
        expect_alike(command, 1);
        program_expect(RUN("cd $DIR/out && cat said2 json2 && ls -A by2"), 0);
        assert_true(program_says("passed over: ") && program_says("text.jpg") && program_says("\"unreadable\": 2"));
        assert_true(program_says("2 files could not be read and have no result"));
        assert_null(strstr(program_output, ".idem-anonymise-state"));
    }
}

/* A rank is stopped when the first round is done: all end with its exit code, and another number of ranks goes on. */
static void anonymise_goes_on_with_other_ranks(void **state) {
    (void)state;
    need();
    program_expect(RUN("cd $DIR && rm -rf many && mkdir many && for i in 1 2 3 4 5 6 7 8; do cp photos/a.png "
                       "many/$i.png; done"),
                   0);
    program_expect(
        RUN("export IDEM DIR; { " EACH(
            "2") "echo $$ > $DIR/pid$rank; exec $IDEM " ANONYMISE
                 "-q $DIR/many -o $DIR/half'; echo code $?; } > $DIR/said 2>&1 & until { [ "
                 "-e $DIR/half/1.png ] && [ -e $DIR/half/2.png ]; } || ! kill -0 $!; do sleep 0.02; done; kill "
                 "-INT $(cat $DIR/pid1); wait; grep -e code -e ^idem $DIR/said; ls -A "
                 "$DIR/half"),
        0);
    assert_true(program_says("code 130") && program_says("idem: interrupted"));
    assert_true(program_says(".idem-anonymise-state"));
    assert_null(strstr(program_output, "8.png"));
    assert_null(strstr(program_output, "anonymise-report"));
    program_expect(
        RUN("stat -c %%Y.%%i $DIR/half/1.png > $DIR/before && stat -c %%a $DIR/half/.idem-anonymise-state && "
            "" MPIRUN "-np 3 $IDEM " ANONYMISE "-q $DIR/many -o $DIR/half && stat -c %%Y.%%i "
            "$DIR/half/1.png | cmp - $DIR/before && ls -A $DIR/half"),
        0);
    assert_true(program_says("600") && program_says("8.png") && program_says("anonymise-report.json"));
    assert_null(strstr(program_output, ".idem-anonymise-state"));
    /* Two persons in all pictures. */
    program_expect(RUN("grep -o '\"person\": [0-9]*' $DIR/half/anonymise-report.json | sort | uniq -c"), 0);
    assert_true(program_says("8 \"person\": 1") && program_says("8 \"person\": 2"));
    assert_int_equal(program_lines(), 2);
}

/* Rank 0 alone asks for the passphrase and keeps the project. */
static void anonymise_shares_a_project(void **state) {
    (void)state;
    need();
    program_file(dir, "pass", "open sesame\n", false);
    program_expect(RUN(MPIRUN "-np 2 $IDEM " ANONYMISE
                              "-q $DIR/photos/b.png $DIR/who/1.png -o $DIR/today --key $DIR/study.key "
                              "--passphrase-file $DIR/pass && $IDEM " ANONYMISE
                              "-q $DIR/photos/b.png $DIR/who/1.png -o $DIR/tomorrow --key $DIR/study.key "
                              "--passphrase-file $DIR/pass && cmp $DIR/today/b.png $DIR/tomorrow/b.png && cmp "
                              "$DIR/today/1.png $DIR/tomorrow/1.png"),
                   0);
}

static void what_cannot_be_shared_out_is_refused(void **state) {
    (void)state;
    need();
    static const char *const commands[] = {
        "train --recipe summary -g $DIR/generator.safetensors -d $DIR/who -o $DIR/refused"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_not_equal(
            RUN(MPIRUN "-np 2 $IDEM %s 2>&1 | grep '^idem' | tee $DIR/lines; [ $(wc -l < $DIR/lines) = 1 ] && exit 1",
                commands[i]),
            0);
        assert_true(program_says("idem: 2 ranks cannot share this out: "));
        assert_true(program_says("; start one process, without mpirun or srun"));
    }
    assert_int_not_equal(RUN("ls $DIR/refused"), 0);
    /* One rank is one process, and needs no plug-in. */
    program_expect(RUN(MPIRUN "-np 1 env IDEM_PLUGINS=/nowhere $IDEM align -q $DIR/who/1.png -o $DIR/single"), 0);
}

static void what_differs_is_named(void **state) {
    (void)state;
    need();
    assert_int_not_equal(RUN("export IDEM DIR; mkdir -p $DIR/r0 $DIR/r1 && cp $DIR/who/1.png $DIR/who/2.png $DIR/r0 && "
                             "cp $DIR/who/1.png $DIR/r1 && ln -s r0 $DIR/here0 && ln -s r1 $DIR/here1 && " MPIRUN
                             "-np 2 sh -c 'rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-$PMI_RANK}}; cd $DIR/here$rank && "
                             "exec $IDEM align . -q -o $DIR/differs'"),
                         0);
    assert_true(program_says("the list of files (its digest) differs: "));
    assert_int_not_equal(RUN(EACH("2") "exec $IDEM align $DIR/who -o $DIR/other$rank'"), 0);
    assert_true(program_says("the command line (its digest) differs: "));
    assert_int_not_equal(RUN("ls $DIR/other[01]/*.png $DIR/differs/*.png"), 0); /* nobody has started */
    assert_int_not_equal(RUN(EACH("2") "cd $DIR/here$rank && exec $IDEM " ANONYMISE ". -q -o $DIR/differs'"), 0);
    assert_true(program_says("idem: the list of files, or an option, differs on ranks 0 and 1: "));
    assert_int_not_equal(RUN("ls $DIR/differs/*.png"), 0);
}

static int make(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    has_mpi = mpi_is_there(dir);
    if (tiny_write_framed(tiny_path(dir, "generator.safetensors"), tiny_path(dir, "framed.safetensors")))
        return -1;
    if (RUN("cd $DIR && mkdir who how photos more && cd '%s/samples' && cp identities/1.png identities/2.png "
            "identities/3.png $DIR/who && cp attributes/a.png attributes/b.png attributes/c.png $DIR/how && head -c "
            "300 "
            "attributes/a.png > $DIR/who/cut.png",
            IDEM_SOURCE_DIR))
        return -1;
    photograph_save_pair(dir, "photos/a.png", (const char *const[]){"identities/1.png", "identities/2.png"},
                         (const double[]){200, 150});
    photograph_save(dir, "photos/b.png", "identities/3.png", 200);
    photograph_save(dir, "more/a.png", "identities/4.png", 200);
    picture_black(dir, "photos/nobody.png", 200, 200);
    return RUN("echo hello > $DIR/photos/text.jpg") ? -1 : 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(align_gives_the_same_faces),
        cmocka_unit_test(compose_gives_the_same_combinations),
        cmocka_unit_test(compose_gives_the_same_pairs),
        cmocka_unit_test(compose_puts_all_faces_back),
        cmocka_unit_test(evaluate_gives_the_same_figures),
        cmocka_unit_test(evaluate_gives_the_same_figures_of_photographs),
        cmocka_unit_test(anonymise_gives_the_same_people),
        cmocka_unit_test(anonymise_goes_on_with_other_ranks),
        cmocka_unit_test(anonymise_shares_a_project),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(what_cannot_be_shared_out_is_refused),
    };
    return cmocka_run_group_tests(tests, make, tiny_leave);
}
