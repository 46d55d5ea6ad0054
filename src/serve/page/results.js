"use strict";
// What comes out: a picture over the one before it, a way, a grid, a report of faces.

let result = null; // address of the picture that is shown
const results = {}; // of each mode, how its last one is shown

function showOnly(figure) {
  for (const id of ["pair", "way", "sheet"]) $(id).hidden = id !== figure;
  $("empty").hidden = Boolean(figure);
  $("download").hidden = !figure;
  $("report").hidden = true;
}

// Shows one of the figures; the picture can be downloaded by that name.
async function showResult(blob, name, figure, draw) {
  if (result) URL.revokeObjectURL(result);
  result = URL.createObjectURL(blob);
  $("download").href = result;
  $("download").download = name;
  const at = mode();
  await draw();
  if (mode() === at) showOnly(figure);
}

async function showPair(before) {
  if ($("before").src && $("before").src !== $("after").src) URL.revokeObjectURL($("before").src);
  $("after").src = result;
  await $("after").decode();
  await showBefore(before);
}

// The two are laid over each other where they have the same shape; a face that was painted alone has another.
async function showBefore(picture) {
  const image = $("before"), after = $("after");
  image.src = URL.createObjectURL(picture);
  let fits = false;
  try {
    await image.decode();
    const a = image.naturalWidth / image.naturalHeight, b = after.naturalWidth / after.naturalHeight;
    fits = Math.abs(a / b - 1) < 0.01;
  } catch { /* HEIC, which few browsers show */ }
  if (!fits) {
    URL.revokeObjectURL(image.src);
    image.src = result;
  }
  document.querySelector("#pair .range").hidden = !fits;
}

let strip = null;
async function showWay(blob) {
  strip = await createImageBitmap(blob);
  const side = strip.height;
  $("frame").width = $("frame").height = side;
  $("place").max = strip.width / side - 1;
  drawPlace();
}

function drawPlace() {
  if (!strip) return;
  const side = strip.height;
  $("frame").getContext("2d").drawImage(strip, Number($("place").value) * side, 0, side, side, 0, 0, side, side);
}

async function showGrid() {
  $("grid").src = result;
  await $("grid").decode();
}

// ---- the report of /anonymise ----

const LEAST = -0.2; // the ends of a gauge: cosines
const part = (cosine) => `${Math.min(1, Math.max(0, (cosine - LEAST) / (1 - LEAST))) * 100}%`;

function mark(kind, cosine) {
  const line = document.createElement("i");
  line.className = kind;
  line.style.left = part(cosine);
  return line;
}

// One recogniser's cosine, its threshold and, where there is one, what was wanted. free: it may be above.
function gauge(label, reached, threshold, wanted, free) {
  const line = document.createElement("div"), track = document.createElement("span"), text = document.createElement("span");
  const said = reached === null ? "not measured" : reached.toFixed(2);
  line.className = "gauge";
  track.className = "track";
  track.setAttribute("role", "img");
  track.setAttribute("aria-label", `${label}: ${said}; two persons stay below ${threshold.toFixed(2)}${wanted === null ? "" : `; wanted ${wanted.toFixed(2)}`}`);
  track.append(mark("threshold", threshold));
  if (wanted !== null) track.append(mark("wish", wanted));
  if (reached !== null) track.append(mark(free ? "reached free" : reached > threshold ? "reached above" : "reached", reached));
  text.textContent = label;
  const value = document.createElement("b");
  value.textContent = said;
  line.append(text, value, track);
  return line;
}

const DONE = { recomposed: "replaced", hidden: "hidden", exempt: "left alone", skipped: "left alone" };

function showReport(report) {
  const { summary } = report, { faces } = report.pictures[0];
  const wanted = summary.similarity_wanted ?? null;
  $("report-title").textContent = faces.length === 1 ? "One face" : `${faces.length || "No"} faces`;
  $("report-note").textContent = !faces.length
    ? "Nothing was changed but the metadata, which is dropped. If there is a face, it was not found."
    : `Likeness to the person, by two recognisers: ● reached, ┃ threshold (of pairs of two persons 0.1 % are above)${wanted === null ? "" : ", ◆ wanted"}.`;
  $("faces").replaceChildren(...faces.map((face, i) => {
    const item = document.createElement("li"), line = document.createElement("p");
    line.textContent = `Face ${i + 1}: ${DONE[face.done]}${face.why ? ` (${face.why})` : ""}`;
    const wish = face.done === "recomposed" ? wanted : null;
    item.append(line, gauge("Training recogniser", face.cosine_recogniser, summary.recogniser.threshold, wish, wish !== null),
      gauge("Judge", face.cosine_judge, summary.judge.threshold, null, wish !== null));
    return item;
  }));
  $("report").hidden = false;
}
