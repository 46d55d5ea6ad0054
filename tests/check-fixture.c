/* check-fixture DIR [--models DIR] [--threads N]: runs a fixture folder, a line per output; 0 if all are as expected,
 * else 1; 2 for wrong usage. */
#include <stdlib.h>
#include <string.h>

#include "support/fixture.h"

static const char USAGE[] = "usage: check-fixture DIR [--models DIR] [--threads N]\n";

int main(int argc, char **argv) {
    const char *dir = NULL, *models = getenv("IDEM_MODELS");
    int threads = 0;
    bool wrong = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--models") == 0 && i + 1 < argc)
            models = argv[++i];
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (!dir && argv[i][0] != '-')
            dir = argv[i];
        else if (strcmp(argv[i], "--help") == 0)
            return fputs(USAGE, stdout) < 0;
        else
            wrong = true;
    }
    if (wrong || !dir || !*dir || threads < 0) {
        fputs(USAGE, stderr);
        return 2;
    }
    const int status = fixture_run(dir, models ? models : IDEM_SOURCE_DIR "/models/cache", threads, stdout, NULL);
    if (status < 0)
        fprintf(stdout, "%s: FAILED: %s\n", dir, idem_error());
    return status == 0 ? 0 : 1;
}
