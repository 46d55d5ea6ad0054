/* idem anonymise on clips, from outside: nobody in any picture is left, the rest is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "measure/verification.h"
#include "support/clips.h"
#include "support/mpi.h"
#include "support/photographs.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
/* Few steps: what is tested is not how well faces are painted. */
#define IDEM "IDEM_MODELS='%s' $IDEM anonymise -q --threads 1 --refine 2 --quality 0 --seed 3 "
#define FACE(file) "-loop 1 -i '" IDEM_SOURCE_DIR "/samples/" file "' "
#define GROUND "-f lavfi -i color=0x507050:size=320x240:rate=25 "
#define WALK "[1]scale=128:128[f];[0][f]overlay=x='30+3*(n-20)':y=50:enable='gte(n,20)'"

static json_t *report_of(const char *folder) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s/anonymise-report.json", program_folder, folder);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static const json_t *clip_of(const json_t *report, size_t i) {
    return json_array_get(json_object_get(report, "clips"), i);
}

static int whole(const json_t *o, const char *key) {
    if (!json_is_integer(json_object_get(o, key)))
        fail_msg("no number %s", key);
    return (int)json_integer_value(json_object_get(o, key));
}

static const json_t *person_of(const json_t *clip, size_t i) {
    return json_array_get(json_object_get(clip, "persons"), i);
}

/* Twenty empty pictures, then a face that walks; with sound, subtitles of a name, and where it was taken. */
static void make_walk(void) {
    assert_int_equal(RUN("mkdir -p $DIR/in && ffmpeg -v error -y " GROUND FACE(
                         "attributes/a.png") "-f lavfi -i sine -filter_complex \"" WALK
                                             "\" -frames:v 36 -shortest -c:v libx264 "
                                             "-qp 0 -preset ultrafast -c:a aac -metadata location=+48.1+11.6/ "
                                             "-metadata creation_time=2020-01-02T03:04:05 $DIR/in/walk.mp4"),
                     0);
}

