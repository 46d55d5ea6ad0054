/* Identifies weight files by content. */
#include "format/weights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/bytes.h"
#include "format/onnx.h"
#include "format/torch_private.h"

enum { JSON_MOST = 2 << 20 };
static const size_t FILE_MOST = (size_t)8 << 30;

static const struct {
    const char *magic;
    size_t length, at;
    const char *says;
} SIGNS[] = {
    {"\x89PNG\r\n", 6, 0, "a PNG picture"},
    {"\xff\xd8\xff", 3, 0, "a JPEG picture"},
    {"GIF8", 4, 0, "a GIF picture"},
    {"WEBP", 4, 8, "a WebP picture"},
    {"II*\0", 4, 0, "a TIFF picture or a camera's raw file"},
    {"MM\0*", 4, 0, "a TIFF picture or a camera's raw file"},
    {"ftyphei", 7, 4, "a HEIF picture (HEIC)"},
    {"ftypmif1", 8, 4, "a HEIF picture (HEIC)"},
    {"ftypavif", 8, 4, "an AVIF picture"},
    {"ftyp", 4, 4, "an MP4 video or HEIF picture"},
    {"\x1a\x45\xdf\xa3", 4, 0, "a Matroska or WebM video"},
    {"%PDF", 4, 0, "a PDF document"},
    {"\x1f\x8b", 2, 0, "a gzip archive; unpack it first"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, "a 7-Zip archive; unpack it first"},
    {"\xfd"
     "7zXZ",
     5, 0, "an xz archive; unpack it first"},
    {"BZh", 3, 0, "a bzip2 archive; unpack it first"},
    {"\x28\xb5\x2f\xfd", 4, 0, "a Zstandard archive; unpack it first"},
    {"ustar", 5, 257, "a tar archive; unpack it first"},
    {"\x89HDF", 4, 0, "an HDF5 file (Keras, older MATLAB)"},
    {"\x7f"
     "ELF",
     4, 0, "a program"},
    {"GGUF", 4, 0, "a GGUF file of a language model"},
    {"TFL3", 4, 4, "a TensorFlow Lite model"},
    {"version https://git-lfs", 23, 0,
     "a Git LFS pointer, not the file itself: fetch it with `git lfs pull` or from the download page"},
    {"PK\x03\x04", 4, 0, "a zip archive"},
    {"PK\x05\x06", 4, 0, "an empty zip archive"},
    {"\x93NUMPY", 6, 0, "a NumPy array"},
};

static bool holds(const unsigned char *bytes, size_t size, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++)
        if (bytes[i] == (unsigned char)word[0] && !memcmp(bytes + i, word, n))
            return true;
    return false;
}

static bool same_letters(unsigned char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (unsigned char)b;
}

static bool begins_html(const unsigned char *bytes, size_t size) {
    size_t at = 0;
    while (at < size && strchr(" \t\r\n\xef\xbb\xbf", bytes[at]) && bytes[at])
        at++;
    static const char *const TAGS[] = {"<!doctype", "<html", "<head", "<?xml"};
    for (size_t t = 0; t < sizeof TAGS / sizeof *TAGS; t++) {
        size_t k = 0;
        while (TAGS[t][k] && at + k < size && same_letters(bytes[at + k], TAGS[t][k]))
            k++;
        if (!TAGS[t][k])
            return true;
    }
    return false;
}

