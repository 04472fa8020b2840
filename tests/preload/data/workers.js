// SPDX-License-Identifier: MIT
// Worker threads, each with an engine of its own, that exchange messages, shared memory and buffers
// whose ownership moves; and the libraries behind zlib, crypto and files, which use malloc.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib');
const crypto = require('crypto');
const fs = require('fs');

function random(seed) {
    return () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 8;
}

function text(seed, length) {
    const next = random(seed);
    const words = [];
    for (let i = 0; i < length; i++)
        words.push(String.fromCharCode(97 + next() % 26).repeat(1 + next() % 9));
    return words.join(' ');
}

const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');

function work({ id, shared }) {
    const counters = new Int32Array(shared);
    const results = [];
    for (let round = 0; round < 12; round++) {
        const plain = Buffer.from(text(id * 100 + round, 4000 + 500 * round));
        const packed = zlib.deflateSync(plain, { level: 1 + round % 9 });
        const back = zlib.inflateSync(packed);
        if (!back.equals(plain))
            throw new Error('deflate and inflate do not agree');
        const brotli = zlib.brotliCompressSync(plain.subarray(0, 8000));
        const cipher = crypto.createCipheriv('aes-128-cbc', Buffer.alloc(16, id), Buffer.alloc(16, round));
        const secret = Buffer.concat([cipher.update(packed), cipher.final()]);
        const name = `worker${id}.${round}`;
        fs.writeFileSync(name, secret);
        const words = new Map();
        for (const word of plain.toString().split(' '))
            words.set(word, (words.get(word) ?? 0) + 1);
        results.push(hash(fs.readFileSync(name)), brotli.length, words.size);
        Atomics.add(counters, 0, packed.length);
        Atomics.add(counters, 1, words.size);
    }
    const buffer = new Uint8Array(1 << 20).fill(id).buffer;
    parentPort.postMessage({ id, results: JSON.stringify(results), buffer }, [buffer]);
}

function start(id, shared) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: { id, shared } });
        let message;
        worker.on('message', (value) => (message = value));
        worker.on('error', reject);
        worker.on('exit', (code) => (code === 0 ? resolve(message) : reject(new Error(`exit ${code}`))));
    });
}

async function main() {
    const shared = new SharedArrayBuffer(8);
    // Twice as many as live at once: later ones take over what ended ones have left.
    const messages = [];
    for (let wave = 0; wave < 4; wave++)
        messages.push(...await Promise.all([...Array(6).keys()].map((i) => start(wave * 6 + i + 1, shared))));
    for (const { id, results, buffer } of messages)
        console.log(id, hash(results), hash(Buffer.from(buffer)));
    console.log(...new Int32Array(shared));
    const streams = await Promise.all(messages.map(({ id }) => new Promise((resolve, reject) =>
        zlib.gzip(text(id, 20000), (error, data) => error ? reject(error) : resolve(data.length)))));
    console.log(streams.join(' '));
}

if (isMainThread)
    main().catch((error) => { console.error(error); process.exitCode = 1; });
else
    work(workerData);