static void nobody_is_left_in_any_picture(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    make_walk();
    photograph_save(program_folder, "in/face.png", "attributes/a.png", 260);
    assert_int_equal(RUN("head -c 9000 $DIR/in/walk.mp4 > $DIR/in/cut.mp4"), 0);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/out", photograph_models()), 1);
    assert_true(program_says("cut.mp4") && program_says("1 file could not be read"));
    assert_true(program_says("a voice identifies"));
    json_t *r = report_of("out");
    const json_t *clip = clip_of(r, 0), *person = person_of(clip, 0);
    assert_string_equal(json_string_value(json_object_get(clip, "clip")), "walk.mp4");
    assert_int_equal(json_array_size(json_object_get(r, "clips")), 1);
    assert_int_equal(json_array_size(json_object_get(r, "pictures")), 1);
    assert_int_equal(whole(clip, "frames"), 36);
    assert_int_equal(whole(clip, "faces"), 16);
    assert_int_equal(whole(clip, "recomposed") + whole(clip, "hidden"), 16);
    assert_in_range(whole(clip, "recomposed"), 13, 16);
    /* Where the face was before it was first found: eight pictures. */
    assert_int_equal(whole(clip, "hidden_elsewhere"), 8);
    assert_int_equal(whole(clip, "frames_changed"), 24);
    assert_true(json_number_value(json_object_get(person, "highest_cosine_recogniser")) <= IDEM_FEATURE_THRESHOLD);
    assert_true(json_number_value(json_object_get(person, "highest_cosine_judge")) <= IDEM_JUDGE_THRESHOLD);
    /* One person has one new face in pictures and clips. */
    assert_int_equal(json_array_size(json_object_get(clip, "persons")), 1);
    assert_int_equal(
        whole(json_array_get(json_object_get(json_array_get(json_object_get(r, "pictures"), 0), "faces"), 0), "person"),
        whole(person, "person"));
    assert_int_equal(whole(json_object_get(r, "summary"), "clips_with_sound"), 1);
    json_decref(r);
    program_expect(RUN("[ ! -e $DIR/out/cut.mp4 ] && [ ! -e $DIR/out/walk.mp4.idem-parts ] && "
                       "[ ! -e $DIR/out/cut.mp4.idem-parts ]"),
                   0);
    /* By the command that measures: nobody is who they were, nothing else changed its time. */
    program_expect(RUN("IDEM_MODELS='%s' $IDEM measure-video -q --json --threads 1 $DIR/in/walk.mp4 $DIR/out/walk.mp4",
                       photograph_models()),
                   0);
    json_t *m = json_loads(program_output, 0, NULL);
    assert_int_equal(whole(m, "missed"), 0);
    assert_int_equal(whole(m, "stamps_differ"), 0);
    assert_int_equal(whole(m, "faces"), 16);
    assert_true(whole(m, "sound_packets") > 20 && whole(m, "sound_packets") == whole(m, "sound_packets_source"));
    json_decref(m);
    /* The first twelve pictures are the source's, those with a face are not. */
    program_expect(
        RUN("for f in in out; do ffmpeg -v error -y -i $DIR/$f/walk.mp4 -map 0:v -f framemd5 - | grep -v '#' "
            "| sed 's/.*,//' > $DIR/$f.txt; done; head -12 $DIR/in.txt > $DIR/a; head -12 $DIR/out.txt | cmp "
            "- $DIR/a && ! (tail -16 $DIR/in.txt | grep -qf - $DIR/out.txt)"),
        0);
    program_expect(RUN("ffprobe -v error -show_entries format_tags:stream_tags $DIR/out/walk.mp4"), 0);
    assert_true(program_says("faces in it were painted by idem"));
    assert_null(strstr(program_output, "48.1"));
    assert_null(strstr(program_output, "2020"));
    program_expect(RUN("grep -qa compositeSynthetic $DIR/out/walk.mp4"), 0);
    /* No sound if none is wanted; and a person half kept, over all pictures. */
    program_expect(
        RUN(IDEM
            "--no-audio --unlinkable --similarity 0.5 $DIR/in/walk.mp4 -o $DIR/mute && ! cmp -s $DIR/mute/walk.mp4 "
            "$DIR/out/walk.mp4",
            photograph_models()),
        0);
    assert_false(strstr(program_output, "a voice identifies") != NULL);
    r = report_of("mute");
    const double off = json_number_value(json_object_get(clip_of(r, 0), "similarity_off"));
    assert_true(off > 0 && off < 0.05);
    json_decref(r);
    program_expect(RUN("[ -z \"$(ffprobe -v error -select_streams a -show_packets $DIR/mute/walk.mp4)\" ]"), 0);
}

static void what_is_not_painted_is_hidden_or_left_on_purpose(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    make_walk();
    program_expect(RUN(IDEM "--min-face 2000 --fallback blur $DIR/in -o $DIR/small", photograph_models()), 0);
    json_t *r = report_of("small");
    assert_int_equal(whole(clip_of(r, 0), "hidden"), 16);
    assert_int_equal(whole(clip_of(r, 0), "recomposed"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(clip_of(r, 0), "look"), 1), "why")),
        "a face was hidden: too small");
    json_decref(r);
    program_expect(RUN("ffprobe -v error -show_entries format_tags:stream_tags $DIR/small/walk.mp4"), 0);
    assert_null(strstr(program_output, "ynthetic")); /* nothing in it was painted */
    /* Who is exempt stays; nothing else is about, so all pictures do, but those before the face was found. */
    assert_int_equal(RUN("mkdir $DIR/leave"), 0);
    photograph_save(program_folder, "leave/a.png", "attributes/a.png", 260);
    program_expect(RUN(IDEM "--exempt $DIR/leave $DIR/in -o $DIR/left", photograph_models()), 0);
    r = report_of("left");
    assert_int_equal(whole(clip_of(r, 0), "exempt"), 16);
    assert_int_equal(whole(clip_of(r, 0), "frames_changed"), 0);
    json_decref(r);
}

