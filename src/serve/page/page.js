"use strict";
// The page asks only its own server, by the same interface that curl may use.

const STEPS = 33;
const $ = (id) => document.getElementById(id);
const sources = {};
let running = null; // AbortController of the request at hand
let result = null; // address of the last picture

function mode() {
  return document.querySelector("input[name=mode]:checked").value;
}

function wanted() {
  return mode() === "compose" ? ["identity", "attributes"] : ["identity", "identity2", "attributes"];
}

function say(text) {
  $("status").textContent = text;
}

function complain(text) {
  $("message").textContent = text || "";
  $("message").hidden = !text;
}

// Messages begin with the field they are about; here it is a card.
function withoutField(text) {
  const field = text.split(": ", 1)[0];
  return sources[field] ? text.slice(field.length + 2) : text;
}

function withCard(text) {
  const source = sources[text.split(": ", 1)[0]];
  return source ? `${source.title}: ${withoutField(text)}` : text;
}

async function ask(path, form, signal) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: form, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("idem does not answer: is idem serve still running?");
  }
  if (answer.ok) return answer;
  let message = `idem answered with status ${answer.status}`;
  try {
    message = (await answer.json()).error.message;
  } catch { /* no JSON: the status says it */ }
  throw new Error(message);
}

// ---- the pictures that go in ----

class Source {
  constructor(name, samples, label) {
    this.name = name;
    this.card = $(name);
    this.title = this.card.querySelector("h2").textContent;
    this.card.append($("source").content.cloneNode(true));
    this.drop = this.card.querySelector(".drop");
    this.image = this.card.querySelector(".shown img");
    this.boxes = this.card.querySelector(".boxes");
    this.found = this.card.querySelector(".found");
    this.file = null;
    this.face = 1;
    const input = this.card.querySelector("input[type=file]");
    input.addEventListener("change", () => input.files[0] && this.take(input.files[0]));
    for (const event of ["dragenter", "dragover"])
      this.drop.addEventListener(event, (e) => { e.preventDefault(); this.drop.classList.add("over"); });
    this.drop.addEventListener("dragleave", () => this.drop.classList.remove("over"));
    this.drop.addEventListener("drop", (e) => {
      e.preventDefault();
      this.drop.classList.remove("over");
      if (e.dataTransfer.files[0]) this.take(e.dataTransfer.files[0]);
    });
    this.addSamples(samples, label);
  }

  addSamples(samples, label) {
    const group = this.card.querySelector(".samples");
    group.setAttribute("aria-label", `Samples of nobody: ${label}`);
    samples.forEach((address, i) => {
      const button = document.createElement("button");
      const image = document.createElement("img");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", `Sample ${i + 1}: ${label}`);
      image.src = address;
      image.alt = "";
      image.addEventListener("error", () => button.remove());
      button.append(image);
      button.addEventListener("click", async () => {
        try {
          await this.take(await (await fetch(address)).blob());
          button.setAttribute("aria-pressed", "true");
        } catch {
          complain("The sample could not be read: is idem serve still running?");
        }
      });
      group.append(button);
    });
  }

  async take(file) {
    complain();
    this.file = file;
    this.face = 1;
    this.boxes.replaceChildren();
    for (const button of this.card.querySelectorAll(".samples button")) button.setAttribute("aria-pressed", "false");
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.image.onerror = () => { this.card.querySelector(".shown").hidden = true; };
    this.image.src = URL.createObjectURL(file);
    this.image.alt = `The picture for: ${this.title}`;
    this.card.querySelector(".shown").hidden = false;
    this.drop.classList.add("full");
    this.card.querySelector(".file span").textContent = "Choose another";
    ready();
    await this.look(file);
  }

  async look(file) {
    const form = new FormData();
    form.append("attributes", file);
    this.found.textContent = "Looking for faces…";
    try {
      const seen = await (await ask("/faces", form)).json();
      if (file !== this.file) return;
      this.show(seen);
    } catch (error) {
      if (file !== this.file) return;
      this.found.textContent = withoutField(error.message);
    }
  }

