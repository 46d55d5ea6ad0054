/* The command video from outside, on clips of drawn faces that move over a ground. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support/clips.h"
#include "support/photographs.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
#define FACE(file) "-loop 1 -i '" IDEM_SOURCE_DIR "/samples/" file "' "
#define GROUND "-f lavfi -i color=0x507050:size=320x240:rate=25 "
#define IDENTITY "--identity '" IDEM_SOURCE_DIR "/samples/identities/1.png' --threads 1 "

static json_int_t number(const char *key) {
    json_t *o = json_loads(program_output, 0, NULL);
    if (!o)
        fail_msg("no JSON: %s", program_output);
    const json_int_t v = json_integer_value(json_object_get(o, key));
    json_decref(o);
    return v;
}

static void video(int code, const char *arguments) {
    program_expect(RUN("IDEM_MODELS='%s' $IDEM video -q --json %s", photograph_models(), arguments), code);
}

/* One face that comes after 20 pictures and walks: found and painted in every one of them, the rest stays. */
static void test_comes_late(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(
        RUN("ffmpeg -v error -y " GROUND FACE(
            "attributes/a.png") "-f lavfi -i sine -filter_complex "
                                "\"[1]scale=128:128[f];[0][f]overlay=x='30+3*(n-20)':y=50:enable='gte(n,20)':shortest="
                                "0\" "
                                "-frames:v 50 -shortest -c:v libx264 -qp 0 -preset ultrafast -c:a aac $DIR/late.mp4"),
        0);
    video(0, IDENTITY "$DIR/late.mp4 -o $DIR/late2.mp4 --quality 0 --review $DIR/look");
    assert_int_equal(number("frames"), 50);
    assert_int_equal(number("persons"), 1);
    assert_int_equal(number("changed"), 1);
    assert_int_equal(number("faces"), 30);
    assert_true(number("review") >= 1);
    program_expect(RUN("ls $DIR/look | grep -q '^000020-a-face-begins-or-ends-here.png$'"), 0);
    /* Empty pictures are the source's, those with a face are not, and around it they are. */
    program_expect(
        RUN("for f in late late2; do ffmpeg -v error -y -i $DIR/$f.mp4 -map 0:v -f framemd5 - | grep -v '#' | "
            "sed 's/.*,//' > $DIR/$f.txt; done; head -20 $DIR/late.txt > $DIR/a; head -20 $DIR/late2.txt | cmp - "
            "$DIR/a && ! (tail -30 $DIR/late.txt | grep -qf - $DIR/late2.txt)"),
        0);
    program_expect(RUN("for f in late late2; do ffmpeg -v error -y -i $DIR/$f.mp4 -map 0:v -vf "
                       "drawbox=y=44:h=140:t=fill -f framemd5 $DIR/$f.txt; done; cmp $DIR/late.txt $DIR/late2.txt"),
                   0);
    /* By hand: a face left for ten pictures, and hidden in six. */
    program_file(program_folder, "hand.json",
                 "{\"clips\": {\"late.mp4\": [{\"frames\": [40, 49], \"box\": [110, 60, 260, 180], \"do\": \"skip\"}, "
                 "{\"frames\": [20, 25], \"box\": [20, 40, 180, 190], \"do\": \"hide\"}]}}",
                 false);
    video(0, IDENTITY "$DIR/late.mp4 -o $DIR/late3.mp4 --quality 0 --boxes $DIR/hand.json --boxes-out $DIR/found.json");
    assert_int_equal(number("faces"), 14);
    assert_int_equal(number("hidden"), 6);
    program_expect(
        RUN("for f in late late3; do ffmpeg -v error -y -i $DIR/$f.mp4 -map 0:v -f framemd5 - | grep -v '#' | "
            "sed 's/.*,//' > $DIR/$f.txt; done; diff $DIR/late.txt $DIR/late3.txt | grep '^[0-9]'"),
        0);
    assert_string_equal(program_output, "21,40c21,40\n"); /* lines from 1: those with a face, but the last ten */
    program_expect(RUN("tr -d ' \\n' < $DIR/found.json"), 0);
    assert_true(program_says("\"frames\":[26,39]") && program_says("\"replace\"") && program_says("\"exempt\""));
    assert_true(program_says("\"frames\":[20,25]"));
    program_file(program_folder, "other.json", "{\"clips\": {\"other.mp4\": []}}", false);
    video(1, IDENTITY "$DIR/late.mp4 -o $DIR/late4.mp4 --boxes $DIR/other.json");
    assert_true(program_says("has no clip \"late.mp4\""));
    program_expect(
        RUN("IDEM_MODELS='%s' $IDEM measure-video -q --json --threads 1 $DIR/late.mp4 $DIR/late2.mp4 " IDENTITY,
            photograph_models()),
        0);
    assert_int_equal(number("stamps_differ"), 0);
    assert_int_equal(number("lost"), 0);
    assert_int_equal(number("faces"), 30);
    assert_true(number("sound_packets") > 50 && number("sound_packets") == number("sound_packets_source"));
}

