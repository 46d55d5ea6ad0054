/* idem_project_parse on any bytes: what a project file holds once it is decrypted. Seeds: one of two persons. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "compose/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_project p;
    if (!idem_project_parse(&p, data, size, "fuzz")) {
        for (size_t i = 0; i < (size_t)p.persons * p.person_width; i++)
            if (!isfinite(p.person_rows[i]))
                abort();
        idem_project_free(&p);
    }
    return 0;
}
