#include "face/frame.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The landmark net's box in units of the face: measured on portraits against an independent landmark detector. */
static const float box_below_eyes = 0.42f; /* of the way from the eyes to the mouth, to the box's centre */
static const float box_side = 2.7f;        /* in means of eye distance and eye-mouth distance */

int idem_frame_from_five(idem_frame *frame, const float (*five)[2]) {
    *frame = (idem_frame){0};
    memcpy(frame->five, five, sizeof frame->five);
    if (idem_crop_fit(&frame->recogniser, idem_template_112, five, 5, 1, 1))
        return -1;
    float eyes[2], mouth[2];
    for (int k = 0; k < 2; k++) {
        eyes[k] = (five[0][k] + five[1][k]) / 2;
        mouth[k] = (five[3][k] + five[4][k]) / 2;
    }
    float apart = hypotf(five[1][0] - five[0][0], five[1][1] - five[0][1]);
    float down = hypotf(mouth[0] - eyes[0], mouth[1] - eyes[1]);
    float half = box_side * (apart + down) / 4;
    float x = eyes[0] + box_below_eyes * (mouth[0] - eyes[0]), y = eyes[1] + box_below_eyes * (mouth[1] - eyes[1]);
    frame->landmark = idem_crop_from_box(&(idem_box){x - half, y - half, x + half, y + half});
    return 0;
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int idem_frame_find(idem_frame *frame, const float (*points)[68][2], int n) {
    int good = 0;
    for (int i = 0; i < n; i++)
        good += !isnan(points[i][0][0]);
    if (good == 0 || 2 * good < n)
        return idem_fail(
            "a face was found in %d of %d generated pictures, expected at least half; the generator may not make faces",
            good, n);
    float *column = malloc((size_t)good * sizeof *column);
    if (!column)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the landmarks of %d pictures", good);
    float median[68][2], five[5][2];
    for (int p = 0; p < 68; p++)
        for (int k = 0; k < 2; k++) {
            int at = 0;
            for (int i = 0; i < n; i++)
                if (!isnan(points[i][0][0]))
                    column[at++] = points[i][p][k];
            qsort(column, (size_t)good, sizeof *column, by_value);
            median[p][k] = (column[(good - 1) / 2] + column[good / 2]) / 2;
        }
    free(column);
    idem_points_five(five, median);
    if (idem_frame_from_five(frame, five))
        return -1;
    frame->pictures = good;
    frame->failed = n - good;
    return 0;
}

int idem_frame_outside(const idem_frame *frame, int size, uint8_t *outside) {
    idem_crop inverse;
    if (idem_crop_invert(&inverse, &frame->landmark))
        return -1;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float at[1][2] = {{((float)x + 0.5f) / (float)size, ((float)y + 0.5f) / (float)size}};
            idem_crop_points(at, (const float(*)[2])at, 1, &inverse);
            outside[y * size + x] = hypotf(at[0][0] - 0.5f, at[0][1] - 0.5f) > 0.5f;
        }
    return 0;
}

static int store_numbers(idem_weights *w, const char *key, const float *x, int n) {
    char text[512];
    int used = 0;
    for (int i = 0; i < n; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, i ? " %.9g" : "%.9g", (double)x[i]);
    return idem_weights_set_meta(w, key, text);
}

static int load_numbers(float *x, int n, const idem_weights *w, const char *key) {
    const char *text = idem_weights_meta(w, key), *at = text;
    if (!text)
        return idem_fail(
            "the model has no \"%s\": it was not saved with the place of the face in its pictures; a mapper "
            "that idem train writes has it",
            key);
    for (int i = 0; i < n; i++) {
        char *end;
        x[i] = strtof(at, &end);
        if (end == at || !isfinite(x[i]))
            return idem_fail("\"%s\" is \"%.100s\", expected %d numbers", key, text, n);
        at = end;
    }
    if (at[strspn(at, " ")])
        return idem_fail("\"%s\" is \"%.100s\", expected %d numbers", key, text, n);
    return 0;
}

int idem_frame_store(const idem_frame *frame, idem_weights *w) {
    const float pictures[2] = {(float)frame->pictures, (float)frame->failed};
    return store_numbers(w, "frame.five", &frame->five[0][0], 10) ||
                   store_numbers(w, "frame.recogniser", frame->recogniser.m, 6) ||
                   store_numbers(w, "frame.landmark", frame->landmark.m, 6) ||
                   store_numbers(w, "frame.pictures", pictures, 2)
               ? -1
               : 0;
}

int idem_frame_load(idem_frame *frame, const idem_weights *w) {
    float pictures[2] = {0};
    if (load_numbers(&frame->five[0][0], 10, w, "frame.five") ||
        load_numbers(frame->recogniser.m, 6, w, "frame.recogniser") ||
        load_numbers(frame->landmark.m, 6, w, "frame.landmark") || load_numbers(pictures, 2, w, "frame.pictures"))
        return -1;
    if (!(pictures[0] >= 0 && pictures[0] < 1e9f && pictures[1] >= 0 && pictures[1] < 1e9f))
        return idem_fail("\"frame.pictures\" is %g %g, expected two counts", (double)pictures[0], (double)pictures[1]);
    frame->pictures = (int)pictures[0];
    frame->failed = (int)pictures[1];
    return 0;
}
