"use strict";
// The page asks only its own server, by the same interface that curl may use.

const STEPS = 33;
const $ = (id) => document.getElementById(id);
const sources = {}; // cards by name
let running = null; // AbortController of the request at hand

// cards: those that are shown and needed.
const MODES = {
  compose: { cards: ["identity", "attributes"], go: "Compose", empty: "Choose two faces, then compose." },
  interpolate: { cards: ["identity", "identity2", "attributes"], go: "Make the slider", empty: "Choose two people and one more picture, then make the slider." },
  grid: { cards: ["rows", "columns"], go: "Make the grid", empty: "Choose up to four people and four pictures, then make the grid." },
  anonymise: { cards: ["photograph"], go: "Anonymise", empty: "Choose a photograph, then anonymise it." },
};

function mode() {
  return document.querySelector("input[name=mode]:checked").value;
}

function isReady() {
  return MODES[mode()].cards.every((name) => sources[name] && (sources[name].files ? sources[name].files.length : sources[name].file));
}

function say(text) {
  $("status").textContent = text;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function complain(text) {
  $("message").textContent = sentence(text || "");
  $("message").hidden = !text;
}

// Messages begin with the field they are about; here it is a card, or a picture of a tray.
function splitField(text) {
  const [, kind, number, rest] = /^(identity|attributes|photograph)([2-4]?): (.*)$/s.exec(text) || [];
  if (!kind) return ["", text];
  if (mode() === "grid") return [`${sources[kind === "identity" ? "rows" : "columns"].title}, picture ${number || 1}`, rest];
  return [(sources[kind + number] || sources[kind]).title, rest];
}

function withoutField(text) {
  return splitField(text)[1];
}

function withCard(text) {
  const [card, rest] = splitField(text);
  return card ? `${card}: ${rest}` : text;
}

const RESTARTED = "the server was started again: open the address that idem serve printed";

// Why a request could not be sent.
async function whyUnsent() {
  try {
    const answer = await fetch("/jobs/none");
    if (answer.status === 403) return RESTARTED;
    return "a picture could not be read: its file was changed or removed; choose it again";
  } catch {
    return "the server does not answer: is idem serve still running?";
  }
}

async function ask(path, form, signal) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: form, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(await whyUnsent());
  }
  if (answer.ok) return answer;
  if (answer.status === 403) throw new Error(RESTARTED);
  let message = `the server answered with status ${answer.status}`;
  try {
    message = (await answer.json()).error.message;
  } catch { /* no JSON: the status says it */ }
  throw new Error(message);
}

function ready() {
  $("go").disabled = Boolean(running) || !isReady();
}

function busy(on) {
  $("busy").hidden = !on;
  $("stage").setAttribute("aria-busy", String(on));
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.disabled = on;
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
      const text = state.before > 0 ? `Waiting: ${state.before} before this one, ${state.queue} in the queue` : state.doing[0].toUpperCase() + state.doing.slice(1);
      $("doing").textContent = text;
      if (state.of > 1 || state.done > 0) {
        $("progress").max = state.of;
        $("progress").value = state.done;
      } else {
        $("progress").removeAttribute("value");
      }
    } catch { return; }
  }
}

function formOf(kind, job) {
  const form = new FormData();
  form.append("job", job);
  form.append("refine", $("refine").value);
  if (kind === "grid") {
    sources.rows.files.forEach(({ file }, i) => form.append(i ? `identity${i + 1}` : "identity", file));
    sources.columns.files.forEach(({ file }, i) => form.append(i ? `attributes${i + 1}` : "attributes", file));
    return form;
  }
  for (const name of MODES[kind].cards) form.append(name, sources[name].file);
  if (kind === "anonymise") {
    form.append("report", "1");
    form.append("hide", $("hide").value);
    if (!$("stranger").checked) form.append("similarity", $("similarity").value);
    return form;
  }
  form.append("face", String(sources.attributes.face));
  if (kind === "compose" && $("keep").checked) form.append("keep_size", "1");
  if (kind === "interpolate") form.append("steps", String(STEPS));
  return form;
}

// How an answer is shown, now and when its mode is chosen again.
async function takeAnswer(kind, answer, before) {
  if (kind === "anonymise") {
    const { report, type, picture } = await answer.json();
    const blob = new Blob([Uint8Array.from(atob(picture), (c) => c.charCodeAt(0))], { type });
    const name = `idem-anonymised.${type === "image/jpeg" ? "jpg" : type.slice(6)}`;
    return async () => {
      await showResult(blob, name, "pair", () => showPair(before));
      if (mode() === "anonymise") showReport(report);
    };
  }
  const blob = await answer.blob();
  if (kind === "compose") return () => showResult(blob, "idem.png", "pair", () => showPair(before));
  if (kind === "grid") return () => showResult(blob, "idem-grid.png", "sheet", showGrid);
  return () => showResult(blob, "idem-slider.png", "way", () => showWay(blob));
}

async function run(event) {
  event.preventDefault();
  if (running || !isReady()) return;
  const kind = mode(), job = crypto.getRandomValues(new Uint32Array(3)).join("-");
  const before = kind === "anonymise" ? sources.photograph.file : sources.attributes.file;
  running = new AbortController();
  complain();
  $("doing").textContent = "Sending";
  $("progress").removeAttribute("value");
  busy(true);
  const started = performance.now();
  try {
    const { signal } = running;
    follow(job, signal);
    results[kind] = await takeAnswer(kind, await ask(`/${kind}`, formOf(kind, job), signal), before);
    await results[kind]();
    say(`Done in ${((performance.now() - started) / 1000).toFixed(1)} seconds`);
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled");
    else complain(withCard(error.message));
  }
  running = null;
  busy(false);
}

function changeMode() {
  const kind = mode(), { cards, go, empty } = MODES[kind];
  for (const name in sources) sources[name].card.hidden = !cards.includes(name);
  $("keep-line").hidden = kind !== "compose";
  $("dial").hidden = $("hide-line").hidden = kind !== "anonymise";
  $("go").textContent = go;
  $("empty").textContent = empty;
  complain();
  ready();
  if (results[kind]) results[kind]().catch(() => {}); // the next one is already shown
  else showOnly(null);
}

function turnDial() {
  $("similarity").disabled = $("stranger").checked;
  $("wanted").textContent = $("stranger").checked ? "–" : Number($("similarity").value).toFixed(2);
}

const identities = [1, 2, 3, 4, 5, 6].map((i) => `/samples/identities/${i}.png`);
const attributes = ["a", "b", "c", "d", "e", "f"].map((i) => `/samples/attributes/${i}.png`);
sources.identity = new Source("identity", identities, "who");
sources.identity2 = new Source("identity2", identities, "to whom");
sources.attributes = new Source("attributes", attributes, "how");
sources.rows = new Tray("rows", identities, "who, for the grid");
sources.columns = new Tray("columns", attributes, "how, for the grid");
sources.photograph = new Source("photograph", attributes, "photograph");
$("settings").addEventListener("submit", run);
$("cancel").addEventListener("click", () => running && running.abort());
$("split").addEventListener("input", () => $("compare").style.setProperty("--split", `${100 - $("split").value}%`));
$("place").addEventListener("input", drawPlace);
for (const id of ["stranger", "similarity"]) $(id).addEventListener("input", turnDial);
for (const radio of document.querySelectorAll("input[name=mode]")) radio.addEventListener("change", changeMode);
for (const event of ["dragover", "drop"]) window.addEventListener(event, (e) => e.preventDefault());
turnDial();
changeMode();
