#include "cli/outside.h"

#include "cli/progress.h"
#include "face/align.h"

void idem_outside_remark(const char *path, int face, const idem_crop *frame) {
    const double outside = idem_align_outside(frame);
    if (outside >= IDEM_OUTSIDE_MUCH)
        idem_cli_say("idem: %s: %.0f %% of the frame of face %d is outside the photograph and made up", path,
                     100 * outside, face + 1);
}
