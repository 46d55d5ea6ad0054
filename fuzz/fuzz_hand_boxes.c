/* idem_hand_boxes_parse on any text, and what is taken from it. Seeds: pictures, clips. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "compose/clip_hand.h"
#include "compose/hand_boxes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_pictures(const json_t *all) {
    const char *name;
    json_t *list;
    json_object_foreach(json_object_get(all, "pictures"), name, list) {
        idem_hand_boxes boxes;
        if (idem_hand_boxes_of(&boxes, all, name))
            continue;
        for (int i = 0; i < boxes.n; i++)
            if (!(boxes.at[i].box[2] > boxes.at[i].box[0]))
                abort();
        free((void *)(uintptr_t)boxes.at);
    }
}

static void take_clips(const json_t *all) {
    const char *name;
    json_t *list;
    json_object_foreach(json_object_get(all, "clips"), name, list) {
        idem_clip_hand hand;
        if (idem_clip_hand_take(&hand, list, 640, 480))
            continue;
        for (int i = 0; i < hand.n; i++) {
            const idem_cover *c = &hand.at[i].cover;
            const idem_box box = idem_cover_box(c, c->first + (c->last - c->first) / 2);
            if (c->first < 0 || c->last < c->first || !isfinite(box.x0) || !(box.x1 > box.x0) ||
                idem_clip_hand_on(&hand, c->first, &c->from) < 0)
                abort();
        }
        free(hand.at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *all = idem_hand_boxes_parse((const char *)data, size, "fuzz");
    if (!all)
        return 0;
    take_pictures(all);
    take_clips(all);
    json_decref(all);
    return 0;
}
