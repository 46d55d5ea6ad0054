// The rival in ONNX Runtime: node onnxruntime.js FILE BATCH THREADS [FILE-WITH-FREE-BATCH] serves one network as bench_work --serve does
// (see peer.py). Of BATCH runs of FILE and one run of the other file the quicker is kept.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const ort = require(path.join(__dirname, "../../.cache/peers/node_modules/onnxruntime-node"));

const [file, batchText, threadsText, freeFile] = process.argv.slice(2);
const batch = Number(batchText);

// The rule of tests/fixtures/README.md with a = 1, b = 0.
function fill(name, count) {
    const mask = (1n << 64n) - 1n;
    let h = 0xcbf29ce484222325n;
    for (const c of Buffer.from(name)) h = ((h ^ BigInt(c)) * 0x100000001b3n) & mask;
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) {
        let s = (h + BigInt(i + 1) * 0x9e3779b97f4a7c15n) & mask;
        s = ((s ^ (s >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
        s = ((s ^ (s >> 27n)) * 0x94d049bb133111ebn) & mask;
        s ^= s >> 31n;
        out[i] = 2 * (Number(s >> 40n) / 16777216) - 1;
    }
    return out;
}

async function open(which) {
    return ort.InferenceSession.create(which, {
        executionProviders: ["cpu"], intraOpNumThreads: Number(threadsText), interOpNumThreads: 1,
        graphOptimizationLevel: "all", logSeverityLevel: 3,
    });
}

// shapes: what one picture is, by the net's name or by the size of its input
function shapeOf(name) {
    const shapes = { fr_detect: [3, 240, 320], fr_landmark: [1, 64, 64], fr_feature: [3, 112, 112], fr_pose: [3, 224, 224],
        fr_expression: [3, 224, 224] };
    return shapes[path.basename(name, ".onnx").replace(/-free$/, "")] || [512];
}

function size(shape) {
    return shape.reduce((a, b) => a * b, 1);
}

async function variants() {
    const shape = shapeOf(file), one = size(shape), all = fill(shape.length === 1 ? "input.w" : "input", batch * one);
    const list = [];
    const single = await open(file), input = single.inputNames[0], names = single.outputNames;
    const parts = [];
    for (let i = 0; i < batch; i++)
        parts.push({ [input]: new ort.Tensor("float32", all.slice(i * one, (i + 1) * one), [1, ...shape]) });
    list.push(["runs of one", async () => {
        const rows = [];
        for (const part of parts) rows.push(await single.run(part));
        return names.flatMap((n) => rows.map((r) => r[n].data));
    }]);
    if (batch > 1 && freeFile) {
        try {
            const free = await open(freeFile), feed = { [input]: new ort.Tensor("float32", all, [batch, ...shape]) };
            const whole = async () => {
                const r = await free.run(feed);
                return names.map((n) => r[n].data);
            };
            await whole();
            list.push(["one run of the batch", whole]);
        } catch (e) {
            console.error(`peer: ${freeFile} does not run: ${String(e.message || e).slice(0, 200)}`);
        }
    }
    return list;
}

function processorSeconds() {
    const u = process.cpuUsage();
    return (u.user + u.system) * 1e-6;
}

async function main() {
    let best = null;
    for (const [name, run] of await variants()) {
        await run();
        let spent = Infinity;
        for (let i = 0; i < 3 && !(spent > 1 && i > 0 && spent < Infinity); i++) {
            const start = processorSeconds();
            await run();
            spent = Math.min(spent, processorSeconds() - start);
        }
        if (!best || spent < best.spent) best = { name, run, spent };
    }
    console.error(`peer: ${best.name}`);
    console.log("ready");
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const request = line.split(" ");
        if (request[0] === "run") {
            const wall = process.hrtime.bigint(), processor = processorSeconds();
            await best.run();
            const passed = Number(process.hrtime.bigint() - wall) * 1e-9;
            console.log(`${(passed / batch).toFixed(6)} ${((processorSeconds() - processor) / batch).toFixed(6)}`);
        } else if (request[0] === "values") {
            const parts = (await best.run()).map((d) => Buffer.from(d.buffer, d.byteOffset, d.byteLength));
            fs.writeFileSync(request[1], Buffer.concat(parts));
            console.log("ok");
        } else if (request[0] === "memory") {
            console.log((process.resourceUsage().maxRSS / 1024).toFixed(1));
        }
    }
}

main().catch((e) => {
    console.error(`peer: ${e.message || e}`);
    process.exit(1);
});