/* Two persons who cross, a cut, and one of them again: two persons, of whom --map changes the one that is meant. */
static void test_two_persons(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(
        RUN("ffmpeg -v error -y " GROUND FACE("attributes/a.png") FACE(
            "attributes/c.png") "-filter_complex "
                                "\"[1]scale=110:110,split[a][c];[2]scale=110:110[b];"
                                "[0][b]overlay=x='205-6*n':y=10:enable='lt(n,30)'[x];"
                                "[x][a]overlay=x='5+6*n':y=120:enable='lt(n,30)'[y];"
                                "[y]negate=enable='gte(n,30)'[z];[z][c]overlay=x=150:y=60:enable='gte(n,30)'\" "
                                "-frames:v 40 -c:v libx264 -qp 0 -preset ultrafast $DIR/two.mp4"),
        0);
    video(0, "--threads 1 --map '" IDEM_SOURCE_DIR "/samples/attributes/c.png=" IDEM_SOURCE_DIR
             "/samples/identities/1.png' $DIR/two.mp4 -o $DIR/two2.mp4 --quality 0");
    assert_int_equal(number("persons"), 2);
    assert_int_equal(number("changed"), 1);
    assert_in_range(number("faces"), 29, 30);
}

/* Away for five pictures, which are bridged, then for twenty, after which the same person comes back. */
static void test_away(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(
        RUN("ffmpeg -v error -y " GROUND FACE(
            "attributes/c.png") "-filter_complex \"[1]scale=128:128[f];[0][f]overlay=x=90:y=50:enable="
                                "'not(between(n,15,19)+between(n,28,47))'\" -frames:v 56 -c:v libx264 -qp 0 -preset "
                                "ultrafast $DIR/away.mp4"),
        0);
    video(0, IDENTITY "$DIR/away.mp4 -o $DIR/away2.mp4");
    assert_int_equal(number("persons"), 1);
    assert_int_equal(number("bridged"), 5);
    assert_int_equal(number("faces"), 28 + 8);
}

/* The new identity is kept, and little of the old one: codes are moved away from the person. */
static void test_little_is_left(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(RUN("ffmpeg -v error -y " GROUND FACE(
                         "attributes/a.png") "-filter_complex \"[1]scale=128:128[f];[0][f]overlay=x=90:y=50\" "
                                             "-frames:v 4 -c:v libx264 -qp 0 -preset ultrafast $DIR/left.mp4"),
                     0);
    video(0, IDENTITY "$DIR/left.mp4 -o $DIR/left2.mp4");
    program_expect(RUN("IDEM_MODELS='%s' $IDEM measure-video -q --json $DIR/left.mp4 $DIR/left2.mp4 " IDENTITY,
                       photograph_models()),
                   0);
    json_t *o = json_loads(program_output, 0, NULL);
    double left = 1, kept = 0;
    assert_int_equal(json_unpack(o, "{s:{s:F, s:F}}", "feature", "left", &left, "kept", &kept), 0);
    json_decref(o);
    assert_true(left < 0.12); /* 0.17 if codes are not moved */
    assert_true(kept > 0.65);
}

