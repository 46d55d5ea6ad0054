/* check-tiny DIR: writes generator.safetensors and mapper.safetensors of the tiny ensemble into a folder, for tests
 * that are scripts. Exits 1 when the downloaded nets it needs are not there. */
#include <stdio.h>

#include "base/status.h"
#include "support/tiny.h"

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: check-tiny DIR\n");
        return 2;
    }
    if (!tiny_has_models())
        return 1;
    if (tiny_write(argv[1])) {
        fprintf(stderr, "check-tiny: %s\n", idem_error());
        return 1;
    }
    return 0;
}
