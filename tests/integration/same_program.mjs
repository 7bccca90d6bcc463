// Whether scripts say the same program: {"name": [written, served], …} on standard input, the names of those that do not on standard output.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const ts = createRequire(new URL('../../client-demo/package.json', import.meta.url))('typescript');
const program = (text) => ts.transpileModule(text, { compilerOptions: { target: 'esnext', module: 'esnext', removeComments: true } }).outputText;

const pairs = Object.entries(JSON.parse(readFileSync(0, 'utf8')));
process.stdout.write(JSON.stringify(pairs.filter(([, [written, served]]) => program(written) !== program(served)).map(([name]) => name)));