/* A clip of nobody that is damaged in the middle: what is left of it is written, and said. */
static void a_damaged_clip_is_named(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(
        RUN("mkdir $DIR/in && ffmpeg -v error -y -f lavfi -i testsrc2=size=96x64:rate=25 -frames:v 60 -c:v "
            "libx264 -preset ultrafast -g 20 $DIR/in/x.mp4 && S=$(stat -c %%s $DIR/in/x.mp4) && head -c "
            "2000 /dev/urandom | dd of=$DIR/in/x.mp4 bs=1 seek=$((S / 2)) conv=notrunc status=none"),
        0);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/out", photograph_models()), 1);
    assert_true(program_says("is damaged in") && program_says("1 clip is damaged"));
    json_t *r = report_of("out");
    assert_true(whole(clip_of(r, 0), "damaged") > 0);
    assert_in_range(whole(clip_of(r, 0), "frames"), 20, 60);
    assert_int_equal(whole(json_object_get(r, "summary"), "unreadable"), 0);
    json_decref(r);
    program_expect(RUN("[ -e $DIR/out/x.mp4 ]"), 0);
}

/* What was found, edited: hidden, left, regions; and what was found again does what was done. */
static void ranges_by_hand_are_kept_to(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    make_walk();
    program_expect(RUN(IDEM "$DIR/in -o $DIR/out --boxes-out $DIR/found.json", photograph_models()), 0);
    char path[400];
    snprintf(path, sizeof path, "%s/found.json", program_folder);
    json_t *found = json_load_file(path, 0, NULL);
    const json_t *ranges = json_object_get(json_object_get(found, "clips"), "walk.mp4"),
                 *first = json_array_get(ranges, 0);
    assert_int_equal(json_array_size(ranges), 2); /* the face, and before it was first found */
    assert_string_equal(json_string_value(json_object_get(first, "do")), "replace");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "frames"), 0)), 20);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "frames"), 1)), 35);
    /* A face that is left, but hidden for four frames; a region without one; and nothing before it was found. */
    json_t *edited = json_pack(
        "{s:{s:[{s:[i,i], s:O, s:O, s:s}, {s:[i,i], s:[i,i,i,i], s:s}, {s:[i,i], s:[i,i,i,i], s:s}, "
        "{s:[i,i], s:[i,i,i,i], s:s}]}}",
        "clips", "walk.mp4", "frames", 20, 35, "box", json_object_get(first, "box"), "box_at_end",
        json_object_get(first, "box_at_end"), "do", "exempt", "frames", 26, 29, "box", 70, 40, 180, 200, "do", "hide",
        "frames", 0, 4, "box", 10, 180, 60, 230, "do", "hide", "frames", 12, 19, "box", 20, 40, 140, 200, "do", "skip");
    assert_non_null(edited);
    snprintf(path, sizeof path, "%s/edited.json", program_folder);
    assert_int_equal(json_dump_file(edited, path, 0), 0);
    json_decref(edited);
    json_decref(found);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/edited --boxes $DIR/edited.json", photograph_models()), 0);
    json_t *r = report_of("edited");
    const json_t *clip = clip_of(r, 0);
    assert_int_equal(whole(clip, "exempt"), 12);
    assert_int_equal(whole(clip, "hidden"), 4);
    assert_int_equal(whole(clip, "recomposed"), 0);
    assert_int_equal(whole(clip, "hidden_elsewhere"), 5);
    assert_int_equal(whole(clip, "frames_changed"), 9);
    json_decref(r);
    program_expect(RUN("for f in in edited; do ffmpeg -v error -y -i $DIR/$f/walk.mp4 -map 0:v -f framemd5 - | grep -v "
                       "'#' | sed 's/.*,//' > $DIR/$f.txt; done; diff $DIR/in.txt $DIR/edited.txt | grep -c '^>'"),
                   0);
    assert_int_equal(atoi(program_output), 4); /* the region lies on even ground */
    program_expect(RUN(IDEM "$DIR/in -o $DIR/again --boxes $DIR/found.json && "
                            "cmp $DIR/out/walk.mp4 $DIR/again/walk.mp4",
                       photograph_models()),
                   0);
}

