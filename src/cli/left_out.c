#include "cli/left_out.h"

#include "base/status.h"
#include "cli/progress.h"
#include "media/format.h"

static idem_left_out all;

int idem_left_out_list(idem_listing *l, const char *dir) {
    if (idem_listing_read(l, dir))
        return -1;
    idem_left_out_add(&all, l, true);
    return 0;
}

void idem_left_out_take(const idem_left_out *o) {
    idem_left_out_join(&all, o);
}

void idem_left_out_say(bool quiet) {
    char text[1000];
    if (!quiet && *idem_left_out_text(&all, text, sizeof text))
        idem_cli_say("idem: %s", text);
}

size_t idem_left_out_files(void) {
    return all.files;
}