/* Ctrl-C, and --resume: the file of a run without a break, also when each picture starts from the one before. */
static void test_gone_on_with(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(RUN("ffmpeg -v error -y " GROUND FACE(
                         "attributes/b.png") "-filter_complex "
                                             "\"[1]scale=128:128[f];[0][f]overlay=x='10+0.6*n':y=50\" "
                                             "-frames:v 110 -c:v libx264 -preset ultrafast $DIR/long.mp4"),
                     0);
    program_expect(RUN("cp '" IDEM_SOURCE_DIR "/samples/identities/1.png' $DIR/who.png"), 0);
    video(0, "--identity $DIR/who.png --from 3.6 --refine 6 $DIR/long.mp4 -o $DIR/whole.mp4");
    assert_int_equal(program_interrupt(program_folder, "broken.mp4.idem-parts/000000.part",
                                       "exec env IDEM_MODELS='%s' $IDEM video -q --from 3.6 --refine 6 "
                                       "--identity $DIR/who.png $DIR/long.mp4 -o $DIR/broken.mp4",
                                       photograph_models()),
                     130);
    program_expect(RUN("[ ! -e $DIR/broken.mp4 ]"), 0);
    video(1, "--identity $DIR/who.png --from 3.6 --refine 5 $DIR/long.mp4 -o $DIR/broken.mp4 --resume");
    assert_true(program_says("other options"));
    /* Another picture under the same name. */
    program_expect(
        RUN("mv $DIR/who.png $DIR/was.png && cp '" IDEM_SOURCE_DIR "/samples/identities/2.png' $DIR/who.png"), 0);
    video(1, "--identity $DIR/who.png --from 3.6 --refine 6 $DIR/long.mp4 -o $DIR/broken.mp4 --resume");
    assert_true(program_says("other options"));
    program_expect(RUN("mv $DIR/was.png $DIR/who.png"), 0);
    video(0, "--identity $DIR/who.png --from 3.6 --refine 6 $DIR/long.mp4 -o $DIR/broken.mp4 --resume");
    assert_int_equal(number("resumed"), 96);
    program_expect(RUN("cmp $DIR/whole.mp4 $DIR/broken.mp4 && [ ! -e $DIR/broken.mp4.idem-parts ]"), 0);
}

static void test_refused(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(RUN("ffmpeg -v error -y " GROUND "-frames:v 15 -c:v libx264 -preset ultrafast $DIR/nobody.mp4"),
                     0);
    video(1, IDENTITY "$DIR/nobody.mp4 -o $DIR/x.mp4");
    assert_true(program_says("no face is found"));
    /* An identity is read before the clip is looked through. */
    assert_int_equal(RUN("head -c 3000 '" IDEM_SOURCE_DIR "/samples/identities/1.png' >$DIR/cut.png"), 0);
    video(1, "--identity $DIR/cut.png $DIR/nobody.mp4 -o $DIR/y.mp4");
    assert_true(program_says("cut.png: the PNG picture cannot be read"));
    video(0, "--face none $DIR/nobody.mp4 -o $DIR/x.mp4");
    video(2, "$DIR/nobody.mp4 -o $DIR/y.mp4");
    assert_true(program_says("--identity or --map"));
    video(2, IDENTITY "$DIR/nobody.mp4 -o $DIR/nobody.mp4");
    video(2, "--map a.jpg $DIR/nobody.mp4 -o $DIR/y.mp4");
    video(1, IDENTITY "$DIR/nobody.mp4 -o $DIR/y.avi");
    assert_true(program_says(".mkv"));
    program_expect(
        RUN("IDEM_PLUGINS= && cp $IDEM $DIR/alone && $DIR/alone video --face none $DIR/nobody.mp4 -o $DIR/z.mp4"), 1);
    assert_true(program_says("idem-video.so") && program_lines() == 1);
    program_expect(RUN("[ ! -e $DIR/y.mp4 ] && [ ! -e $DIR/z.mp4 ]"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_late),   cmocka_unit_test(test_two_persons),
                                       cmocka_unit_test(test_away),         cmocka_unit_test(test_little_is_left),
                                       cmocka_unit_test(test_gone_on_with), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
