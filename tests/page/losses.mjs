// Runs a WebAssembly program that prints, with the system interface of node: node losses.mjs PROGRAM
import fs from 'node:fs/promises';
import {WASI} from 'node:wasi';

const wasi = new WASI({version: 'preview1', args: process.argv.slice(2)});
const {instance} = await WebAssembly.instantiate(await fs.readFile(process.argv[2]), wasi.getImportObject?.() ?? {wasi_snapshot_preview1: wasi.wasiImport});
wasi.start(instance);