  show(seen) {
    const n = seen.faces.length;
    this.found.textContent = seen.whole ? "One face, taken whole" : n === 0 ? "No face was found in this picture" : n === 1 ? "One face" : `${n} faces: choose one`;
    if (this.name !== "attributes" && n > 1) this.found.textContent = `${n} faces, the largest is taken`;
    if (seen.whole) return;
    seen.faces.forEach((face, i) => {
      const button = document.createElement("button");
      const [left, top, right, bottom] = face.box_part.map((x) => Math.min(1, Math.max(0, x)) * 100);
      button.type = "button";
      button.style.left = `${left}%`;
      button.style.top = `${top}%`;
      button.style.width = `${right - left}%`;
      button.style.height = `${bottom - top}%`;
      button.setAttribute("aria-label", `Face ${i + 1} of ${n}`);
      button.setAttribute("aria-pressed", String(i === 0));
      button.disabled = this.name !== "attributes";
      button.addEventListener("click", () => {
        this.face = i + 1;
        for (const other of this.boxes.children) other.setAttribute("aria-pressed", String(other === button));
      });
      this.boxes.append(button);
    });
  }
}

// ---- what comes out ----

function ready() {
  $("go").disabled = Boolean(running) || !wanted().every((name) => sources[name].file);
}

function busy(on) {
  $("busy").hidden = !on;
  $("stage").setAttribute("aria-busy", String(on));
  if (on) $("cancel").focus();
  else $("go").focus();
  ready();
}

// What the server says of the job, until the request has ended.
async function follow(job, signal) {
  while (!signal.aborted) {
    await new Promise((done) => setTimeout(done, 300));
    if (signal.aborted || !running) return;
    try {
      const state = await (await fetch(`/jobs/${job}`, { signal })).json();
      if (state.before === undefined) continue;
      const text = state.before > 0 ? `Waiting for ${state.before} other${state.before > 1 ? "s" : ""}` : state.doing[0].toUpperCase() + state.doing.slice(1);
      $("doing").textContent = text;
      if (state.of > 1) {
        $("progress").max = state.of;
        $("progress").value = state.done;
      } else {
        $("progress").removeAttribute("value");
      }
    } catch { return; }
  }
}

async function showPicture(blob, before) {
  if (result) URL.revokeObjectURL(result);
  result = URL.createObjectURL(blob);
  $("download").href = result;
  $("download").hidden = false;
  $("empty").hidden = true;
  if (mode() === "compose") {
    if ($("before").src && $("before").src !== $("after").src) URL.revokeObjectURL($("before").src);
    $("after").src = result;
    await $("after").decode();
    await showBefore(before);
    $("download").download = "idem.png";
  } else {
    await showWay(blob);
    $("download").download = "idem-slider.png";
  }
  $("pair").hidden = mode() !== "compose";
  $("way").hidden = mode() === "compose";
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

async function run(event) {
  event.preventDefault();
  if (running || !wanted().every((name) => sources[name].file)) return;
  const form = new FormData();
  const job = crypto.getRandomValues(new Uint32Array(3)).join("-");
  const path = `/${mode()}`;
  for (const name of wanted()) form.append(name, sources[name].file);
  form.append("job", job);
  form.append("refine", $("refine").value);
  form.append("face", String(sources.attributes.face));
  if (path === "/compose" && $("keep").checked) form.append("keep_size", "1");
  if (path === "/interpolate") form.append("steps", String(STEPS));
  const before = sources.attributes.file;
  running = new AbortController();
  complain();
  $("doing").textContent = "Sending";
  $("progress").removeAttribute("value");
  busy(true);
  const started = performance.now();
  try {
    const { signal } = running;
    follow(job, signal);
    const blob = await (await ask(path, form, signal)).blob();
    await showPicture(blob, before);
    say(`Done in ${((performance.now() - started) / 1000).toFixed(1)} seconds`);
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled");
    else complain(withCard(error.message));
  }
  running = null;
  busy(false);
}

function changeMode() {
  const slider = mode() === "interpolate";
  $("identity2").hidden = !slider;
  $("keep-line").hidden = slider;
  $("go").textContent = slider ? "Make the slider" : "Compose";
  $("empty").textContent = slider ? "Choose two people and one more picture, then make the slider." : "Choose two faces, then compose.";
  ready();
}

const identities = [1, 2, 3, 4, 5, 6].map((i) => `/samples/identities/${i}.png`);
const attributes = ["a", "b", "c", "d", "e", "f"].map((i) => `/samples/attributes/${i}.png`);
sources.identity = new Source("identity", identities, "who");
sources.attributes = new Source("attributes", attributes, "how");
sources.identity2 = new Source("identity2", identities, "to whom");
$("settings").addEventListener("submit", run);
$("cancel").addEventListener("click", () => running && running.abort());
$("split").addEventListener("input", () => $("compare").style.setProperty("--split", `${100 - $("split").value}%`));
$("place").addEventListener("input", drawPlace);
for (const radio of document.querySelectorAll("input[name=mode]")) radio.addEventListener("change", changeMode);
for (const event of ["dragover", "drop"]) window.addEventListener(event, (e) => e.preventDefault());
changeMode();
