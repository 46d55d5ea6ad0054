#include "media/plugin/video.h"

#include <libavutil/log.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "media/plugin/video_private.h"

static _Thread_local char last_line[200];

static void keep_line(void *about, int level, const char *format, va_list list) {
    (void)about;
    if (level <= AV_LOG_ERROR) {
        vsnprintf(last_line, sizeof last_line, format, list);
        last_line[strcspn(last_line, "\n")] = 0;
    }
}

const char *av_last_line(void) {
    return last_line;
}

void av_last_line_clear(void) {
    *last_line = 0;
}

void av_log_keep(void) {
    av_log_set_callback(keep_line);
}

av_text av_error_text(int error) {
    av_text t = {""};
    av_strerror(error, t.text, sizeof t.text);
    return t;
}

char *av_file_url(const char *path) {
    const size_t size = strlen(path) + 6;
    char *url = malloc(size);
    if (url)
        snprintf(url, size, "file:%s", path);
    return url;
}

static pthread_once_t started = PTHREAD_ONCE_INIT;

static const idem_av functions = {
    .version = IDEM_VIDEO_VERSION,
    .reader_open = av_reader_open,
    .reader_next = av_reader_next,
    .reader_close = av_reader_close,
    .frame_free = av_frame_release,
    .colours_open = av_colours_open,
    .colours_get = av_colours_get,
    .colours_put = av_colours_put,
    .colours_close = av_colours_close,
    .choose = av_choose,
    .encoder_open = av_encoder_open,
    .encoder_put = av_encoder_put,
    .encoder_close = av_encoder_close,
    .mux_open = av_mux_open,
    .mux_put = av_mux_put,
    .mux_finish = av_mux_finish,
    .mux_close = av_mux_close,
    .sound = av_sound,
};

__attribute__((visibility("default"))) idem_video_plugin IDEM_VIDEO_PLUGIN;

const idem_av *IDEM_VIDEO_PLUGIN(void) {
    pthread_once(&started, av_log_keep);
    return &functions;
}
