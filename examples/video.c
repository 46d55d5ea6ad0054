/* Gives the faces of a clip another identity: example_video NEW.jpg CLIP.mp4 OUT.mp4 */
#include <stdio.h>

#include <idem.h>

static void tell(void *user, int pass, int64_t done, int64_t of) {
    (void)user;
    fprintf(stderr, "\rpass %d: %lld of %lld", pass, (long long)done, (long long)of);
}

int main(int argc, char **argv) {
    char generator[4096], mapper[4096];
    idem_options options;
    idem_video_options video;
    idem_video_report report = {.struct_size = sizeof report};
    if (argc != 4) {
        fprintf(stderr, "usage: %s NEW.jpg CLIP.mp4 OUT.mp4\n", argv[0]);
        return 2;
    }
    idem_options_default(&options);
    idem_video_options_default(&video);
    video.identity = argv[1];
    video.faces = IDEM_VIDEO_ALL;
    video.progress = tell;
    idem_context *c = NULL;
    if (!idem_find_shipped(IDEM_SHIPPED_GENERATOR, generator, sizeof generator) &&
        !idem_find_shipped(IDEM_SHIPPED_MAPPER, mapper, sizeof mapper)) {
        options.generator = generator;
        options.mapper = mapper;
        c = idem_open(&options);
    }
    const int status = c ? idem_compose_video(c, argv[2], argv[3], &video, &report) : -1;
    if (status)
        fprintf(stderr, "\n%s\n", idem_last_error());
    else
        fprintf(stderr, "\n%lld frames, %lld faces of %d persons\n", (long long)report.frames, (long long)report.faces,
                report.changed);
    idem_close(c);
    return status ? 1 : 0;
}
