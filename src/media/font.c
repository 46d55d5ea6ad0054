#define _GNU_SOURCE
#include "media/font.h"

#include <fontconfig/fontconfig.h>
#include <limits.h>
#include <pthread.h>

#include "base/file.h"
#include "base/models.h"

static const char *const files[] = {"../fonts/DejaVuSans.ttf", "../fonts/DejaVuSans-Bold.ttf"};
enum { FILES = sizeof files / sizeof *files };

/* Without a configuration fontconfig would write errors to standard error and find nothing; then it gets a
 * configuration with only these files. */
static void add(void) {
    char path[FILES][PATH_MAX];
    for (int i = 0; i < FILES; i++)
        if (idem_models_shipped(path[i], sizeof path[i], files[i]))
            return;
    const bool configured = idem_path_exists("/etc/fonts/fonts.conf");
    FcConfig *config = configured ? FcConfigGetCurrent() : FcConfigCreate();
    for (int i = 0; i < FILES && config; i++)
        FcConfigAppFontAddFile(config, (const FcChar8 *)path[i]);
    if (config && !configured)
        FcConfigSetCurrent(config);
}

void idem_font_ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, add);
}
