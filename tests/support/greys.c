#include "support/greys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/image.h"
#include "support/program.h"

int greys_enter(void **state) {
    char path[128];
    if (program_enter(state))
        return -1;
    snprintf(path, sizeof path, "%s/data/inner", program_folder);
    assert_int_equal(idem_dir_make(path), 0);
    for (int i = 0; i < GREYS; i++) {
        idem_image im;
        assert_int_equal(idem_image_new(&im, 20 + i, 16), 0);
        for (int p = 0; p < im.width * im.height; p++)
            for (int c = 0; c < 3; c++)
                im.rgb[3 * p + c] = (uint8_t)(30 * i + (p % im.width < im.width / 2 ? 0 : 15));
        snprintf(path, sizeof path, "%s/data/%s%d.png", program_folder, i % 2 ? "inner/" : "", i);
        assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
        idem_image_free(&im);
    }
    snprintf(path, sizeof path, "%s/data/notes.txt", program_folder);
    return idem_file_write(path, "no picture", 10);
}