static bool is_pickle(const unsigned char *bytes, size_t size) {
    return size > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

static bool is_safetensors(const unsigned char *bytes, size_t size) {
    return size > 9 && bytes[8] == '{' && idem_le64(bytes) >> 32 == 0;
}

/* Protocol buffers have no magic: field 1 (version) as a small number, then field 2 (the producer) or 7 (the graph). */
static bool is_onnx(const unsigned char *bytes, size_t size) {
    return size > 16 && bytes[0] == 0x08 && bytes[1] < 32 && (bytes[2] == 0x12 || bytes[2] == 0x3a);
}

int idem_onnx_is(const char *path, bool *onnx) {
    unsigned char head[32];
    FILE *f = fopen(path, "rb");
    if (!f)
        return idem_fail("%s: cannot open: %s", path, strerror(errno));
    const size_t n = fread(head, 1, sizeof head, f);
    const int failed = ferror(f) ? errno : 0;
    fclose(f);
    *onnx = is_onnx(head, n);
    return failed ? idem_fail("%s: cannot read: %s", path, strerror(failed)) : 0;
}

const char *idem_looks_like(const unsigned char *bytes, size_t size) {
    if (size == 0)
        return "an empty file (a failed download?)";
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
        if (size >= SIGNS[i].at + SIGNS[i].length && !memcmp(bytes + SIGNS[i].at, SIGNS[i].magic, SIGNS[i].length))
            return SIGNS[i].says;
    if (begins_html(bytes, size))
        return "an HTML page (a failed download?)";
    if (idem_torch_is_legacy(bytes, size))
        return "a legacy PyTorch pickle (before 1.6)";
    if (is_pickle(bytes, size) && !is_safetensors(bytes, size)) {
        size_t head = size < 4096 ? size : 4096;
        if (holds(bytes, head, "dnnlib") || holds(bytes, head, "torch_utils") || holds(bytes, head, "persistence"))
            return "an NVIDIA .pkl";
        return "a Python pickle";
    }
    if (is_safetensors(bytes, size))
        return "safetensors";
    if (is_onnx(bytes, size))
        return "an ONNX model";
    size_t zeros = 0, text = 0, head = size < 512 ? size : 512;
    for (size_t i = 0; i < head; i++) {
        zeros += bytes[i] == 0;
        text += (bytes[i] >= 32 && bytes[i] < 127) || (bytes[i] >= 9 && bytes[i] <= 13);
    }
    return zeros == head ? "zeros (an unfinished download?)" : text == head ? "a text file" : "nothing known here";
}

int idem_json_check(const unsigned char *text, size_t size, const char *what) {
    if (size > JSON_MOST)
        return idem_fail("%s: a JSON header of %zu bytes, at most %d are accepted", what, size, JSON_MOST);
    size_t containers = 0, depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '{' || text[i] == '[') {
            containers++;
            if (++depth > 16)
                return idem_fail("%s: JSON nested more than 16 deep", what);
        } else if ((text[i] == '}' || text[i] == ']') && depth) {
            depth--;
        }
    }
    if (containers > 64 + size / 12)
        return idem_fail("%s: a JSON header with %zu lists in %zu bytes describes no tensors", what, containers, size);
    return 0;
}

static int load_npy(idem_weights **out, const unsigned char *bytes, size_t size, const char *path) {
    idem_shape shape;
    float *data;
    if (idem_npy_parse(bytes, size, path, &shape, &data))
        return -1;
    idem_weights *w = idem_weights_new();
    idem_weight *t = w ? idem_weights_add_from(w, path, "array", shape) : NULL;
    if (t)
        idem_weight_write(t, data);
    free(data);
    if (!t) {
        idem_weights_free(w);
        return -1;
    }
    *out = w;
    return 0;
}

static int parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *path) {
    /* First: a header's length may look like the beginning of a pickle. */
    if (is_safetensors(bytes, size))
        return idem_safetensors_parse(out, bytes, size, path);
    if ((size > 4 && !memcmp(bytes, "PK\x03\x04", 4)) || is_pickle(bytes, size))
        return idem_torch_parse(out, bytes, size, path);
    if (size > 6 && !memcmp(bytes, "\x93NUMPY", 6))
        return load_npy(out, bytes, size, path);
    const char *seen = idem_looks_like(bytes, size);
    if (is_onnx(bytes, size))
        return idem_fail("%s: looks like %s, a network and not a set of weights", path, seen);
    return idem_fail("%s: looks like %s; expected weights as safetensors, a PyTorch file, .npy or a weights manifest",
                     path, seen);
}

int idem_weights_load(idem_weights **out, const char *path) {
    unsigned char *bytes;
    size_t size, at = 0;
    if (idem_file_read(path, FILE_MOST, &bytes, &size))
        return -1;
    while (at < size && strchr(" \t\r\n", bytes[at]) && bytes[at])
        at++;
    bool json = at < size && (bytes[at] == '[' || bytes[at] == '{') && !is_safetensors(bytes, size);
    int status = json ? 0 : parse(out, bytes, size, path);
    free(bytes);
    return json ? idem_manifest_load(out, path) : status;
}
