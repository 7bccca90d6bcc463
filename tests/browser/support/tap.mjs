// Tests one after another, with TAP on standard output (node:test's reporters differ by version).
const tests = [];
const endings = [];

export const test = (name, body) => tests.push({ name, body });
/** Runs at the end, whatever happened; the last one registered first. */
export const atEnd = (body) => endings.unshift(body);

export function check(condition, message) {
  if (!condition) throw new Error(message);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Polls until `probe` gives something truthy, and returns it. */
export async function until(what, probe, timeoutMs = 10000, everyMs = 50) {
  const deadline = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    await sleep(everyMs);
  }
}

export async function runEndings() {
  for (const end of endings) {
    try {
      await end();
    } catch (error) {
      console.log(`# ending: ${error.message}`);
    }
  }
}

export async function main() {
  let failed = 0;
  const only = process.argv.slice(2).filter((a) => !a.startsWith('--'));
  const chosen = only.length ? tests.filter((t) => only.some((o) => t.name.includes(o))) : tests;
  console.log(`1..${chosen.length}`);
  for (const [i, { name, body }] of chosen.entries()) {
    const started = Date.now();
    try {
      await body();
      console.log(`ok ${i + 1} - ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${i + 1} - ${name}`);
      console.log(String(error.stack ?? error).replace(/^/gm, '# '));
    }
    console.log(`# ${Date.now() - started} ms`);
  }
  await runEndings();
  process.exit(failed ? 1 : 0);
}

/** A program of one run: what it throws is its log, and code 1. */
export async function runProgram(run) {
  let failed = false;
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${error?.stack ?? error} ${JSON.stringify(error)}\n`);
    failed = true;
  }
  await runEndings();
  process.exit(failed ? 1 : 0);
}
