#include "compose/hand_box.h"

#include <math.h>
#include <string.h>

static const char *const wishes[] = {[IDEM_BY_HAND_HIDE] = "hide",
                                     [IDEM_BY_HAND_SKIP] = "skip",
                                     [IDEM_BY_HAND_REPLACE] = "replace",
                                     [IDEM_BY_HAND_EXEMPT] = "exempt"};
enum { WISHES = sizeof wishes / sizeof *wishes };

int idem_hand_wish(const char *text) {
    for (int i = 0; text && i < WISHES; i++)
        if (!strcmp(text, wishes[i]))
            return i;
    return -1;
}

const char *idem_hand_word(idem_by_hand wish) {
    return wishes[wish];
}

int idem_hand_box_take(float box[4], const json_t *j) {
    bool good = json_is_array(j) && json_array_size(j) == 4;
    for (size_t i = 0; i < 4 && good; i++) {
        const json_t *number = json_array_get(j, i);
        good = json_is_number(number) && fabs(json_number_value(number)) < 1e6;
        box[i] = (float)json_number_value(number);
    }
    return good && box[2] > box[0] && box[3] > box[1] ? 0 : -1;
}
