#include "support/work.h"

#define GENERATOR(side, listed)                                                                                        \
    {"stylegan2-" #side "-forward", listed, {1, listed ? 4 : 0}, bench_prepare_stylegan2, side, false, 0}, {           \
        "stylegan2-" #side "-grad-w", listed, {1, listed ? 4 : 0}, bench_prepare_stylegan2, side, true, 0              \
    }
#define ONNX(name)                                                                                                     \
    { #name "-forward", true, {1, 16 }, bench_prepare_onnx, 0, false, #name }

/* clang-format off */
const bench_case bench_cases[] = {
    GENERATOR(256, true),
    {"generator-64-forward", true, {1, 16}, bench_prepare_generator, 64, false, 0},
    {"generator-64-grad-w", true, {1, 16}, bench_prepare_generator, 64, true, 0},
    ONNX(fr_detect),
    ONNX(fr_landmark),
    ONNX(fr_feature),
    ONNX(fr_pose),
    ONNX(fr_expression),
    {"iteration-64", true, {6, 0}, bench_prepare_iteration, 64, false, 0},
    {"iteration-256", true, {6, 0}, bench_prepare_iteration, 256, false, 0},
    {"gan-iteration-128", true, {16, 0}, bench_prepare_gan, 128, false, 0},
    {"refine-128", true, {1, 4}, bench_prepare_refine, 128, true, 0},
    {"compose-cold", true, {1, 0}, bench_prepare_compose, 64, false, 0},
    /* the rest only by name, for the growth of cost */
    GENERATOR(64, false),
    GENERATOR(128, false),
    GENERATOR(512, false),
    GENERATOR(1024, false),
    {"gan-iteration-64", false, {16, 0}, bench_prepare_gan, 64, false, 0},
    {0},
};
