#define _GNU_SOURCE
#include "cli/photos.h"

#include "base/models.h"
#include "base/status.h"

enum { PATH_SIZE = 4096 };

idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options) {
    char detect[PATH_SIZE], landmark[PATH_SIZE], angles[PATH_SIZE];
    if (idem_models_find(detect, sizeof detect, NULL, "fr_detect.onnx") ||
        idem_models_find(landmark, sizeof landmark, NULL, "fr_landmark.onnx") ||
        (pose && idem_models_find(angles, sizeof angles, NULL, "fr_pose.onnx")))
        return NULL;
    return idem_finder_new(&(idem_finder_files){detect, landmark, pose ? angles : NULL}, options);
}

idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options) {
    char feature[PATH_SIZE], second[PATH_SIZE];
    if (idem_models_find(feature, sizeof feature, NULL, "fr_feature.onnx") ||
        (judge && idem_models_find(second, sizeof second, NULL, "face_recognition_model-weights_manifest.json")))
        return NULL;
    return idem_embedder_new(feature, judge ? second : NULL, options);
}