/* A run that was broken off in a clip goes on with it: the same bytes as without a break. */
static void a_clip_is_gone_on_with(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    assert_int_equal(RUN("mkdir $DIR/in && ffmpeg -v error -y " GROUND FACE(
                         "attributes/b.png") "-filter_complex \"[1]scale=128:128[f];[0][f]overlay=x='10+0.6*(n-84)':"
                                             "y=50:enable='gte(n,84)'\" -frames:v 110 -c:v libx264 -preset ultrafast "
                                             "$DIR/in/long.mp4"),
                     0);
    photograph_save(program_folder, "in/a.png", "attributes/c.png", 200);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/whole", photograph_models()), 0);
    assert_int_equal(program_interrupt(program_folder, "out/long.mp4.idem-parts/000000.part",
                                       "exec env " IDEM "$DIR/in -o $DIR/out", photograph_models()),
                     130);
    program_expect(RUN("[ ! -e $DIR/out/long.mp4 ] && [ -e $DIR/out/.idem-anonymise-state ]"), 0);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/out", photograph_models()), 0);
    program_expect(RUN("cmp $DIR/whole/long.mp4 $DIR/out/long.mp4 && [ ! -e $DIR/out/long.mp4.idem-parts ] && "
                       "cmp $DIR/whole/anonymise-report.json $DIR/out/anonymise-report.json"),
                   0);
}

/* A clip between photographs, and one that is none: what two ranks make is what one makes. */
static void ranks_wait_for_a_clip(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    photograph_need_models();
    if (!mpi_is_there(program_folder))
        skip();
    assert_int_equal(RUN("mkdir $DIR/in && ffmpeg -v error -y " GROUND FACE(
                         "attributes/a.png") "-filter_complex \"[1]scale=128:128[f];[0][f]overlay=x='30+3*n':y=50\" "
                                             "-frames:v 6 -c:v libx264 -preset ultrafast $DIR/in/c.mp4"),
                     0);
    photograph_save(program_folder, "in/a.png", "identities/1.png", 200);
    photograph_save(program_folder, "in/b.png", "identities/2.png", 200);
    photograph_save(program_folder, "in/d.png", "identities/3.png", 200);
    photograph_save(program_folder, "in/e.png", "attributes/a.png", 200); /* the clip's person */
    program_file(program_folder, "in/e.mp4", "a film", false);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/one", photograph_models()), 1);
    program_expect(RUN(MPIRUN "-np 2 env " IDEM "$DIR/in -o $DIR/two", photograph_models()), 1);
    assert_true(program_says("passed over: ") && program_says("e.mp4"));
    program_expect(RUN("diff -r $DIR/one $DIR/two && ls $DIR/two"), 0);
    assert_true(program_says("c.mp4") && program_says("e.png"));
}

static void without_the_plug_in_clips_are_passed_over(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(RUN("mkdir $DIR/in"), 0);
    photograph_save(program_folder, "in/face.png", "attributes/a.png", 260);
    program_file(program_folder, "in/one.mp4", "a film", false);
    program_file(program_folder, "in/two.webm", "another", false);
    program_expect(RUN("cp $IDEM $DIR/alone && IDEM_MODELS='%s' $DIR/alone anonymise -q --threads 1 --refine 0 "
                       "--generator '" IDEM_SOURCE_DIR "/models/generator-128.safetensors' "
                       "--mapper '" IDEM_SOURCE_DIR
                       "/models/mapper-128.safetensors' $DIR/in -o $DIR/out 2>&1 >/dev/null",
                       photograph_models()),
                   1);
    assert_true(program_says("one.mp4: is a clip") && program_says("two.webm: is a clip"));
    assert_int_equal(program_lines(), 3);
    program_expect(RUN("[ -e $DIR/out/face.png ]"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_is_left_in_any_picture, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(what_is_not_painted_is_hidden_or_left_on_purpose, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(a_damaged_clip_is_named, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(ranges_by_hand_are_kept_to, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(a_clip_is_gone_on_with, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(ranks_wait_for_a_clip, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(without_the_plug_in_clips_are_passed_over, program_enter, program_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
