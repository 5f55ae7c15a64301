// What JSON.parse and ajv take for a body: ajv.mjs SCHEMA BODY RUNS, where ajv is installed in the working folder.
// Prints an object of figures: microseconds of processor and by the clock for a body, its bytes, and the most KiB that
// the program had resident.  A fifth as many bodies go before, uncounted, so that V8 has compiled what it will.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const need = createRequire(process.cwd() + "/");
const Ajv = need("ajv/dist/2020.js").default;
const formats = need("ajv-formats").default;

const [schema, path, runs] = process.argv.slice(2);
const body = readFileSync(path, "utf8");
const validate = formats(new Ajv()).compile(JSON.parse(readFileSync(schema, "utf8")));

function run(n) {
    for (let i = 0; i < n; i++)
        if (!validate(JSON.parse(body)))
            throw new Error(JSON.stringify(validate.errors));
}

run(Math.ceil(runs / 5));
const cpu = process.cpuUsage(), clock = performance.now();
run(runs);
const spent = process.cpuUsage(cpu), took = performance.now() - clock;
console.log(JSON.stringify({
    cpu: (spent.user + spent.system) / runs,
    clock: 1000 * took / runs,
    bytes: Buffer.byteLength(body),
    memory: Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]),
}));
