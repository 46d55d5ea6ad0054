"use strict";
// The pictures that go in: one on a card (Source), or up to four (Tray).

const MOST_IN_TRAY = 4;
const MOST_BYTES = 64 << 20; // of a request

// Why a file cannot be taken; "" if it can.
function whyNot(file) {
  const megabytes = Math.ceil(file.size / (1 << 20));
  return file.size === 0 ? "This file is empty" : file.size >= MOST_BYTES ? `This file has ${megabytes} MB, at most 64 MB can be sent` : "";
}

function takeDropped(place, take) {
  for (const event of ["dragenter", "dragover"])
    place.addEventListener(event, (e) => { e.preventDefault(); place.classList.add("over"); });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (e) => {
    e.preventDefault();
    place.classList.remove("over");
    if (e.dataTransfer.files.length) take([...e.dataTransfer.files]);
  });
}

async function fetchSample(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.blob();
}

function addSamples(card, samples, label, take) {
  const group = card.querySelector(".samples");
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
        await take(button, address);
      } catch {
        complain(await whyUnsent());
      }
    });
    group.append(button);
  });
}

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
    takeDropped(this.drop, (files) => this.take(files[0]));
    addSamples(this.card, samples, label, async (button, address) => {
      await this.take(await fetchSample(address));
      button.setAttribute("aria-pressed", "true");
    });
  }

  say(text, bad = false) {
    this.found.textContent = sentence(text);
    this.found.classList.toggle("bad", bad);
  }

  async take(file) {
    complain();
    if (whyNot(file)) {
      this.say(whyNot(file), true);
      return;
    }
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
    this.say("Looking for faces…");
    try {
      const seen = await (await ask("/faces", form)).json();
      if (file !== this.file) return;
      this.show(seen);
    } catch (error) {
      if (file !== this.file) return;
      this.say(withoutField(error.message), true);
    }
  }

  show(seen) {
    const n = seen.faces.length;
    const many = { photograph: `${n} faces`, attributes: `${n} faces: choose one` }[this.name] || `${n} faces, the largest is taken`;
    this.say(seen.whole ? "One face, taken whole" : n === 0 ? "No face was found in this picture" : n === 1 ? "One face" : many, !seen.whole && n === 0);
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
      button.setAttribute("aria-pressed", String(i === 0 || this.name === "photograph"));
      button.disabled = this.name !== "attributes";
      button.addEventListener("click", () => {
        this.face = i + 1;
        for (const other of this.boxes.children) other.setAttribute("aria-pressed", String(other === button));
      });
      this.boxes.append(button);
    });
  }
}

class Tray {
  constructor(name, samples, label) {
    this.card = $(name);
    this.title = this.card.querySelector("h2").textContent;
    this.card.append($("tray").content.cloneNode(true));
    this.list = this.card.querySelector(".taken");
    this.found = this.card.querySelector(".found");
    this.files = [];
    const input = this.card.querySelector("input[type=file]");
    input.addEventListener("change", () => {
      for (const file of input.files) this.take(file);
      input.value = "";
    });
    takeDropped(this.card.querySelector(".drop"), (files) => files.forEach((file) => this.take(file)));
    addSamples(this.card, samples, label, async (button, address) => {
      if (button.getAttribute("aria-pressed") === "true") this.drop(button.file);
      else button.file = this.take(await fetchSample(address), button);
    });
    this.count();
  }

  // The file, or null when there is no room for it.
  take(file, button = null) {
    complain();
    if (whyNot(file)) {
      complain(`${this.title}: ${file.name}: ${whyNot(file)}`);
      return null;
    }
    if (this.files.length === MOST_IN_TRAY) {
      complain(`${this.title}: a grid has ${MOST_IN_TRAY} at most; remove one first`);
      return null;
    }
    const item = document.createElement("li");
    const image = document.createElement("img");
    const remove = document.createElement("button");
    image.src = URL.createObjectURL(file);
    image.addEventListener("error", () => item.classList.add("unseen"));
    remove.type = "button";
    remove.textContent = "×";
    remove.addEventListener("click", () => this.drop(file));
    item.append(image, remove);
    this.list.append(item);
    this.files.push({ file, item, image, remove, button });
    if (button) button.setAttribute("aria-pressed", "true");
    this.count();
    return file;
  }

  drop(file) {
    const i = this.files.findIndex((one) => one.file === file);
    if (i < 0) return;
    const [{ item, image, button }] = this.files.splice(i, 1);
    if (button) button.setAttribute("aria-pressed", "false");
    URL.revokeObjectURL(image.src);
    if (item.contains(document.activeElement)) this.card.querySelector("input[type=file]").focus();
    item.remove();
    this.count();
  }

  count() {
    const n = this.files.length;
    this.files.forEach(({ image, remove }, i) => {
      image.alt = `${this.title}, picture ${i + 1}`;
      remove.setAttribute("aria-label", `Remove picture ${i + 1}: ${this.title}`);
    });
    this.found.textContent = n ? `${n} of ${MOST_IN_TRAY}` : "";
    ready();
  }
}
